"""A convolutional variational autoencoder with a sampling layer and a train_step of its own."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

keras.utils.set_random_seed(61)
rng = np.random.default_rng(61)
x = np.zeros((300, 28, 28, 1), "float32")
for image in x:
    top, left = rng.integers(2, 14, 2)
    image[top : top + 10, left : left + 10] = 1


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_var = inputs
        epsilon = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_var) * epsilon


inputs = keras.Input((28, 28, 1))
h = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(inputs)
h = layers.Conv2D(32, 3, activation="relu", strides=2, padding="same")(h)
h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
mean, log_var = layers.Dense(2)(h), layers.Dense(2)(h)
encoder = keras.Model(inputs, [mean, log_var, Sampling()([mean, log_var])])
latent = keras.Input((2,))
h = layers.Dense(7 * 7 * 32, activation="relu")(latent)
h = layers.Reshape((7, 7, 32))(h)
h = layers.Conv2DTranspose(32, 3, activation="relu", strides=2, padding="same")(h)
h = layers.Conv2DTranspose(16, 3, activation="relu", strides=2, padding="same")(h)
decoder = keras.Model(latent, layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h))


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.trackers = [keras.metrics.Mean(name=name) for name in ("loss", "reconstruction", "kl")]

    @property
    def metrics(self):
        return self.trackers

    def train_step(self, data):
        with tf.GradientTape() as tape:
            mean, log_var, z = self.encoder(data)
            again = self.decoder(z)
            entropy = keras.losses.binary_crossentropy(data, again)
            reconstruction = ops.mean(ops.sum(entropy, axis=(1, 2)))
            kl = -0.5 * (1 + log_var - ops.square(mean) - ops.exp(log_var))
            kl = ops.mean(ops.sum(kl, axis=1))
            total = reconstruction + kl
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        for tracker, value in zip(self.trackers, (total, reconstruction, kl)):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}


vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(1e-3))
history = vae.fit(x, epochs=3, batch_size=64, verbose=0).history
for name in ("loss", "reconstruction", "kl"):
    print("RESULT", name, *history[name])
grid = decoder.predict(np.array([[-1.0, 0.5], [0.0, 0.0], [1.5, -1.0]], "float32"), verbose=0)
print("RESULT decoded", grid.shape, grid.mean((1, 2, 3)), grid[1, 14, 14])
print("RESULT encoded", np.ravel(encoder.predict(x[:3], verbose=0)[0]))
