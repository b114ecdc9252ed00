"""The next frame of a video by convolutional LSTMs, then frames of its own, one after another."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(26)
rng = np.random.default_rng(26)
videos = np.zeros((16, 8, 14, 14, 1), "float32")
for n in range(16):
    row, column = rng.integers(1, 5, 2)
    for t in range(8):
        videos[n, t, row + t // 2 : row + t // 2 + 3, column + t // 3 : column + t // 3 + 3] = 1
x, y = videos[:, :-1], videos[:, 1:]

inputs = keras.Input((None, 14, 14, 1))
h = layers.ConvLSTM2D(6, 5, padding="same", return_sequences=True, activation="relu")(inputs)
h = layers.BatchNormalization()(h)
h = layers.ConvLSTM2D(6, 3, padding="same", return_sequences=True, recurrent_dropout=0.0)(h)
h = layers.TimeDistributed(layers.Conv2D(4, 1, activation="relu"))(h)
outputs = layers.Conv3D(1, 3, activation="sigmoid", padding="same")(h)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(5e-3), "binary_crossentropy")
history = model.fit(
    x,
    y,
    batch_size=4,
    epochs=4,
    shuffle=False,
    verbose=0,
    validation_split=0.25,
    callbacks=[
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=3),
    ],
).history
print("RESULT loss", *history["loss"])
print("RESULT validation", *history["val_loss"])
frames = videos[0, :3]
for _ in range(3):
    following = model.predict(frames[None], verbose=0)[0, -1:]
    frames = np.concatenate([frames, following])
print("RESULT frames", frames.shape, *frames[3:].mean((1, 2, 3)))
similarity = tf.image.ssim(tf.constant(frames[3:]), tf.constant(videos[0, 3:6]), 1.0, filter_size=5)
print("RESULT unlike", *(1 - similarity).numpy())
