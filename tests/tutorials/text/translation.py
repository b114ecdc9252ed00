"""Sequence to sequence with additive attention, teacher forcing, and a greedy decoder in a while loop."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(15)
rng = np.random.default_rng(15)
START, END, SYMBOLS, UNITS = 1, 2, 14, 24
lengths = rng.integers(2, 7, 260)
source = np.zeros((260, 7), "int64")
target = np.zeros((260, 9), "int64")
for s, t, n in zip(source, target, lengths):
    word = rng.integers(3, SYMBOLS, n)
    s[:n] = word
    t[: n + 2] = [START, *word[::-1], END]


class Additive(tf.keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.w1 = tf.keras.layers.Dense(units, use_bias=False)
        self.w2 = tf.keras.layers.Dense(units, use_bias=False)
        self.v = tf.keras.layers.Dense(1)

    def call(self, query, values, mask):
        hidden = tf.nn.tanh(self.w1(tf.expand_dims(query, 1)) + self.w2(values))
        score = tf.squeeze(self.v(hidden), -1)
        weights = tf.nn.softmax(score + (1.0 - tf.cast(mask, tf.float32)) * -1e9, axis=-1)
        return tf.einsum("bt,btu->bu", weights, values), weights


class Translator(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.embed_in = tf.keras.layers.Embedding(SYMBOLS, 12)
        self.embed_out = tf.keras.layers.Embedding(SYMBOLS, 12)
        self.encoder = tf.keras.layers.GRU(UNITS, return_sequences=True, return_state=True)
        self.cell = tf.keras.layers.GRUCell(UNITS)
        self.attention = Additive(UNITS)
        self.head = tf.keras.layers.Dense(SYMBOLS)

    def encode(self, source):
        mask = source != 0
        values, state = self.encoder(self.embed_in(source), mask=mask)
        return values, state, mask

    def step(self, token, state, values, mask):
        context, weights = self.attention(state, values, mask)
        output, states = self.cell(tf.concat([context, self.embed_out(token)], -1), [state])
        return self.head(output), states[0], weights

    @tf.function
    def loss_of(self, source, target):
        values, state, mask = self.encode(source)
        total, count = 0.0, 0.0
        for t in range(8):
            logits, state, _ = self.step(target[:, t], state, values, mask)
            real = tf.cast(target[:, t + 1] != 0, tf.float32)
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(target[:, t + 1], logits)
            total += tf.reduce_sum(entropy * real)
            count += tf.reduce_sum(real)
        return total / count

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64)])
    def translate(self, source):
        values, state, mask = self.encode(source)
        batch = tf.shape(source)[0]
        token = tf.fill([batch], tf.constant(START, tf.int64))
        done = tf.zeros([batch], tf.bool)
        result = tf.TensorArray(tf.int64, size=0, dynamic_size=True)
        weights = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        t = tf.constant(0)
        while t < 9:
            logits, state, weight = self.step(token, state, values, mask)
            token = tf.where(done, tf.constant(0, tf.int64), tf.argmax(logits, -1))
            result = result.write(t, token)
            weights = weights.write(t, weight)
            done = done | (token == END)
            t += 1
            if tf.reduce_all(done):
                break
        return tf.transpose(result.stack()), tf.transpose(weights.stack(), [1, 0, 2]), t


model = Translator()
optimizer = tf.keras.optimizers.Adam(1e-2)
data = tf.data.Dataset.from_tensor_slices((source, target)).shuffle(260, seed=1).batch(48)
model.loss_of(source[:2], target[:2])


@tf.function
def train_step(source, target):
    with tf.GradientTape() as tape:
        loss = model.loss_of(source, target)
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, norm


for epoch in range(5):
    results = [train_step(*batch) for batch in data]
    print("RESULT epoch", epoch, *np.mean([[float(a), float(b)] for a, b in results], 0))
print("RESULT variables", len(model.trainable_variables))
result, weights, steps = model.translate(source[:40])
sums = tf.reduce_sum(weights, -1)
print("RESULT weights", weights.shape[0], float(tf.reduce_min(sums)), float(tf.reduce_max(sums)))
print("RESULT first weights", weights[0, 0].numpy())
