"""A Gaussian process: the likelihood of the data fits the kernel, then the process predicts between them."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd, tfk = tfp.distributions, tfp.math.psd_kernels
random = np.random.default_rng(0)
x = random.uniform(-2.0, 2.0, [40, 1])
y = np.sin(3.0 * x[:, 0]) + 0.1 * random.normal(size=40)

positive = tfp.bijectors.Softplus()
amplitude = tfp.util.TransformedVariable(1.0, positive, dtype=tf.float64, name="amplitude")
length = tfp.util.TransformedVariable(1.0, positive, dtype=tf.float64, name="length")
noise = tfp.util.TransformedVariable(0.5, positive, dtype=tf.float64, name="noise")
kernel = tfk.ExponentiatedQuadratic(amplitude, length)
process = tfd.GaussianProcess(kernel, x, observation_noise_variance=noise)
variables = process.trainable_variables
adam = tf.keras.optimizers.Adam(0.1)


@tf.function
def step():
    """One step of gradient descent on the negative log likelihood."""
    with tf.GradientTape() as tape:
        loss = -process.log_prob(y)
    adam.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss


losses = [float(step()) for _ in range(80)]
print(f"-log likelihood {losses[0]:.2f} -> {losses[-1]:.2f}")
noise_now, length_now, amplitude_now = (
    float(tf.convert_to_tensor(v)) for v in (noise, length, amplitude)
)
print(f"noise {noise_now**0.5:.3f}, length {length_now:.2f}, amplitude {amplitude_now:.2f}")

between = np.linspace(-1.5, 1.5, 7)[:, None]
posterior = tfd.GaussianProcessRegressionModel(
    kernel, between, x, y, observation_noise_variance=noise
)
error = np.abs(posterior.mean() - np.sin(3.0 * between[:, 0]))
print(f"greatest error between the data {error.max():.3f}")
assert losses[-1] < losses[0] and error.max() < 0.15
