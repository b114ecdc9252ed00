"""A mixture density network, expectation maximization, a Gaussian process, and Metropolis and Hamiltonian sampling."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(83)
rng = np.random.default_rng(83)
y = rng.uniform(-1, 1, (250, 1)).astype("float32")
x = (np.sin(4 * y) * 0.6 + y * 0.4 + rng.normal(0, 0.05, y.shape)).astype("float32")
PARTS = 4


def mixture_loss(y_true, parameters):
    logits, mean, raw = tf.split(parameters, 3, axis=-1)
    std = tf.nn.elu(raw) + 1 + 1e-3
    log_normal = (
        -0.5 * tf.square((y_true - mean) / std) - tf.math.log(std) - 0.5 * np.log(2 * np.pi)
    )
    return -tf.reduce_logsumexp(tf.nn.log_softmax(logits) + log_normal, axis=-1)


model = keras.Sequential(
    [keras.Input((1,)), layers.Dense(24, "tanh"), layers.Dense(24, "tanh"), layers.Dense(3 * PARTS)]
)
model.compile(keras.optimizers.Adam(1e-2), mixture_loss)
print("RESULT loss", *model.fit(x, y, batch_size=64, epochs=6, verbose=0).history["loss"])
logits, mean, _ = tf.split(model.predict(np.float32([[-0.5], [0.0], [0.5]]), verbose=0), 3, axis=-1)
print("RESULT mixture", tf.reduce_sum(tf.nn.softmax(logits) * mean, -1).numpy())

points = tf.constant(
    np.concatenate([rng.normal(c, 0.4, (70, 2)) for c in (-1, 0.5, 2)]), tf.float32
)


@tf.function
def maximize(means, log_weights, variances):
    distances = tf.reduce_sum(tf.math.squared_difference(points[:, None], means[None]), -1)
    log_p = log_weights - distances / (2 * variances) - tf.math.log(2 * np.pi * variances)
    total = tf.reduce_logsumexp(log_p, 1, keepdims=True)
    share = tf.exp(log_p - total)
    count = tf.reduce_sum(share, 0)
    means = tf.einsum("nk,nd->kd", share, points) / count[:, None]
    distances = tf.reduce_sum(tf.math.squared_difference(points[:, None], means[None]), -1)
    variances = tf.reduce_sum(share * distances, 0) / (2 * count)
    return means, tf.math.log(count / tf.reduce_sum(count)), variances, tf.reduce_mean(total)


state = (points[::90], tf.math.log(tf.ones([3]) / 3), tf.ones([3]))
for _k in range(8):
    *state, likelihood = maximize(*state)
print("RESULT clusters", float(likelihood), state[0].numpy().ravel(), tf.exp(state[1]).numpy())


def kernel(a, b, length, scale):
    return scale**2 * tf.exp(-0.5 * tf.math.squared_difference(a[:, None], b[None, :]) / length**2)


inputs = tf.constant(np.linspace(0, 5, 40), tf.float64)
targets = tf.sin(inputs) + tf.constant(rng.normal(0, 0.1, 40))
raw = tf.Variable([0.0, 0.0, -2.0], dtype=tf.float64)
optimizer = tf.keras.optimizers.Adam(0.05)


@tf.function
def fit():
    with tf.GradientTape() as tape:
        length, scale, noise = tf.unstack(tf.exp(raw))
        covariance = kernel(inputs, inputs, length, scale) + noise**2 * tf.eye(40, dtype=tf.float64)
        factor = tf.linalg.cholesky(covariance)
        alpha = tf.linalg.cholesky_solve(factor, targets[:, None])
        loss = 0.5 * tf.reduce_sum(targets * alpha[:, 0]) + tf.reduce_sum(
            tf.math.log(tf.linalg.diag_part(factor))
        )
    optimizer.apply_gradients([(tape.gradient(loss, raw), raw)])
    return loss, alpha


losses = [fit() for _ in range(25)]
print("RESULT process", float(losses[0][0]), float(losses[-1][0]), tf.exp(raw).numpy())
new = tf.constant([0.5, 2.5, 4.9, 6.0], tf.float64)
length, scale, _ = tf.unstack(tf.exp(raw))
print(
    "RESULT posterior",
    tf.linalg.matmul(kernel(new, inputs, length, scale), losses[-1][1])[:, 0].numpy(),
)


def log_density(z):
    return -0.5 * tf.reduce_sum(z**2, -1) - 0.1 * tf.reduce_sum(z**4, -1)


@tf.function
def hamiltonian(z, count):
    samples = tf.TensorArray(tf.float32, count)
    accepted = 0.0
    for k in tf.range(count):
        p = start_p = tf.random.stateless_normal(tf.shape(z), tf.stack([7, k]))
        q = z
        for _ in range(5):
            with tf.GradientTape() as tape:
                tape.watch(q)
                value = log_density(q)
            p = p + 0.1 * tape.gradient(value, q)
            q = q + 0.2 * p
            with tf.GradientTape() as tape:
                tape.watch(q)
                value = log_density(q)
            p = p + 0.1 * tape.gradient(value, q)
        gain = log_density(q) - log_density(z) - 0.5 * tf.reduce_sum(p**2 - start_p**2, -1)
        take = tf.math.log(tf.random.stateless_uniform(tf.shape(gain), tf.stack([8, k]))) < gain
        z = tf.where(take[:, None], q, z)
        accepted += tf.reduce_mean(tf.cast(take, tf.float32))
        samples = samples.write(k, z)
    return samples.stack(), accepted / tf.cast(count, tf.float32)


samples, rate = hamiltonian(tf.zeros([6, 2]), tf.constant(40))
print("RESULT hamiltonian", samples.shape, float(rate), float(tf.math.reduce_variance(samples)))
