"""Anomalies in a series: a Conv1D autoencoder's reconstruction error over sliding windows."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(33)
rng = np.random.default_rng(33)
steps = np.arange(1500)
normal = np.sin(steps / 12) + 0.5 * np.sin(steps / 31) + rng.normal(0, 0.05, 1500)
broken = normal.copy()
broken[900:930] += 1.5
mean, deviation = normal.mean(), normal.std()


def sequences(values, length=48, stride=3):
    starts = range(0, len(values) - length + 1, stride)
    return np.stack([values[k : k + length, None] for k in starts]).astype("float32")


x = sequences((normal - mean) / deviation)
model = keras.Sequential(
    [
        layers.Input((48, 1)),
        layers.Conv1D(16, 7, padding="same", strides=2, activation="relu"),
        layers.Dropout(0.2),
        layers.Conv1D(8, 7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(8, 7, padding="same", strides=2, activation="relu"),
        layers.Dropout(0.2),
        layers.Conv1DTranspose(16, 7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(1, 7, padding="same"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, mode="min")
history = model.fit(
    x, x, epochs=4, batch_size=100, validation_split=0.1, callbacks=[stop], verbose=0
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
error = np.mean(np.abs(model.predict(x, verbose=0) - x), axis=1)
threshold = error.max()
print("RESULT threshold", threshold, error.mean())
test = sequences((broken - mean) / deviation)
found = np.mean(np.abs(model.predict(test, verbose=0) - test), axis=1) > threshold
print("RESULT found", found.shape, bool(found.any()), bool(found[:270].any()))
