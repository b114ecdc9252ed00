"""Low-rank adaptation of an embedding and of dense layers under Adam, with what was learned frozen, and merged afterwards."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(211)
rng = np.random.default_rng(211)
VOCABULARY = 60
ids = rng.integers(0, VOCABULARY, (120, 9))
quality = rng.normal(size=VOCABULARY)
labels = (quality[ids].sum(1) > 0).astype("float32")
others = (quality[ids][:, :4].sum(1) > quality[ids][:, 5:].sum(1)).astype("float32")


class LoraEmbedding(layers.Layer):
    def __init__(self, base, rank, **kwargs):
        super().__init__(**kwargs)
        self.base, self.rank = base, rank
        base.trainable = False

    def build(self, shape):
        self.a = self.add_weight(
            shape=(self.base.input_dim, self.rank),
            initializer=keras.initializers.HeUniform(3),
            name="a",
        )
        self.b = self.add_weight(
            shape=(self.rank, self.base.output_dim), initializer="zeros", name="b"
        )

    def call(self, ids):
        table = self.base.embeddings + tf.matmul(self.a, self.b)
        return tf.gather(table, ids)


class LoraDense(layers.Layer):
    def __init__(self, base, rank, alpha, **kwargs):
        super().__init__(**kwargs)
        self.base, self.rank, self.alpha = base, rank, alpha
        base.trainable = False

    def build(self, shape):
        self.a = self.add_weight(
            shape=(shape[-1], self.rank),
            initializer=keras.initializers.RandomNormal(0.0, 0.1, seed=4),
            name="a",
        )
        self.b = self.add_weight(shape=(self.rank, self.base.units), initializer="zeros", name="b")

    def call(self, x):
        return self.base(x) + self.base.activation(x @ self.a @ self.b * (self.alpha / self.rank))

    def merged(self):
        return self.base.kernel + self.a @ self.b * (self.alpha / self.rank)


embedding = layers.Embedding(VOCABULARY, 12, name="words")
hidden, scores = layers.Dense(16, "relu", name="hidden"), layers.Dense(1, name="scores")
inputs = keras.Input((9,), dtype="int32")
outputs = scores(hidden(layers.Flatten()(embedding(inputs))))
base = keras.Model(inputs, outputs)
bce = keras.losses.BinaryCrossentropy(from_logits=True)
base.compile(keras.optimizers.Adam(1e-2), bce)
print("RESULT base", *base.fit(ids, labels, batch_size=40, epochs=3, verbose=0).history["loss"])
before = [w.copy() for w in base.get_weights()]

table, first, last = (
    LoraEmbedding(embedding, 2),
    LoraDense(hidden, 2, 4.0),
    LoraDense(scores, 1, 1.0),
)
tuned = keras.Model(inputs, last(first(layers.Flatten()(table(inputs)))))
print(
    "RESULT count",
    sum(int(np.prod(v.shape)) for v in tuned.trainable_variables),
    len(tuned.non_trainable_variables),
)
tuned.compile(keras.optimizers.Adam(1e-2), bce)
print("RESULT tuned", *tuned.fit(ids, others, batch_size=32, epochs=4, verbose=0).history["loss"])
print("RESULT frozen", all(np.array_equal(a, b) for a, b in zip(before, base.get_weights())))
print(
    "RESULT merged",
    *[float(tf.norm(layer.merged() - layer.base.kernel)) for layer in (first, last)],
)
print("RESULT evaluated", float(tuned.evaluate(ids, others, verbose=0)))

# By hand, with one optimizer of TensorFlow's kind for each way that a slice of the table may be taken.
a = tf.Variable(rng.normal(0, 0.1, (VOCABULARY, 2)).astype("float32"))
b = tf.Variable(np.zeros((2, 12), "float32"))
ways = {
    "of sums": lambda: tf.gather(embedding.embeddings + a @ b, ids[:16]),
    "sums of": lambda: tf.gather(embedding.embeddings, ids[:16]) + tf.gather(a, ids[:16]) @ b,
    "of scaled": lambda: tf.gather(2.0 * a, ids[:16]) @ (b + 0.1),
    "of parts": lambda: tf.gather(tf.concat([a[:30], a[30:]], 0), ids[:16]) @ (b + 0.1),
    "of itself": lambda: tf.gather(a, ids[:16]) @ (b + 0.1),
    "lookup": lambda: tf.nn.embedding_lookup(a, ids[:16], max_norm=0.1) @ (b + 0.1),
    "reshaped": lambda: tf.gather(tf.reshape(a, [-1, 1, 2]), ids[:16])[:, :, 0] @ (b + 0.1),
    "identity": lambda: tf.gather(tf.identity(a), ids[:16]) @ (b + 0.1),
    "cast": lambda: tf.cast(tf.gather(tf.cast(a, tf.float64), ids[:16]), tf.float32) @ (b + 0.1),
}
for name, way in ways.items():
    a.assign(np.linspace(-1, 1, VOCABULARY * 2, dtype="float32").reshape(-1, 2) / 4)
    b.assign(np.zeros((2, 12), "float32"))
    adam = keras.optimizers.Adam(0.02, amsgrad=True)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((way() - 0.2) ** 2)
        gradients = tape.gradient(loss, [a, b])
        adam.apply_gradients(zip(gradients, [a, b]))
    kinds = [type(g).__name__ for g in gradients]
    print("RESULT", name, *kinds, float(loss), float(tf.norm(a)), float(tf.norm(b)))
