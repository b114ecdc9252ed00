"""Draws digits with a conditional generative adversarial network.

Data: 8,000 of MNIST's digits (`examples/data/README.md`; CC BY-SA 3.0).

Result: `read`, which share of drawn digits a network that reads real ones takes for what they are to
be, some 0.83, and `spread`, how drawn digits vary, of how real ones do: 0 if they were all the same.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import digits, grid
from judge import judge

NOISE, BATCH = 32, 64
L = keras.layers


def make_generator():
    """Returns a network from noise and labels to images from 0 to 1."""
    noise, labels = keras.Input((NOISE,)), keras.Input((10,))
    x = L.Dense(7 * 7 * 64, use_bias=False)(L.Concatenate()([noise, labels]))
    x = L.ReLU()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Conv2DTranspose(32, 4, 2, padding="same", use_bias=False)(L.Reshape((7, 7, 64))(x))
    x = L.ReLU()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Conv2DTranspose(1, 4, 2, padding="same", activation="sigmoid")(x)
    return keras.Model([noise, labels], x)


def make_critic():
    """Returns a network from images and labels to a logit: positive if they look real."""
    images, labels = keras.Input((28, 28, 1)), keras.Input((10,))
    planes = L.Reshape((28, 28, 1))(L.Dense(28 * 28)(labels))
    x = L.Concatenate()([images, planes])
    for filters in (32, 64):
        x = L.LeakyReLU(0.2)(L.Conv2D(filters, 4, 2, padding="same")(x))
        x = L.Dropout(0.3)(x)
    return keras.Model([images, labels], L.Dense(1)(L.Flatten()(x)))


class Game(keras.Model):
    """A generator that learns to deceive a critic, and the critic that learns to tell."""

    def __init__(self):
        super().__init__()
        self.generator, self.critic = make_generator(), make_critic()
        self.random = tf.random.Generator.from_seed(1)
        self.of_generator = keras.optimizers.Adam(
            1e-3, beta_1=0.5, use_ema=True, ema_momentum=0.995
        )
        self.of_critic = keras.optimizers.Adam(5e-4, beta_1=0.5)

    def train_step(self, data):
        images, labels = data
        labels = tf.one_hot(labels, 10)
        noise = self.random.normal([tf.shape(images)[0], NOISE])
        with tf.GradientTape(persistent=True) as tape:
            drawn = self.generator([noise, labels], training=True)
            both = tf.concat([images, drawn], 0), tf.concat([labels, labels], 0)
            real, fake = tf.split(self.critic(both, training=True), 2)
            deceived = tf.reduce_mean(tf.nn.softplus(-fake))
            told = tf.reduce_mean(tf.nn.softplus(-real) + tf.nn.softplus(fake))
        for network, loss, optimizer in (
            (self.generator, deceived, self.of_generator),
            (self.critic, told, self.of_critic),
        ):
            variables = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return {"generator": deceived, "critic": told}

    @tf.function
    def draw(self, noise, labels):
        """Returns digits for noise `[n, NOISE]`."""
        return self.generator([noise, tf.one_hot(labels, 10)])


def main(quick, picture):
    keras.utils.set_random_seed(1)
    (images, labels), _ = digits()
    if quick:
        images, labels = images[:1000], labels[:1000]
    model = Game()
    model.compile()
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=1).batch(BATCH, drop_remainder=True).prefetch(2)
    model.fit(data, epochs=1 if quick else 20, shuffle=False, verbose=2)

    # What draws is the mean of the generators of the last steps.
    model.of_generator.finalize_variable_values(model.generator.trainable_variables)
    wanted = np.repeat(np.arange(10, dtype="int32"), 100)
    noise = model.random.normal([len(wanted), NOISE])
    drawn = model.draw(noise, wanted).numpy()
    if picture:
        rows = [list(1 - drawn[n:1000:100]) for n in range(5)]
        grid(picture, rows, size=(56, 56), gap=2)
    read, spread = judge(drawn, wanted)
    print(f"gan: read {read:.3f}, spread {spread:.2f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
