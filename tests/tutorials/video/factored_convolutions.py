"""Video classification by (2+1)D convolutions with residual blocks, resized frames and a generator of clips."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(25)
FRAMES, SIDE = 6, 20


def clips():
    rng = np.random.default_rng(25)
    for n in range(24):
        clip = rng.random((FRAMES, 26, 22, 3)).astype("float32") * 0.2
        for t in range(FRAMES):
            at = 3 * t if n % 2 else 3 * (FRAMES - t)
            clip[t, at : at + 5, 5:15] += 0.8
        yield tf.image.resize_with_pad(clip, SIDE, SIDE), np.int16(n % 2)


signature = (
    tf.TensorSpec((FRAMES, SIDE, SIDE, 3), tf.float32),
    tf.TensorSpec((), tf.int16),
)
data = tf.data.Dataset.from_generator(clips, output_signature=signature).batch(6)
data = data.cache().prefetch(tf.data.AUTOTUNE)


class Factored(layers.Layer):
    def __init__(self, filters, size, padding):
        super().__init__()
        self.sequence = keras.Sequential(
            [
                layers.Conv3D(filters, (1, size[1], size[2]), padding=padding),
                layers.Conv3D(filters, (size[0], 1, 1), padding=padding),
            ]
        )

    def call(self, x):
        return self.sequence(x)


class Residual(layers.Layer):
    def __init__(self, filters, size):
        super().__init__()
        self.sequence = keras.Sequential(
            [
                Factored(filters, size, "same"),
                layers.LayerNormalization(),
                layers.ReLU(),
                Factored(filters, size, "same"),
                layers.LayerNormalization(),
            ]
        )

    def call(self, x):
        return self.sequence(x)


class Project(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.sequence = keras.Sequential([layers.Dense(units), layers.LayerNormalization()])

    def call(self, x):
        return self.sequence(x)


class Resize(layers.Layer):
    def __init__(self, height, width):
        super().__init__()
        self.resizing = layers.Resizing(height, width)

    def call(self, video):
        time, height, width, channels = video.shape[1:]
        frames = self.resizing(tf.reshape(video, (-1, height, width, channels)))
        return tf.reshape(frames, (-1, time, *frames.shape[1:]))


def block(x, filters):
    result = Residual(filters, (3, 3, 3))(x)
    if result.shape[-1] != x.shape[-1]:
        x = Project(result.shape[-1])(x)
    return layers.add([x, result])


inputs = keras.Input((FRAMES, SIDE, SIDE, 3))
x = Factored(8, (3, 5, 5), "same")(inputs)
x = layers.ReLU()(layers.BatchNormalization()(x))
x = Resize(10, 10)(x)
x = Resize(5, 5)(block(x, 8))
x = block(x, 12)
x = layers.Flatten()(layers.GlobalAveragePooling3D()(x))
model = keras.Model(inputs, layers.Dense(2)(x))
model.compile(
    keras.optimizers.Adam(1e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
frames, _ = next(iter(data))
print("RESULT clip", frames.shape, float(tf.reduce_mean(frames)))
print("RESULT loss", *model.fit(data, epochs=2, verbose=0).history["loss"])
print("RESULT evaluate", model.evaluate(data, verbose=0)[0])
print("RESULT predict", *model.predict(frames[:3], verbose=0).ravel())
