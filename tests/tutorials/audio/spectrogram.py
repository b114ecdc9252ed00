"""Words told apart by their spectrograms: STFT in a dataset, Resizing, Normalization, a convolutional network."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(21)
rng = np.random.default_rng(21)
RATE = 4000
time = np.arange(RATE) / RATE
labels = rng.integers(0, 3, 110)


def sound(label):
    pitch = (200, 500, 900)[label] * (1 + 0.1 * rng.normal())
    sweep = np.sin(2 * np.pi * (pitch * time + (label - 1) * 150 * time**2))
    return (0.4 * sweep * np.exp(-3 * time) + 0.1 * rng.normal(size=RATE)).astype("float32")


waves = np.stack([sound(label) for label in labels])


def spectrogram(wave):
    transformed = tf.signal.stft(wave, frame_length=255, frame_step=128)
    return tf.abs(transformed)[..., tf.newaxis]


data = tf.data.Dataset.from_tensor_slices((waves, labels)).batch(24)
spectra = data.map(lambda wave, label: (spectrogram(wave), label), tf.data.AUTOTUNE)
train, valid = spectra.take(4).cache().shuffle(4, seed=1).prefetch(1), spectra.skip(4).cache()
example = next(iter(valid))[0]
print(
    "RESULT spectrogram",
    example.shape,
    float(tf.reduce_mean(example)),
    float(tf.reduce_max(example)),
)
norm = layers.Normalization()
norm.adapt(spectra.map(lambda spectrum, label: spectrum))
print("RESULT moments", norm.mean.numpy().ravel(), norm.variance.numpy().ravel())
model = keras.Sequential(
    [
        layers.Input(example.shape[1:]),
        layers.Resizing(24, 24),
        norm,
        layers.Conv2D(8, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(24, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(3),
    ]
)
model.compile(
    "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
history = model.fit(
    train,
    validation_data=valid,
    epochs=4,
    verbose=0,
    callbacks=[keras.callbacks.EarlyStopping(patience=2)],
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print("RESULT softmax", tf.nn.softmax(model(example[:3])).numpy().ravel())
