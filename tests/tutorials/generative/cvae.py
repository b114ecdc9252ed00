"""A variational autoencoder as tf.keras.Model with logits, Bernoulli likelihood and log densities by hand."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(62)
rng = np.random.default_rng(62)
images = (rng.random((200, 16, 16, 1)) < 0.1).astype("float32")
for image in images:
    row = rng.integers(0, 12)
    image[row : row + 4] = 1
data = tf.data.Dataset.from_tensor_slices(images).shuffle(200, seed=3).batch(48)


class CVAE(tf.keras.Model):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.encoder = tf.keras.Sequential(
            [
                tf.keras.layers.InputLayer(shape=(16, 16, 1)),
                tf.keras.layers.Conv2D(filters=8, kernel_size=3, strides=(2, 2), activation="relu"),
                tf.keras.layers.Conv2D(
                    filters=16, kernel_size=3, strides=(2, 2), activation="relu"
                ),
                tf.keras.layers.Flatten(),
                tf.keras.layers.Dense(width + width),
            ]
        )
        self.decoder = tf.keras.Sequential(
            [
                tf.keras.layers.InputLayer(shape=(width,)),
                tf.keras.layers.Dense(units=4 * 4 * 16, activation=tf.nn.relu),
                tf.keras.layers.Reshape(target_shape=(4, 4, 16)),
                tf.keras.layers.Conv2DTranspose(
                    16, 3, strides=2, padding="same", activation="relu"
                ),
                tf.keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
                tf.keras.layers.Conv2DTranspose(
                    filters=1, kernel_size=3, strides=1, padding="same"
                ),
            ]
        )

    @tf.function
    def sample(self, eps):
        return self.decode(eps, apply_sigmoid=True)

    def encode(self, x):
        return tf.split(self.encoder(x), num_or_size_splits=2, axis=1)

    def reparameterize(self, mean, logvar, seed):
        eps = tf.random.stateless_normal(shape=tf.shape(mean), seed=[seed, 5])
        return eps * tf.exp(logvar * 0.5) + mean

    def decode(self, z, apply_sigmoid=False):
        logits = self.decoder(z)
        return tf.sigmoid(logits) if apply_sigmoid else logits


def log_normal(sample, mean, logvar, raxis=1):
    log2pi = tf.math.log(2.0 * np.pi)
    return tf.reduce_sum(
        -0.5 * ((sample - mean) ** 2.0 * tf.exp(-logvar) + logvar + log2pi), axis=raxis
    )


def loss_of(model, x, seed):
    mean, logvar = model.encode(x)
    z = model.reparameterize(mean, logvar, seed)
    logits = model.decode(z)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=x)
    logpx_z = -tf.reduce_sum(entropy, axis=[1, 2, 3])
    return -tf.reduce_mean(logpx_z + log_normal(z, 0.0, 0.0) - log_normal(z, mean, logvar))


model = CVAE(2)
optimizer = tf.keras.optimizers.Adam(2e-3)


@tf.function
def train_step(x, seed):
    with tf.GradientTape() as tape:
        loss = loss_of(model, x, seed)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for epoch in range(4):
    losses = [float(train_step(x, tf.constant(epoch))) for x in data]
    elbo = tf.keras.metrics.Mean()
    for x in data:
        elbo(loss_of(model, x, 100))
    print("RESULT epoch", epoch, losses[0], losses[-1], -float(elbo.result()))
sample = model.sample(tf.random.stateless_normal([4, 2], [1, 1]))
print("RESULT sample", sample.shape, tf.reduce_mean(sample, [1, 2, 3]).numpy())
