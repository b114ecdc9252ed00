"""A Wasserstein GAN with gradient penalty: several critic steps, gradients of gradients, a conditional generator."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(64)
rng = np.random.default_rng(64)
labels = rng.integers(0, 2, 150)
images = rng.normal(0, 0.1, (150, 16, 16, 1)).astype("float32")
images[labels == 0, 4:12] += 1
images[labels == 1, :, 4:12] += 1
images = np.clip(images, -1, 1)


def critic_model():
    inputs = keras.Input((16, 16, 3))
    h = inputs
    for filters in (8, 16):
        h = layers.Conv2D(filters, 5, strides=2, padding="same")(h)
        h = layers.LeakyReLU(0.2)(h)
    h = layers.Dropout(0.2)(layers.Flatten()(h))
    return keras.Model(inputs, layers.Dense(1)(h))


def generator_model():
    inputs = keras.Input((10,))
    h = layers.Dense(4 * 4 * 16, use_bias=False)(inputs)
    h = layers.LeakyReLU(0.2)(layers.BatchNormalization()(h))
    h = layers.Reshape((4, 4, 16))(h)
    for filters in (8, 4):
        h = layers.UpSampling2D((2, 2))(h)
        h = layers.Conv2D(filters, 3, padding="same", use_bias=False)(h)
        h = layers.LeakyReLU(0.2)(layers.BatchNormalization()(h))
    h = layers.ZeroPadding2D((1, 1))(layers.Cropping2D((1, 1))(h))
    return keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="tanh")(h))


class WGAN(keras.Model):
    def __init__(self):
        super().__init__()
        self.critic, self.generator = critic_model(), generator_model()
        self.seed = keras.random.SeedGenerator(3)

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    def with_labels(self, images, one_hot):
        planes = tf.tile(one_hot[:, None, None, :], [1, 16, 16, 1])
        return tf.concat([images, planes], -1)

    def noise(self, one_hot):
        return tf.concat(
            [keras.random.normal((tf.shape(one_hot)[0], 8), seed=self.seed), one_hot], 1
        )

    def penalty(self, real, fake, one_hot):
        alpha = keras.random.uniform((tf.shape(real)[0], 1, 1, 1), seed=self.seed)
        between = real + alpha * (fake - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            score = self.critic(self.with_labels(between, one_hot), training=True)
        norm = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(score, [between])[0]), axis=[1, 2, 3]))
        return tf.reduce_mean((norm - 1.0) ** 2)

    def train_step(self, data):
        real, one_hot = data
        for _ in range(2):
            with tf.GradientTape() as tape:
                fake = self.generator(self.noise(one_hot), training=True)
                score_fake = self.critic(self.with_labels(fake, one_hot), training=True)
                score_real = self.critic(self.with_labels(real, one_hot), training=True)
                cost = tf.reduce_mean(score_fake) - tf.reduce_mean(score_real)
                penalty = self.penalty(real, fake, one_hot)
                loss = cost + 10.0 * penalty
            gradients = tape.gradient(loss, self.critic.trainable_variables)
            self.d_optimizer.apply_gradients(zip(gradients, self.critic.trainable_variables))
        with tf.GradientTape() as tape:
            fake = self.generator(self.noise(one_hot), training=True)
            g_loss = -tf.reduce_mean(self.critic(self.with_labels(fake, one_hot), training=True))
        gradients = tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables))
        return {"d_loss": loss, "g_loss": g_loss, "penalty": penalty}


model = WGAN()
model.compile(
    keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
    keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
)
data = tf.data.Dataset.from_tensor_slices((images, tf.one_hot(labels, 2))).batch(40)
history = model.fit(data, epochs=3, verbose=0).history
for name in ("d_loss", "g_loss", "penalty"):
    print("RESULT", name, *history[name])
out = model.generator(
    tf.concat([tf.random.stateless_normal([4, 8], [1, 2]), tf.eye(4, 2)], 1), training=False
)
print("RESULT images", tf.reduce_mean(out, [1, 2, 3]).numpy())
