"""Draws digits with a conditional variational autoencoder.

Data: 8,000 of MNIST's digits, 2,000 held out (`examples/data/README.md`; CC BY-SA 3.0).

Result: `read`, which share of drawn digits a network that reads real ones takes for what they are to
be, some 0.9; `elbo`, the lower bound of the log likelihood of held-out digits (pixels are taken
for probabilities) in nats, some -107; `spread`, how drawn digits vary, of how real ones do.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import digits, grid
from judge import judge

CODE, BATCH = 10, 64
L = keras.layers


def make_encoder():
    """Returns a network from digits and their labels to the mean and log variance of their codes."""
    images, labels = keras.Input((28, 28, 1)), keras.Input((10,))
    x = L.Conv2D(16, 4, 2, padding="same", activation="relu")(images)
    x = L.Conv2D(32, 4, 2, padding="same", activation="relu")(x)
    x = L.Dense(128, activation="relu")(L.Concatenate()([L.Flatten()(x), labels]))
    return keras.Model([images, labels], [L.Dense(CODE)(x), L.Dense(CODE)(x)])


def make_decoder():
    """Returns a network from codes and labels to the logits of pixels."""
    codes, labels = keras.Input((CODE,)), keras.Input((10,))
    x = L.Dense(128, activation="relu")(L.Concatenate()([codes, labels]))
    x = L.Reshape((7, 7, 32))(L.Dense(7 * 7 * 32, activation="relu")(x))
    x = L.Conv2DTranspose(16, 4, 2, padding="same", activation="relu")(x)
    return keras.Model([codes, labels], L.Conv2DTranspose(1, 4, 2, padding="same")(x))


class Autoencoder(keras.Model):
    """Learns codes of digits, which of all digits together are normally distributed."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = make_encoder(), make_decoder()
        self.random = tf.random.Generator.from_seed(1)

    def elbo(self, images, labels):
        """Returns the lower bound of the log likelihood of each image, in nats."""
        labels = tf.one_hot(labels, 10)
        mean, log_variance = self.encoder([images, labels])
        codes = mean + tf.exp(log_variance / 2) * self.random.normal(tf.shape(mean))
        logits = self.decoder([codes, labels])
        pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=logits)
        divergence = (tf.exp(log_variance) + mean**2 - 1 - log_variance) / 2
        return -tf.reduce_sum(pixels, [1, 2, 3]) - tf.reduce_sum(divergence, 1)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(self.elbo(*data))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}

    @tf.function
    def draw(self, codes, labels):
        """Returns digits of codes `[n, CODE]`."""
        return tf.sigmoid(self.decoder([codes, tf.one_hot(labels, 10)]))


def main(quick, picture):
    keras.utils.set_random_seed(1)
    (images, labels), held = digits()
    if quick:
        images, labels = images[:1000], labels[:1000]
    epochs = 2 if quick else 30
    model = Autoencoder()
    rates = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(images) // BATCH))
    model.compile(keras.optimizers.Adam(rates))
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=1).batch(BATCH).prefetch(2)
    model.fit(data, epochs=epochs, shuffle=False, verbose=2)

    elbo = float(tf.reduce_mean(model.elbo(*map(tf.constant, held))))
    wanted = np.repeat(np.arange(10, dtype="int32"), 100)
    codes = model.random.normal([len(wanted), CODE])
    drawn = model.draw(codes, wanted).numpy()
    if picture:
        # Each row draws the same code as each of the ten digits: what stays is the handwriting.
        rows = [model.draw(tf.repeat(codes[n : n + 1], 10, 0), tf.range(10)) for n in range(5)]
        grid(picture, [list(1 - row.numpy()) for row in rows], size=(56, 56), gap=2)
    read, spread = judge(drawn, wanted)
    print(f"vae: read {read:.3f}, elbo {elbo:.1f}, spread {spread:.2f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
