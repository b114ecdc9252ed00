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


@pytest.mark.parametrize("kind", [tf.float16, tf.bfloat16])
def test_what_follows_a_narrow_product_takes_it_rounded(kind):
    random = np.random.default_rng(1)
    x, y = (tf.cast(random.normal(size=size), kind) for size in ((40, 64), (64, 48)))

    def product(x, y):
        return tf.cast(x @ y, tf.float32) * 0.7

    found = tf.function(product)(x, y)
    rounded = tf.cast(tf.cast(found / 0.7, kind), tf.float32)
    np.testing.assert_array_equal(found, rounded * 0.7)
    np.testing.assert_allclose(found, product(x, y), rtol=0.01, atol=1e-5)


def test_what_follows_a_product_beyond_float16_takes_infinity():
    """Loss scaling looks for it."""
    x, y = (
        tf.fill([4, 8], tf.constant(200.0, tf.float16)),
        tf.fill([8, 5], tf.constant(100.0, tf.float16)),
    )
    found = tf.function(lambda x, y: tf.cast(x @ y, tf.float32) / 32768.0)(x, y)
    assert np.isposinf(found).all()


@pytest.mark.parametrize(
    "spec", ["abcd,abcd->bd", "abc,abc->b", "acb,acb->a", "ab,ba->b", "ab,ac->a"]
)
def test_sums_of_elementwise_products_are_cut_into_parts(spec):
    random, letters = np.random.default_rng(2), {"a": 4099, "b": 7, "c": 8, "d": 2}
    x, y = (
        random.random([letters[c] for c in operand]).astype("float32")
        for operand in spec.split("->")[0].split(",")
    )
    found = tf.function(lambda x, y: tf.einsum(spec, x, y))(x, y)
    np.testing.assert_allclose(found, np.einsum(spec, x.astype(float), y), rtol=1e-6)
