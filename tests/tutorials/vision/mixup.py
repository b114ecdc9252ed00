"""Mixup and CutMix in a dataset, label smoothing, and a learning rate that warms up."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(10)
rng = np.random.default_rng(10)
x = rng.random((180, 16, 16, 1)).astype("float32")
y = (x[:, :8, :, 0].sum((1, 2)) > x[:, 8:, :, 0].sum((1, 2))).astype("int32")
one_hot = tf.one_hot(y, 2)


def beta(size, alpha, seed):
    a = tf.random.stateless_gamma([size], seed=[seed, 1], alpha=alpha)
    b = tf.random.stateless_gamma([size], seed=[seed, 2], alpha=alpha)
    return a / (a + b)


def mix_up(first, second):
    (images_a, labels_a), (images_b, labels_b) = first, second
    size = tf.shape(images_a)[0]
    share = beta(size, 0.4, 7)
    wide = tf.reshape(share, (size, 1, 1, 1))
    tall = tf.reshape(share, (size, 1))
    return images_a * wide + images_b * (1 - wide), labels_a * tall + labels_b * (1 - tall)


def cut_mix(first, second):
    (images_a, labels_a), (images_b, labels_b) = first, second
    side = tf.range(16)
    inside = tf.cast((side >= 4) & (side < 11), tf.float32)
    mask = (inside[:, None] * inside[None, :])[None, :, :, None]
    share = tf.reduce_mean(mask)
    return images_a * (1 - mask) + images_b * mask, labels_a * (1 - share) + labels_b * share


data = tf.data.Dataset.from_tensor_slices((x, one_hot))
one, two = data.shuffle(180, seed=1).batch(50), data.shuffle(180, seed=2).batch(50)


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak, steps):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        step = tf.cast(step, tf.float32) + 1
        return self.peak * tf.minimum(step / self.steps, tf.sqrt(self.steps / step))


for name, mix in (("mixup", mix_up), ("cutmix", cut_mix)):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(8, 5, strides=2, activation="gelu"),
            layers.LayerNormalization(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile(
        keras.optimizers.AdamW(Warmup(3e-3, 6.0), weight_decay=1e-2),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics=[keras.metrics.CategoricalAccuracy()],
    )
    mixed = tf.data.Dataset.zip((one, two)).map(mix, num_parallel_calls=tf.data.AUTOTUNE)
    images, labels = next(iter(mixed))
    print("RESULT mixed", name, float(tf.reduce_mean(images)), labels[:3].numpy().ravel())
    history = model.fit(mixed, epochs=4, verbose=0).history
    print("RESULT loss", name, *history["loss"])
    print("RESULT evaluate", name, model.evaluate(data.batch(64), verbose=0)[0])
