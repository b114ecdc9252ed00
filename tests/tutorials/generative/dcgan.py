"""A DCGAN: two networks and two optimizers in one train step, checkpointed and restored."""

import os

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(63)
rng = np.random.default_rng(63)
images = np.full((230, 28, 28, 1), -1, "float32")
for image in images:
    top, left = rng.integers(4, 16, 2)
    image[top : top + 8, left : left + 8] = 1
data = tf.data.Dataset.from_tensor_slices(images).shuffle(230, seed=1).batch(64)


def make_generator():
    model = tf.keras.Sequential()
    model.add(layers.Input((32,)))
    model.add(layers.Dense(7 * 7 * 32, use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((7, 7, 32)))
    model.add(layers.Conv2DTranspose(16, (5, 5), strides=(1, 1), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(8, (5, 5), strides=(2, 2), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(
        layers.Conv2DTranspose(
            1, (5, 5), strides=(2, 2), padding="same", use_bias=False, activation="tanh"
        )
    )
    assert model.output_shape == (None, 28, 28, 1)
    return model


def make_discriminator():
    return tf.keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, (5, 5), strides=(2, 2), padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(32, (5, 5), strides=(2, 2), padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


generator, discriminator = make_generator(), make_discriminator()
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
generator_optimizer, discriminator_optimizer = (
    tf.keras.optimizers.Adam(1e-4),
    tf.keras.optimizers.Adam(1e-4),
)
checkpoint = tf.train.Checkpoint(
    generator_optimizer=generator_optimizer,
    discriminator_optimizer=discriminator_optimizer,
    generator=generator,
    discriminator=discriminator,
)


@tf.function
def train_step(images):
    noise = tf.random.normal([tf.shape(images)[0], 32])
    with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
        made = generator(noise, training=True)
        real, fake = discriminator(images, training=True), discriminator(made, training=True)
        gen_loss = cross_entropy(tf.ones_like(fake), fake)
        disc_loss = cross_entropy(tf.ones_like(real), real) + cross_entropy(
            tf.zeros_like(fake), fake
        )
    gen_gradients = gen_tape.gradient(gen_loss, generator.trainable_variables)
    disc_gradients = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
    generator_optimizer.apply_gradients(zip(gen_gradients, generator.trainable_variables))
    discriminator_optimizer.apply_gradients(zip(disc_gradients, discriminator.trainable_variables))
    return (
        gen_loss,
        disc_loss,
        tf.linalg.global_norm(gen_gradients),
        tf.linalg.global_norm(disc_gradients),
    )


for epoch in range(3):
    results = [train_step(batch) for batch in data]
    print("RESULT epoch", epoch, *np.mean([[float(value) for value in row] for row in results], 0))
noise = tf.random.stateless_normal([4, 32], [5, 6])
before = generator(noise, training=False)
print("RESULT image", float(tf.reduce_mean(before)), float(tf.math.reduce_std(before)))
path = checkpoint.save(os.path.join(os.getcwd(), "ckpt"))
for variable in generator.trainable_variables:
    variable.assign(tf.zeros_like(variable))
checkpoint.restore(path).assert_consumed()
print("RESULT restored", float(tf.reduce_max(tf.abs(generator(noise, training=False) - before))))
