"""Programs take denormal numbers for zeros; the calling thread's own arithmetic does not."""

import numpy as np
import pytest

import penstock as tf

TINY = {"float32": 1e-40, "float64": 1e-310, "bfloat16": 1e-40}


def halves_of(x):
    return x * 0.5


@pytest.mark.parametrize("dtype", TINY)
@pytest.mark.parametrize("size", [3, 300_000])
def test_arguments_and_results_are_zeros(dtype, size):
    x = tf.fill([size], tf.constant(TINY[dtype], dtype))
    least = tf.fill([size], tf.constant(tf.dtypes.as_dtype(dtype).as_numpy_dtype(1.2e-38), dtype))
    halves = tf.function(halves_of)
    assert not tf.cast(halves(x), tf.float64).numpy().any()
    if dtype != "float64":
        assert not tf.cast(halves(least), tf.float64).numpy().any()


def test_denormal_numbers_of_float16_are_kept():
    x = tf.fill([40], tf.constant(1e-6, tf.float16))
    np.testing.assert_array_equal(tf.function(halves_of)(x), x.numpy() * np.float16(0.5))


def test_copies_keep_all_numbers():
    x = tf.fill([8, 8], 1e-40)
    np.testing.assert_array_equal(tf.function(lambda x: tf.transpose(x)[:3])(x), x[:3])


def test_moments_of_an_optimizer_die_away():
    m = tf.Variable(tf.fill([100], 1e-37))

    @tf.function
    def decay():
        m.assign(m * 0.9)

    for _ in range(30):
        decay()
    assert not m.numpy().any()


@pytest.mark.parametrize("fails", [False, True])
def test_the_calling_thread_keeps_its_mode(fails):
    def product(x, i):
        return tf.gather(x * x, i)

    x, i = tf.ones([4]), tf.constant([9 if fails else 0])
    if fails:
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.function(product)(x, i)
    else:
        tf.function(product)(x, i)
    assert (np.full(4, 1e-40, np.float32) * np.float32(0.5)).all()
