"""Characters predicted by a GRU; text drawn step by step with a saved state and a mask of what may not come."""

import tensorflow as tf

tf.keras.utils.set_random_seed(14)
text = "the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. " * 12
letters = sorted(set(text))
ids_of = tf.keras.layers.StringLookup(vocabulary=letters, mask_token=None)
chars_of = tf.keras.layers.StringLookup(
    vocabulary=ids_of.get_vocabulary(), invert=True, mask_token=None
)
ids = ids_of(tf.strings.unicode_split(text, "UTF-8"))
print("RESULT ids", len(letters), ids[:12].numpy())


def split(sequence):
    return sequence[:-1], sequence[1:]


data = tf.data.Dataset.from_tensor_slices(ids).batch(31, drop_remainder=True).map(split)
data = data.shuffle(100, seed=4).batch(12).prefetch(tf.data.AUTOTUNE)


class Writer(tf.keras.Model):
    def __init__(self, vocabulary, width, units):
        super().__init__()
        self.embedding = tf.keras.layers.Embedding(vocabulary, width)
        self.gru = tf.keras.layers.GRU(units, return_sequences=True, return_state=True)
        self.dense = tf.keras.layers.Dense(vocabulary)

    def call(self, inputs, states=None, return_state=False, training=False):
        x = self.embedding(inputs, training=training)
        if states is None:
            states = self.gru.get_initial_state(tf.shape(x)[0])
        x, states = self.gru(x, initial_state=states, training=training)
        x = self.dense(x, training=training)
        return (x, states) if return_state else x


model = Writer(len(ids_of.get_vocabulary()), 16, 48)
model.compile(
    tf.keras.optimizers.Adam(1e-2), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
print("RESULT loss", *model.fit(data, epochs=4, verbose=0).history["loss"])


class OneStep(tf.keras.Model):
    def __init__(self, model, temperature=1.0):
        super().__init__()
        self.model = model
        self.temperature = temperature
        skip = ids_of(["[UNK]"])[:, None]
        sparse = tf.SparseTensor(
            values=[-float("inf")] * len(skip),
            indices=skip,
            dense_shape=[len(ids_of.get_vocabulary())],
        )
        self.mask = tf.sparse.to_dense(sparse)

    @tf.function
    def step(self, inputs, states=None):
        characters = tf.strings.unicode_split(inputs, "UTF-8")
        input_ids = ids_of(characters).to_tensor()
        logits, states = self.model(inputs=input_ids, states=states, return_state=True)
        logits = logits[:, -1, :] / self.temperature + self.mask
        chosen = tf.argmax(logits, -1)
        return chars_of(chosen), states, tf.reduce_max(tf.nn.log_softmax(logits), -1)


one = OneStep(model, 0.7)
states, following, result, scores = None, tf.constant(["the qu", "pack m"]), [], []
for _ in range(12):
    following, states, score = one.step(following, states=states)
    result.append(following)
    scores.append(score)
print("RESULT scores", tf.stack(scores)[:6].numpy().ravel())
print("RESULT state", float(tf.norm(states)))
print("RESULT length", tf.strings.length(tf.strings.join(result)).numpy())
drawn = tf.random.stateless_categorical(tf.math.log([[0.1, 0.2, 0.7]]), 8, seed=[1, 2])
print("RESULT drawn", drawn.numpy())
