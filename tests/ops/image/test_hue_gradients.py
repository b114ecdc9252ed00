"""Gradients of hue, saturation and value at the edges of their range."""

import numpy as np

import penstock as tf


def test_the_saturation_passes_nothing_to_channels_at_or_below_zero():
    images = tf.constant([[1.0, 0.2, 0.0], [0.8, -0.3, -0.3], [0.8, 0.3, 0.2]])
    with tf.GradientTape() as tape:
        tape.watch(images)
        saturation = tf.image.rgb_to_hsv(images)[:, 1]
    wanted = [[0, 0, 0], [-0.46875, 0, 0], [0.3125, 0, -1.25]]
    np.testing.assert_allclose(tape.gradient(saturation, images), wanted, atol=1e-6)
