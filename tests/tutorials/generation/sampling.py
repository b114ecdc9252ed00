"""Text drawn from a small language model: by temperature, top-k, nucleus, typical and min-p sampling, with penalties and stops."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(251)
text = "the rain in spain stays mainly in the plain and the train gains again . " * 6
characters = sorted(set(text))
index = {c: k for k, c in enumerate(characters)}
ids = np.array([index[c] for c in text], "int32")
SIZE, STOP = len(characters), index["."]

windows = tf.data.Dataset.from_tensor_slices(ids).window(21, shift=7, drop_remainder=True)
data = windows.flat_map(lambda window: window.batch(21))
data = data.map(lambda row: (row[:-1], row[1:])).batch(16)


class Language(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(SIZE, 12)
        self.lstm = layers.LSTM(32, return_sequences=True, return_state=True)
        self.out = layers.Dense(SIZE)

    def call(self, ids, state=None, return_state=False):
        x, *state = self.lstm(self.embedding(ids), initial_state=state)
        return (self.out(x), state) if return_state else self.out(x)


model = Language()
model.compile(
    keras.optimizers.Adam(2e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
print("RESULT loss", *model.fit(data, epochs=6, verbose=0).history["loss"])


def top_k(logits, k):
    least = tf.math.top_k(logits, k).values[:, -1:]
    return tf.where(logits < least, -np.inf, logits)


def nucleus(logits, p):
    order = tf.argsort(logits, direction="DESCENDING")
    ranked = tf.gather(logits, order, batch_dims=1)
    before = tf.cumsum(tf.nn.softmax(ranked), axis=-1, exclusive=True)
    ranked = tf.where(before < p, ranked, -np.inf)
    return tf.gather(ranked, tf.argsort(order), batch_dims=1)


def typical(logits, mass):
    logs = tf.nn.log_softmax(logits)
    entropy = -tf.reduce_sum(tf.exp(logs) * logs, -1, keepdims=True)
    order = tf.argsort(tf.abs(-logs - entropy))
    reached = tf.cumsum(tf.exp(tf.gather(logs, order, batch_dims=1)), -1)
    last = tf.reduce_sum(tf.cast(reached < mass, tf.int32), -1, keepdims=True)
    rank = tf.argsort(order)
    return tf.where(rank <= last, logits, -np.inf)


def min_p(logits, ratio):
    p = tf.nn.softmax(logits)
    return tf.where(p < ratio * tf.reduce_max(p, -1, keepdims=True), tf.float32.min, logits)


filters = {
    "plain": lambda x: x,
    "cold": lambda x: x / 0.5,
    "top_k": lambda x: top_k(x, 4),
    "nucleus": lambda x: nucleus(x / 1.2, 0.8),
    "typical": lambda x: typical(x, 0.6),
    "min_p": lambda x: min_p(x, 0.1),
}


def spell(row):
    return (
        "".join(characters[k] if k >= 0 else "_" for k in row).replace(" ", "-").replace(".", "!")
    )


@tf.function(reduce_retracing=True)
def generate(name, prompts, length, penalty):
    """Continues each prompt; the state of the LSTM goes with the loop, and a dot ends a line."""
    logits, state = model(prompts, return_state=True)
    logits = logits[:, -1]
    rows = tf.shape(prompts)[0]
    drawn = tf.TensorArray(tf.int32, length, element_shape=[None])
    done, counts = tf.zeros([rows], tf.bool), tf.zeros([rows, SIZE])
    stop = tf.constant(STOP)
    for k in tf.range(length):
        choice = filters[name](logits - penalty * counts)
        token = tf.random.categorical(choice, 1, dtype=tf.int32, seed=7)[:, 0]
        token = tf.where(done, -1, token)
        drawn = drawn.write(k, token)
        done = done | tf.equal(token, stop)
        counts += tf.one_hot(token, SIZE)
        logits, state = model(tf.maximum(token, 0)[:, None], state=state, return_state=True)
        logits = logits[:, 0]
    return tf.transpose(drawn.stack()), tf.reduce_sum(tf.cast(done, tf.int32))


prompts = np.array([[index[c] for c in word] for word in ("the ", "rain", "in s")], "int32")
tf.random.set_seed(9)
for name in filters:
    for rows, length, penalty in ((3, 20, 0.0), (2, 12, tf.constant(0.3))):
        tokens, done = generate(name, tf.constant(prompts[:rows]), length, penalty)
        print("RESULT", name, tokens.shape, int(done), *map(spell, tokens.numpy()))

greedy, state = [], None
token = tf.constant([[index["t"]]])
for _ in range(15):
    logits, state = model(token, state=state, return_state=True)
    token = tf.argmax(logits[:, -1:], -1, output_type=tf.int32)
    greedy.append(int(token[0, 0]))
print("RESULT greedy", spell(greedy))
noise = -tf.math.log(-tf.math.log(tf.random.stateless_uniform([4, SIZE], [1, 2], 1e-6)))
print("RESULT gumbel", *tf.argmax(logits[:, 0] + noise, -1).numpy())
draws = tf.random.stateless_categorical(tf.nn.log_softmax(logits[:, 0]), 9, seed=[3, 4])
print("RESULT stateless", *draws.numpy().ravel())
counted = tf.random.Generator.from_seed(3)
many = tf.cast(counted.uniform([500, 1]) < tf.cumsum(tf.nn.softmax(logits[0])), tf.int32)
print("RESULT inverse", *tf.math.bincount(SIZE - tf.reduce_sum(many, 1), minlength=SIZE).numpy())
