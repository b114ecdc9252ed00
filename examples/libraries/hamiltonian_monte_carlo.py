"""Logistic regression by Hamiltonian Monte Carlo: TensorFlow Probability draws from the posterior.

The kernel adapts its step size while it warms up, then a compiled loop draws from two chains.
"""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions
tf.random.set_seed(1)

TRUE = tf.constant([1.5, -2.0, 0.5])
x = tf.concat([tf.random.normal([400, 2]), tf.ones([400, 1])], axis=1)
y = tfd.Bernoulli(logits=tf.linalg.matvec(x, TRUE)).sample(seed=2)


def log_posterior(weights):
    """Log density of weights `[chains, 3]`, up to a constant."""
    prior = tf.reduce_sum(tfd.Normal(0.0, 3.0).log_prob(weights), axis=-1)
    logits = tf.matmul(weights, x, transpose_b=True)
    return prior + tf.reduce_sum(tfd.Bernoulli(logits=logits).log_prob(y), axis=-1)


@tf.function
def draw(start):
    """Draws 300 samples from each chain after 200 steps of warming up."""
    kernel = tfp.mcmc.SimpleStepSizeAdaptation(
        tfp.mcmc.HamiltonianMonteCarlo(log_posterior, step_size=0.05, num_leapfrog_steps=5),
        num_adaptation_steps=160,
    )
    return tfp.mcmc.sample_chain(
        300,
        start,
        kernel=kernel,
        num_burnin_steps=200,
        trace_fn=lambda _, results: results.inner_results.is_accepted,
        seed=3,
    )


samples, accepted = draw(tf.zeros([2, 3]))
mean = tf.reduce_mean(samples, axis=[0, 1])
spread = tf.math.reduce_std(tf.reshape(samples, [-1, 3]), axis=0)
for name, wanted, found, deviation in zip("abc", TRUE, mean, spread):
    print(f"{name}: {found:5.2f} +- {deviation:.2f}, the data come from {wanted:5.2f}")
    assert abs(found - wanted) < 4 * deviation
print(f"R-hat {tf.reduce_max(tfp.mcmc.potential_scale_reduction(samples)):.3f}")
print(f"accepted {tf.reduce_mean(tf.cast(accepted, tf.float32)):.2f}")
