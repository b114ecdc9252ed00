"""Local response normalization and its gradient, in functions and eagerly, beside sums in float64."""

import numpy as np
import pytest

import penstock as tf


def normalized(x, radius, bias, alpha, beta):
    x = x.astype(np.float64)
    channels = x.shape[-1]
    squares = [
        np.square(x[..., max(0, c - radius) : c + radius + 1]).sum(-1) for c in range(channels)
    ]
    with np.errstate(all="ignore"):
        return x * np.exp(-beta * np.log(bias + alpha * np.stack(squares, -1)))


@pytest.mark.parametrize("beta", [0.5, 0.75, 0.6, 1.0])
@pytest.mark.parametrize(
    "shape", [(2, 3, 4, 16), (1, 2, 2, 3), (2, 5, 5, 40), (0, 2, 2, 5), (1, 1, 1, 1)]
)
def test_values_and_gradients_are_those_of_the_formula(shape, beta):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    arguments = 5, 1.5, 0.3, beta

    @tf.function
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.local_response_normalization(x, *arguments)
        return y, tape.gradient(y, x)

    y, slope = both(tf.constant(x))
    want = normalized(x, *arguments)
    np.testing.assert_allclose(y, want, rtol=2e-6)
    np.testing.assert_allclose(tf.nn.local_response_normalization(x, *arguments), want, rtol=2e-6)
    step = 1e-6 * rng.normal(size=shape)
    rise = normalized(x + step, *arguments).sum() - normalized(x - step, *arguments).sum()
    assert (slope.numpy() * step).sum() * 2 == pytest.approx(rise, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("beta", [0.5, 0.75])
def test_norms_of_zero_infinite_and_negative_numbers_are_those_of_powers(beta):
    x = np.array([[[[0, 0, 0, 0]]], [[[1, np.inf, 2, 3]]], [[[3, np.nan, 1, 1]]]], np.float32)
    function = tf.function(tf.nn.local_response_normalization)
    for bias, alpha in ((0.0, 1.0), (1.0, -1.0)):
        arguments = 1, bias, alpha, beta
        np.testing.assert_allclose(function(x, *arguments), normalized(x, *arguments), rtol=1e-6)
