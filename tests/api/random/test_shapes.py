"""Shapes of random numbers."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    "draw",
    [
        lambda shape: tf.random.normal(shape),
        lambda shape: tf.random.uniform(shape, 0, 4, tf.int32),
        lambda shape: tf.random.gamma(shape, 1.0),
        lambda shape: tf.random.poisson(shape, 1.0),
        lambda shape: tf.random.stateless_truncated_normal(shape, [1, 2]),
        lambda shape: tf.random.stateless_binomial(shape, [1, 2], 1.0, 0.5),
        lambda shape: tf.random.Generator.from_seed(1).uniform(shape),
    ],
)
def test_a_number_is_not_a_shape(draw):
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a vector"):
        draw(3)
    assert draw([3]).shape == [3]


def test_a_number_is_not_a_shape_in_functions():
    with pytest.raises(ValueError, match="scalar value '3' as shape"):
        tf.function(lambda: tf.random.normal(3))()
