"""Softmaxes between products whose sums are not of the softmax's type."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("dtype", "least", "most", "scale"),
    [("uint8", 0, 255, 0.02), ("int32", -(2**17), 2**17, 2e-9), ("uint32", 0, 2**17, 1e-9)],
)
def test_scores_of_integers_wrap_around(dtype, least, most, scale):
    q, k = (tf.constant(RANDOM.integers(least, most, (2, n, 8)).astype(dtype)) for n in (40, 50))
    v = tf.constant(RANDOM.standard_normal((2, 50, 16)), tf.float32)

    def attend(q, k, v):
        scores = tf.cast(tf.matmul(q, k, transpose_b=True), tf.float32) * scale
        return tf.matmul(tf.nn.softmax(scores), v)

    np.testing.assert_allclose(tf.function(attend)(q, k, v), attend(q, k, v), atol=1e-5)


def test_scores_of_doubles_are_exact():
    q, k, v = (RANDOM.standard_normal((2, 40, 8)) for _ in range(3))
    q[..., 0], q[..., -1], k[..., 0], k[..., -1] = 1e8, -1e8, 1, 1  # cancel each other

    def attend(q, k, v):
        scores = tf.cast(tf.matmul(q, k, transpose_b=True), tf.float32)
        return tf.matmul(tf.nn.softmax(scores), tf.cast(v, tf.float32))

    np.testing.assert_allclose(tf.function(attend)(q, k, v), attend(q, k, v), atol=1e-5)


def test_products_with_doubles_are_doubles():
    q, k = (tf.constant(RANDOM.standard_normal((2, 40, 8)), tf.float32) for _ in range(2))
    v = tf.constant(RANDOM.standard_normal((2, 40, 8)), tf.float64)

    def attend(q, k, v):
        shares = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 1e6)  # all of one column
        return tf.matmul(tf.cast(shares, tf.float64), v)

    np.testing.assert_allclose(tf.function(attend)(q, k, v), attend(q, k, v), rtol=1e-12)
