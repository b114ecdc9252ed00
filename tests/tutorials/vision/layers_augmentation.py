"""Keras's random layers in front of a small network, trained for a few epochs with dropout."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(9)
rng = np.random.default_rng(9)
x = rng.random((150, 24, 24, 3)).astype("float32")
y = rng.integers(0, 3, 150)
for image, label in zip(x, y):
    image[4 + 4 * label : 12 + 4 * label, 6:18] += 0.5
augmentation = keras.Sequential(
    [
        layers.RandomFlip("horizontal", seed=1),
        layers.RandomRotation(0.1, seed=2),
        layers.RandomZoom(0.1, seed=3),
        layers.RandomTranslation(0.1, 0.1, seed=4),
        layers.RandomContrast(0.1, seed=5),
    ]
)
for step in range(2):
    out = augmentation(x[:9], training=True)
    print(
        "RESULT augmented",
        step,
        float(tf.reduce_mean(out)),
        float(tf.math.reduce_std(out)),
        out[2, 5, 5].numpy(),
    )
print("RESULT inference", float(tf.reduce_max(tf.abs(augmentation(x[:9], training=False) - x[:9]))))
model = keras.Sequential(
    [
        keras.Input((24, 24, 3)),
        augmentation,
        layers.Rescaling(1 / 1.5),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Dropout(0.2, seed=6),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dense(3),
    ]
)
model.compile(
    "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
history = model.fit(
    x[:110], y[:110], validation_data=(x[110:], y[110:]), epochs=4, verbose=0
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print("RESULT logits", model.predict(x[:3], verbose=0).ravel())
