"""Recurrent layers that keep their state between batches, skip masked steps, read backwards, and are made of stacked cells."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(5)
rng = np.random.default_rng(17)


def fill(model):
    model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])


series = np.sin(np.arange(24) / 3).reshape(2, 12, 1).astype("float32")
stateful = tf.keras.Sequential(
    [
        tf.keras.Input(batch_shape=(2, 4, 1)),
        layers.LSTM(3, stateful=True, return_sequences=True),
        layers.Dense(1),
    ]
)
fill(stateful)
parts = [stateful.predict(series[:, i : i + 4], verbose=0) for i in (0, 4, 8)]
print("RESULT parts", *[np.round(part[:, -1, 0], 5) for part in parts])
stateful.layers[0].reset_states()
again = stateful.predict(series[:, :4], verbose=0)
print("RESULT after reset", bool(np.allclose(again, parts[0])))

words = tf.constant([[3, 1, 4, 0, 0], [2, 0, 0, 0, 0], [5, 1, 2, 3, 4]])
reader = tf.keras.Sequential(
    [
        tf.keras.Input((None,), dtype="int32"),
        layers.Embedding(6, 4, mask_zero=True),
        layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="concat"),
        layers.LSTM(2),
    ]
)
fill(reader)
print("RESULT masked", np.round(reader(words).numpy().ravel(), 5))
print("RESULT shorter", bool(np.allclose(reader(words[:1, :3]), reader(words)[:1], atol=1e-6)))

stacked = layers.RNN(
    layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(3)]), return_state=True
)
inputs = tf.keras.Input((5, 1))
model = tf.keras.Model(inputs, stacked(inputs)[0])
fill(model)
model.compile(tf.keras.optimizers.SGD(0.1), "mse")
history = model.fit(
    series[:, :5], np.ones((2, 3), "float32"), epochs=4, shuffle=False, verbose=0
).history
print("RESULT losses", *[f"{loss:.5f}" for loss in history["loss"]])
