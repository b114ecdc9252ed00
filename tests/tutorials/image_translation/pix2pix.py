"""Pix2pix: a U-Net translates images, judged patch by patch by a discriminator that sees input and output."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(21)
rng = np.random.default_rng(21)
maps = rng.random((12, 40, 40, 3)).astype("float32")
photos = 1 - maps[..., ::-1] ** 2


def jitter(source, target, seed):
    pair = tf.stack([source, target])
    pair = tf.image.resize(pair, [44, 44], method=tf.image.ResizeMethod.NEAREST_NEIGHBOR)
    pair = tf.image.stateless_random_crop(pair, [2, 32, 32, 3], seed=seed)
    pair = tf.image.stateless_random_flip_left_right(pair, seed=seed)
    pair = pair * 2 - 1
    return pair[0], pair[1]


def down(filters, size, normalize=True):
    block = keras.Sequential()
    start = tf.random_normal_initializer(0.0, 0.02, seed=filters)
    block.add(layers.Conv2D(filters, size, 2, "same", kernel_initializer=start, use_bias=False))
    if normalize:
        block.add(layers.BatchNormalization())
    block.add(layers.LeakyReLU())
    return block


def up(filters, size):
    start = tf.random_normal_initializer(0.0, 0.02, seed=filters + 1)
    return keras.Sequential(
        [
            layers.Conv2DTranspose(
                filters, size, 2, "same", kernel_initializer=start, use_bias=False
            ),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    )


def generator():
    inputs = keras.Input((32, 32, 3))
    x, skips = inputs, []
    for block in (down(8, 4, False), down(16, 4), down(24, 4)):
        x = block(x)
        skips.append(x)
    for block, skip in zip((up(16, 4), up(8, 4)), reversed(skips[:-1])):
        x = layers.Concatenate()([block(x), skip])
    last = layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh")
    return keras.Model(inputs, last(x))


def discriminator():
    source, target = keras.Input((32, 32, 3)), keras.Input((32, 32, 3))
    x = layers.concatenate([source, target])
    x = down(16, 4)(down(8, 4, False)(x))
    x = layers.ZeroPadding2D()(x)
    x = layers.LeakyReLU()(layers.BatchNormalization()(layers.Conv2D(24, 4, use_bias=False)(x)))
    return keras.Model([source, target], layers.Conv2D(1, 4)(layers.ZeroPadding2D()(x)))


entropy = keras.losses.BinaryCrossentropy(from_logits=True)
make, judge = generator(), discriminator()
making = keras.optimizers.Adam(2e-4, beta_1=0.5)
judging = keras.optimizers.Adam(2e-4, beta_1=0.5)


@tf.function
def step(source, target):
    with tf.GradientTape() as of_making, tf.GradientTape() as of_judging:
        output = make(source, training=True)
        real = judge([source, target], training=True)
        fake = judge([source, output], training=True)
        adversarial = entropy(tf.ones_like(fake), fake)
        distance = tf.reduce_mean(tf.abs(target - output))
        total = adversarial + 100 * distance
        judgement = entropy(tf.ones_like(real), real) + entropy(tf.zeros_like(fake), fake)
    making.apply_gradients(
        zip(of_making.gradient(total, make.trainable_variables), make.trainable_variables)
    )
    judging.apply_gradients(
        zip(of_judging.gradient(judgement, judge.trainable_variables), judge.trainable_variables)
    )
    return total, adversarial, distance, judgement


data = (
    tf.data.Dataset.from_tensor_slices((maps, photos))
    .enumerate()
    .map(lambda i, pair: jitter(*pair, tf.stack([tf.cast(i, tf.int32), 3])))
    .batch(4)
)
for epoch in range(2):
    for source, target in data:
        losses = step(source, target)
    print("RESULT losses", epoch, *map(float, losses))
output = make(source, training=False)
print("RESULT patches", judge([source, output], training=False).shape)
print("RESULT output", float(tf.reduce_mean(output)), *output[0, ::16, ::16, 0].numpy().ravel())
