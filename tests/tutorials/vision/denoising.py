"""A convolutional autoencoder that takes the noise out of pictures."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)
clean = np.zeros((260, 28, 28, 1), "float32")
for image in clean:
    for _ in range(3):
        top, left, height, width = rng.integers(2, 12, 4)
        image[top : top + height, left : left + width] = rng.random()
noisy = np.clip(clean + rng.normal(0, 0.3, clean.shape), 0, 1).astype("float32")


class Denoise(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential(
            [
                layers.Conv2D(16, 3, activation="relu", padding="same", strides=2),
                layers.Conv2D(8, 3, activation="relu", padding="same", strides=2),
            ]
        )
        self.decoder = keras.Sequential(
            [
                layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same"),
                layers.Conv2DTranspose(16, 3, strides=2, activation="relu", padding="same"),
                layers.Conv2D(1, 3, activation="sigmoid", padding="same"),
            ]
        )

    def call(self, x):
        return self.decoder(self.encoder(x))


model = Denoise()
model.compile(optimizer="adam", loss=keras.losses.MeanSquaredError(), metrics=["mae"])
history = model.fit(
    noisy[:200], clean[:200], epochs=3, validation_data=(noisy[200:], clean[200:]), verbose=0
).history
print("RESULT loss", *history["loss"], *history["mae"])
print("RESULT val_loss", *history["val_loss"])
code = model.encoder(noisy[:3]).numpy()
print("RESULT code", code.shape, float(code.mean()), float(code.max()))
restored = model.decoder(code)
print("RESULT psnr", tf.image.psnr(restored, clean[:3], 1.0).numpy())
print("RESULT ssim", tf.image.ssim(restored, clean[:3], 1.0).numpy())
print("RESULT variation", tf.image.total_variation(restored).numpy())
