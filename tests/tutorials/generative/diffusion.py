"""Denoising diffusion with sinusoidal embeddings of the noise rate, EMA weights, and a reverse process."""

import math

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(65)
rng = np.random.default_rng(65)
images = np.zeros((150, 16, 16, 1), "float32")
for image in images:
    row, column = rng.integers(0, 10, 2)
    image[row : row + 6, column : column + 6] = rng.uniform(0.5, 1)


@keras.utils.register_keras_serializable()
def sinusoidal(x):
    frequencies = tf.exp(tf.linspace(tf.math.log(1.0), tf.math.log(100.0), 4))
    angular = tf.cast(2.0 * math.pi * frequencies, "float32")
    return tf.concat([tf.sin(angular * x), tf.cos(angular * x)], axis=3)


def residual(h, width):
    shortcut = h if h.shape[3] == width else layers.Conv2D(width, 1)(h)
    h = layers.BatchNormalization(center=False, scale=False)(h)
    h = layers.Conv2D(width, 3, padding="same", activation="swish")(h)
    return layers.Add()([layers.Conv2D(width, 3, padding="same")(h), shortcut])


def network():
    noisy, variance = keras.Input((16, 16, 1)), keras.Input((1, 1, 1))
    e = layers.Lambda(sinusoidal, output_shape=(1, 1, 8))(variance)
    e = layers.UpSampling2D(size=16, interpolation="nearest")(e)
    h = layers.Concatenate()([layers.Conv2D(8, 1)(noisy), e])
    skip = residual(h, 8)
    h = layers.AveragePooling2D(pool_size=2)(skip)
    h = residual(h, 16)
    h = layers.UpSampling2D(size=2, interpolation="bilinear")(h)
    h = residual(layers.Concatenate()([h, skip]), 8)
    return keras.Model([noisy, variance], layers.Conv2D(1, 1, kernel_initializer="zeros")(h))


class Diffusion(keras.Model):
    def __init__(self):
        super().__init__()
        self.normalizer = layers.Normalization()
        self.network = network()
        self.ema = keras.models.clone_model(self.network)
        self.seed = keras.random.SeedGenerator(42)

    def compile(self, **kwargs):
        super().compile(**kwargs)
        self.noise_loss, self.image_loss = (
            keras.metrics.Mean(name="n_loss"),
            keras.metrics.Mean(name="i_loss"),
        )

    @property
    def metrics(self):
        return [self.noise_loss, self.image_loss]

    def schedule(self, times):
        start, end = tf.cast(tf.math.acos(0.95), "float32"), tf.cast(tf.math.acos(0.02), "float32")
        angles = start + times * (end - start)
        return tf.sin(angles), tf.cos(angles)

    def denoise(self, noisy, noise_rates, signal_rates, training):
        net = self.network if training else self.ema
        noises = net([noisy, noise_rates**2], training=training)
        return noises, (noisy - noise_rates * noises) / signal_rates

    def generate(self, noise, steps):
        size = noise.shape[0]
        for step in range(steps):
            times = tf.ones((size, 1, 1, 1)) - step / steps
            noise_rates, signal_rates = self.schedule(times)
            noises, images = self.denoise(noise, noise_rates, signal_rates, training=False)
            next_noise, next_signal = self.schedule(times - 1 / steps)
            noise = next_signal * images + next_noise * noises
        return tf.clip_by_value(
            self.normalizer.mean + images * self.normalizer.variance**0.5, 0.0, 1.0
        )

    def train_step(self, images):
        images = self.normalizer(images, training=True)
        noises = keras.random.normal(tf.shape(images), seed=self.seed)
        times = keras.random.uniform((tf.shape(images)[0], 1, 1, 1), seed=self.seed)
        noise_rates, signal_rates = self.schedule(times)
        noisy = signal_rates * images + noise_rates * noises
        with tf.GradientTape() as tape:
            predicted, predicted_images = self.denoise(
                noisy, noise_rates, signal_rates, training=True
            )
            noise_loss = self.loss(noises, predicted)
        gradients = tape.gradient(noise_loss, self.network.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_weights))
        self.noise_loss.update_state(noise_loss)
        self.image_loss.update_state(self.loss(images, predicted_images))
        for weight, average in zip(self.network.weights, self.ema.weights):
            average.assign(0.9 * average + 0.1 * weight)
        return {metric.name: metric.result() for metric in self.metrics}


model = Diffusion()
model.normalizer.adapt(images)
model.compile(
    optimizer=keras.optimizers.AdamW(2e-3, weight_decay=1e-4), loss=keras.losses.MeanAbsoluteError()
)
model.loss = lambda a, b: tf.reduce_mean(tf.abs(a - b))
history = model.fit(images, batch_size=40, epochs=3, verbose=0).history
print("RESULT noise", *history["n_loss"])
print("RESULT image", *history["i_loss"])
made = model.generate(tf.random.stateless_normal([3, 16, 16, 1], [7, 7]), 5)
print("RESULT made", tf.reduce_mean(made, [1, 2, 3]).numpy())
