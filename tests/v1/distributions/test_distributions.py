"""tf.compat.v1.distributions, against values that TensorFlow 2.21 gives (samples too, by their seeds)."""

import numpy as np
import pytest

import penstock as tf

d = tf.compat.v1.distributions


@pytest.mark.parametrize(
    ("made", "value", "log_prob", "mean", "variance"),
    [
        (lambda: d.Normal([0.0, 1.0], 2.0), [0.5, 3.0], [-1.64334, -2.11209], [0, 1], [4, 4]),
        (lambda: d.Laplace([0.0, 1.0], 2.0), [0.5, -3.0], [-1.63629, -3.38629], [0, 1], [8, 8]),
        (lambda: d.Uniform(1.0, [2.0, 4.0]), [1.5, 5.0], [0, -np.inf], [1.5, 2.5], [0.08333, 0.75]),
        (lambda: d.Exponential([0.5, 2.0]), [1.0, 0.2], [-1.19315, 0.29315], [2, 0.5], [4, 0.25]),
        (lambda: d.Gamma([0.5, 2.0], 3.0), [1.0, 0.2], [-3.02306, -0.01221], [0.16667, 0.66667], [0.05556, 0.22222]),
        (lambda: d.Beta([0.5, 2.0], 3.0), [0.3, 0.2], [-0.1759, 0.42918], [0.14286, 0.4], [0.02721, 0.04]),
        (lambda: d.StudentT([1.5, 4.0], 1.0, 2.0), [0.3, 2.0], [-1.86793, -1.82554], [1, 1], [np.inf, 8]),
        (lambda: d.Bernoulli(probs=[0.3, 0.8]), [1, 0], [-1.20397, -1.60944], [0.3, 0.8], [0.21, 0.16]),
        (lambda: d.Multinomial(4.0, probs=[0.2, 0.3, 0.5]), [1.0, 1.0, 2.0], -1.7148, [0.8, 1.2, 2], [0.64, 0.84, 1]),
        (lambda: d.Dirichlet([1.0, 2.0, 3.0]), [0.2, 0.3, 0.5], 1.50408, [0.16667, 0.33333, 0.5], [0.01984, 0.03175, 0.03571]),
        (lambda: d.DirichletMultinomial(4.0, [1.0, 2.0, 3.0]), [1.0, 1.0, 2.0], -2.35137, [0.66667, 1.33333, 2], [0.79365, 1.26984, 1.42857]),
    ],
)  # fmt: skip
def test_densities_and_moments(made, value, log_prob, mean, variance):
    distribution = made()
    np.testing.assert_allclose(distribution.log_prob(value), log_prob, atol=2e-5)
    np.testing.assert_allclose(distribution.mean(), mean, atol=1e-5)
    np.testing.assert_allclose(distribution.variance(), variance, atol=1e-5)
    assert distribution.sample([2, 3], seed=1).shape == (
        [2, 3] + distribution.batch_shape.as_list() + distribution.event_shape.as_list()
    )


@pytest.mark.parametrize(
    ("made", "sample"),
    [
        (lambda: d.Normal([0.0, 1.0], 2.0), [[-0.90135, -0.30576], [0.67281, 3.7045]]),
        (lambda: d.Laplace([0.0, 1.0], 2.0), [[1.23253, 1.42717], [-0.55545, -4.11208]]),
        (lambda: d.Exponential([0.5, 2.0]), [[0.62936, 0.25862], [1.94175, 1.62459]]),
        (lambda: d.Gamma([0.5, 2.0], 3.0), [[0.43587, 0.43323], [0.00724, 0.2371]]),
        (lambda: d.Beta([0.5, 2.0], 3.0), [[0.2066, 0.22262], [0.00409, 0.3328]]),
        (lambda: d.StudentT([1.5, 4.0], 1.0, 2.0), [[0.07477, -0.49901], [1.73364, 3.76718]]),
        (lambda: d.Categorical(logits=[0.2, 0.3, 0.5]), [2, 0]),
        (lambda: d.Multinomial(4.0, probs=[0.2, 0.3, 0.5]), [[1, 0, 3], [1, 2, 1]]),
        (lambda: d.Dirichlet([1.0, 2.0, 3.0]), [[0.0078, 0.3326, 0.6596], [0.04629, 0.17499, 0.77872]]),
    ],
)  # fmt: skip
def test_samples_are_those_of_the_seed(made, sample):
    tf.compat.v1.set_random_seed(3)
    np.testing.assert_allclose(made().sample(3, seed=7)[:2], sample, atol=2e-5)


