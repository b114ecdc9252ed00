"""Parameters for which rejection would never end give an answer at once."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("alpha", [np.nan, -1.0])
def test_gamma_numbers_of_no_positive_shape_are_nan(alpha, traced):
    draw = lambda a: tf.random.gamma([3], a, seed=1)  # noqa: E731
    draw = tf.function(draw) if traced else draw
    assert np.isnan(draw(tf.constant([alpha]))).all()


def test_poisson_numbers_beyond_their_type_are_the_largest():
    drawn = tf.random.stateless_poisson([3, 1], [1, 2], [1e10], dtype=tf.int32)
    assert (drawn.numpy() == np.iinfo(np.int32).max).all()


@pytest.mark.parametrize("traced", [False, True])
def test_binomial_numbers_of_infinitely_many_trials_are_nan(traced):
    draw = lambda n: tf.random.stateless_binomial([3], [1, 2], n, 0.3, tf.float32)  # noqa: E731
    draw = tf.function(draw) if traced else draw
    assert np.isnan(draw(tf.constant(np.inf))).all()


def test_truncated_numbers_between_bounds_that_rounding_joins_are_nan():
    drawn = tf.random.stateless_parameterized_truncated_normal([3], [1, 2], 1e30, 1.0, -2.0, 2.0)
    assert np.isnan(drawn).all()
