"""Sums and differences of products are rounded one by one, as they are written."""

import numpy as np
import pytest

import penstock as tf

X = tf.constant(np.random.default_rng(0).normal(size=1000))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_equal_products_cancel(kind):
    x = tf.cast(X, kind)
    y = x * x

    @tf.function
    def difference(x, y):
        return x * x - y, y - x * x, x * x + -y, tf.sqrt(tf.square(x) - y)

    for found in difference(x, y):
        assert not found.numpy().any()


def test_a_number_times_its_conjugate_is_real():
    z = tf.complex(X, tf.sin(X))
    found = tf.function(lambda z: (z * tf.math.conj(z), z * z - z * z))(z)
    assert not found[0].numpy().imag.any() and not found[1].numpy().any()


def test_equal_numbers_do_not_deviate():
    """Of eight equal numbers, the squares' mean is the mean's square."""
    x = tf.repeat(tf.cast(X, "float32")[:, None], 4, 1)

    @tf.function
    def deviation(x):
        return tf.sqrt(tf.reduce_mean(x * x, 1) - tf.reduce_mean(x, 1) ** 2)

    assert not deviation(x).numpy().any()
