"""The next item of a session by a causal transformer, and factorization machines of sparse fields."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(53)
rng = np.random.default_rng(53)
ITEMS, LENGTH = 25, 10
start = rng.integers(1, ITEMS, 260)
steps = rng.choice([1, 2, 5], (260, LENGTH)).cumsum(1)
sessions = (start[:, None] + steps) % (ITEMS - 1) + 1
lengths = rng.integers(4, LENGTH + 1, 260)
sessions[np.arange(LENGTH) < LENGTH - lengths[:, None]] = 0
x, y = sessions[:, :-1], sessions[:, 1:]

inputs = keras.Input((LENGTH - 1,), dtype="int32")
h = layers.Embedding(ITEMS, 16, mask_zero=True)(inputs)
positions = layers.Embedding(LENGTH, 16)(tf.range(LENGTH - 1))
h = h + positions
for _ in range(2):
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h, h, use_causal_mask=True))
    h = layers.LayerNormalization()(h + layers.Dense(16)(layers.Dense(32, activation="gelu")(h)))
model = keras.Model(inputs, layers.Dense(ITEMS)(h))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
model.compile(keras.optimizers.Adam(5e-3), loss, weighted_metrics=["accuracy"])
weight = (y != 0).astype("float32")
history = model.fit(
    x[:220], y[:220], sample_weight=weight[:220], batch_size=64, epochs=4, verbose=0
).history
print("RESULT loss", *history["loss"])
print("RESULT accuracy", *history["accuracy"])
print("RESULT evaluate", *model.evaluate(x[220:], y[220:], sample_weight=weight[220:], verbose=0))
logits = model.predict(x[220:], verbose=0)[:, -1]
rank = (logits > np.take_along_axis(logits, y[220:, -1:], 1)).sum(1)
print("RESULT recall", float((rank < 5).mean()) > 0.3, float(logits.std()))


class FactorizationMachine(layers.Layer):
    def __init__(self, factors):
        super().__init__()
        self.factors = factors

    def build(self, shape):
        self.w0 = self.add_weight(shape=(1,), initializer="zeros")
        self.w = self.add_weight(shape=(shape[-1], 1), initializer="zeros")
        self.v = self.add_weight(
            shape=(shape[-1], self.factors),
            initializer=keras.initializers.RandomNormal(stddev=0.1, seed=1),
        )

    def call(self, x):
        square_of_sum = tf.square(x @ self.v)
        sum_of_square = tf.square(x) @ tf.square(self.v)
        return (
            self.w0
            + x @ self.w
            + 0.5 * tf.reduce_sum(square_of_sum - sum_of_square, 1, keepdims=True)
        )


left, right = rng.integers(0, 12, 450), rng.integers(0, 15, 450)
table = rng.normal(size=(12, 2)) @ rng.normal(size=(2, 15))
clicked = (table[left, right] + rng.normal(0, 0.3, 450) > 0).astype("float32")
fields = np.concatenate([np.eye(12)[left], np.eye(15)[right]], 1).astype("float32")
machine = keras.Sequential([FactorizationMachine(4), layers.Activation("sigmoid")])
machine.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=[keras.metrics.AUC()])
history = machine.fit(fields, clicked[:, None], batch_size=100, epochs=5, verbose=0).history
print("RESULT machine", *history["loss"])
print("RESULT clicks", machine.predict(fields[:5], verbose=0).ravel())