def test_tails_and_quantiles():
    normal = d.Normal(0.0, 1.0)
    np.testing.assert_allclose(normal.log_cdf([-20.0, 6.0]), [-203.91716, -9.8659e-10], rtol=1e-5)
    np.testing.assert_allclose(normal.quantile(normal.cdf([-1.0, 0.5])), [-1.0, 0.5], rtol=1e-5)
    categorical = d.Categorical(probs=[[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(categorical.cdf([1, 2]), [0.2, 0.2])
    with pytest.raises(NotImplementedError, match="quantile is not implemented: Laplace"):
        d.Laplace(0.0, 1.0).quantile(0.5)


@pytest.mark.parametrize(
    ("first", "second", "divergence"),
    [
        (lambda: d.Normal(0.0, 1.0), lambda: d.Normal(1.0, 2.0), 0.44315),
        (lambda: d.Bernoulli(probs=0.3), lambda: d.Bernoulli(probs=0.6), 0.18379),
        (lambda: d.Categorical(probs=[0.3, 0.7]), lambda: d.Categorical(probs=[0.6, 0.4]), 0.18379),
        (lambda: d.Gamma(2.0, 3.0), lambda: d.Gamma(1.0, 2.0), 0.16158),
        (lambda: d.Beta(2.0, 3.0), lambda: d.Beta(1.0, 2.0), 0.12509),
        (lambda: d.Dirichlet([1.0, 2.0]), lambda: d.Dirichlet([2.0, 2.0]), 0.40139),
        (lambda: d.Exponential(2.0), lambda: d.Exponential(3.0), 0.09453),
    ],
)
def test_divergences(first, second, divergence):
    np.testing.assert_allclose(d.kl_divergence(first(), second()), divergence, atol=2e-5)


def test_own_divergences_and_refusals():
    class Own(d.Normal):
        pass

    d.RegisterKL(Own, Own)(lambda a, b, name=None: tf.constant(7.0))
    assert float(Own(0.0, 1.0).kl_divergence(Own(0.0, 1.0))) == 7
    with pytest.raises(ValueError, match="has already been registered"):
        d.RegisterKL(Own, Own)(abs)
    with pytest.raises(NotImplementedError, match="No KL"):
        d.kl_divergence(d.Uniform(), d.Uniform())
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > 0"):
        d.Normal(0.0, -1.0, validate_args=True)
    with pytest.raises(ValueError, match="probs or logits, but not both"):
        d.Bernoulli()
    assert np.isnan(d.StudentT(0.5, 0.0, 1.0).mean())
    with pytest.raises(tf.errors.InvalidArgumentError, match="df <= 1"):
        d.StudentT(0.5, 0.0, 1.0, allow_nan_stats=False).mean()


def test_samples_have_gradients():
    location = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(d.Normal(location, 2.0).sample(4, seed=1))
    assert float(tape.gradient(total, location)) == 4
    assert float(d.Normal(location, 2.0).copy(scale=3.0).stddev()) == 3


def test_total_counts_of_a_batch_have_a_last_axis():
    # recorded from TensorFlow 2.21
    alpha = np.float32([[1.0, 3.0], [1.0, 1.0]])
    counts = tf.compat.v1.distributions.DirichletMultinomial(np.float32([[2.0], [4.0]]), alpha)
    np.testing.assert_allclose(counts.mean(), [[0.5, 1.5], [2.0, 2.0]])
    assert counts.covariance().shape == (2, 2, 2)
