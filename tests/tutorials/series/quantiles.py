"""Quantiles by the pinball loss from stateful and masked recurrent networks over sequences of many lengths."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(35)
rng = np.random.default_rng(35)
lengths = rng.integers(5, 20, 210)
x = np.zeros((210, 20, 3), "float32")
for row, n in zip(x, lengths):
    row[:n] = rng.normal(size=(n, 3)).cumsum(0) * 0.3
last = x[np.arange(210), lengths - 1]
y = (last.sum(1) + rng.normal(0, 0.5, 210)).astype("float32")[:, None]
QUANTILES = tf.constant([0.1, 0.5, 0.9])


@keras.utils.register_keras_serializable()
def pinball(y_true, y_pred):
    error = y_true - y_pred
    return tf.reduce_mean(tf.maximum(QUANTILES * error, (QUANTILES - 1) * error), axis=-1)


class Coverage(keras.metrics.Metric):
    def __init__(self, name="coverage", **kwargs):
        super().__init__(name=name, **kwargs)
        self.inside = self.add_weight(name="inside", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        low, high = y_pred[:, :1], y_pred[:, 2:]
        inside = tf.cast((y_true >= low) & (y_true <= high), tf.float32)
        self.inside.assign_add(tf.reduce_sum(inside))
        self.count.assign_add(tf.cast(tf.size(inside), tf.float32))

    def result(self):
        return tf.math.divide_no_nan(self.inside, self.count)


model = keras.Sequential(
    [
        keras.Input((20, 3)),
        layers.Masking(),
        layers.GRU(16, return_sequences=True, reset_after=False),
        layers.SimpleRNN(12),
        layers.Dense(3),
    ]
)
model.compile("adam", pinball, metrics=[Coverage()])
history = model.fit(
    x[:170], y[:170], epochs=5, batch_size=32, validation_data=(x[170:], y[170:]), verbose=0
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print("RESULT coverage", *history["coverage"])
print("RESULT quantiles", model.predict(x[170:174], verbose=0).ravel())
model.save("quantiles.keras")
again = keras.models.load_model("quantiles.keras", custom_objects={"Coverage": Coverage})
print(
    "RESULT same",
    np.allclose(again.predict(x[:9], verbose=0), model.predict(x[:9], verbose=0), atol=1e-6),
)

stateful = keras.Sequential(
    [keras.Input(batch_shape=(10, 5, 3)), layers.LSTM(8, stateful=True), layers.Dense(1)]
)
stateful.compile("sgd", "mse")
for part in range(3):
    loss = stateful.train_on_batch(x[:10, part * 5 : part * 5 + 5], y[:10])
    print("RESULT stateful", part, float(loss), float(tf.norm(stateful.layers[0].states[0])))
stateful.layers[0].reset_states()
print("RESULT reset", float(tf.norm(stateful.layers[0].states[0])))
