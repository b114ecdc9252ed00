"""tf.nn.moments and tf.nn.weighted_moments. The numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf


def test_moments_without_weights_are_zero():
    x, weights = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[0.0, 1.0], [0.0, 3.0]])
    mean, variance = tf.nn.weighted_moments(x, [0], weights)
    np.testing.assert_allclose(mean, [0, 3.5])
    np.testing.assert_allclose(variance, [0, 0.75])


@pytest.mark.parametrize("axes", [[(0, 2)], [[0], [2]]])
def test_moments_that_keep_dimensions_take_nested_axes(axes):
    x = tf.reshape(tf.range(24.0), [2, 3, 4])
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    np.testing.assert_allclose(mean, [[[7.5], [11.5], [15.5]]])
    np.testing.assert_allclose(variance, [[[37.25]] * 3])


def test_moments_that_remove_dimensions_refuse_nested_axes():
    with pytest.raises(TypeError, match="Expected int for argument"):
        tf.nn.moments(tf.ones([2, 3]), [(0, 1)])
