"""Deep dream: an image climbs the activations of layers, in octaves of size and in tiles that are rolled."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(29)
rng = np.random.default_rng(29)
picture = tf.constant(rng.random((30, 36, 3)).astype("float32") * 2 - 1)

inputs = keras.Input((None, None, 3))
x = layers.Conv2D(8, 3, activation="relu", name="edges")(inputs)
x = layers.MaxPooling2D(2)(x)
branches = [
    layers.Conv2D(4, 1, padding="same", activation="relu")(x),
    layers.Conv2D(4, 3, padding="same", activation="relu")(x),
    layers.Conv2D(4, 5, padding="same", activation="relu")(x),
]
x = layers.Concatenate(name="mixed")(branches)
model = keras.Model(inputs, [model_output for model_output in (x, branches[1])])


def loss_of(image):
    return tf.add_n([tf.reduce_mean(each) for each in model(image[tf.newaxis])])


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None, 3], tf.float32),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([], tf.float32),
    ]
)
def climb(image, steps, rate):
    loss = tf.constant(0.0)
    for _ in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = loss_of(image)
        gradients = tape.gradient(loss, image)
        gradients /= tf.math.reduce_std(gradients) + 1e-8
        image = tf.clip_by_value(image + gradients * rate, -1, 1)
    return loss, image


loss, dream = climb(picture, 6, 0.01)
print(
    "RESULT plain", float(loss), float(tf.reduce_mean(dream)), *dream[::14, ::14, 0].numpy().ravel()
)


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None, 3], tf.float32),
        tf.TensorSpec([2], tf.int32),
        tf.TensorSpec([2], tf.int32),
    ]
)
def tiled(image, size, shift):
    rolled = tf.roll(image, shift=shift, axis=[0, 1])
    gradients = tf.zeros_like(rolled)
    columns = tf.range(0, size[1], 16)
    columns = columns[:-1] if tf.shape(columns)[0] > 1 else tf.constant([0])
    rows = tf.range(0, size[0], 16)
    rows = rows[:-1] if tf.shape(rows)[0] > 1 else tf.constant([0])
    for column in columns:
        for row in rows:
            with tf.GradientTape() as tape:
                tape.watch(rolled)
                loss = loss_of(rolled[row : row + 16, column : column + 16])
            gradients = gradients + tape.gradient(loss, rolled)
    gradients = tf.roll(gradients, shift=-shift, axis=[0, 1])
    return gradients / (tf.math.reduce_std(gradients) + 1e-8)


image, base = picture, tf.shape(picture)[:-1]
for octave in range(-1, 2):
    size = tf.cast(tf.cast(base, tf.float32) * 1.3**octave, tf.int32)
    image = tf.image.resize(image, size)
    for step in range(2):
        shift = tf.random.stateless_uniform([2], [octave + 1, step], -16, 16, tf.int32)
        image = tf.clip_by_value(image + tiled(image, size, shift) * 0.02, -1, 1)
    print("RESULT octave", octave, image.shape, float(tf.reduce_mean(image)), float(loss_of(image)))
shown = tf.cast(255 * (tf.image.resize(image, base) + 1) / 2, tf.uint8)
print("RESULT shown", shown.dtype.name, float(tf.reduce_mean(tf.cast(shown, tf.float32))))
