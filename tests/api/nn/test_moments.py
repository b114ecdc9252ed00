"""tf.nn.weighted_moments. The numbers are TensorFlow's."""

import numpy as np

import penstock as tf


def test_moments_without_weights_are_zero():
    x, weights = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[0.0, 1.0], [0.0, 3.0]])
    mean, variance = tf.nn.weighted_moments(x, [0], weights)
    np.testing.assert_allclose(mean, [0, 3.5])
    np.testing.assert_allclose(variance, [0, 0.75])
