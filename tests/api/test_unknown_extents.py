"""Functions of images and matrices whose extents are known only when they run give what they give otherwise."""

import numpy as np
import pytest

import penstock as tf

IMAGES = np.random.default_rng(0).random((2, 12, 13, 3)).astype("f")
MATRIX = np.float32([[0.1, 0.4], [-0.3, 0.2]])


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (tf.image.sobel_edges, IMAGES),
        (lambda x: tf.image.ssim(x, x * 0.9, 1.0), IMAGES),
        (tf.linalg.expm, MATRIX),
    ],
)
def test_unknown_extents(function, value):
    traced = tf.function(function, input_signature=[tf.TensorSpec([None] * value.ndim, tf.float32)])
    np.testing.assert_allclose(traced(value), function(tf.constant(value)), rtol=1e-4, atol=1e-5)
