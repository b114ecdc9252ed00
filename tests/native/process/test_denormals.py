"""Computations take denormal numbers for zeros; the calling thread's own arithmetic does not."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager import execute

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


FUNCTIONS = {
    "products": lambda x: x * 0.5,
    "sums": lambda x: tf.reduce_sum(x, keepdims=True),
    "comparisons": lambda x: x > 0,
    "casts": lambda x: tf.cast(x, tf.float64),
    "to truth": lambda x: tf.cast(x, tf.bool),
    "lists": lambda x: tf.add_n([x, x]),
    "places": lambda x: tf.math.count_nonzero(x),
    "the host in a function": tf.function(lambda x: tf.unique(x + x)[0]),
    "constants of a function": lambda x: tf.function(lambda: tf.constant(x.numpy()) * 0.5)(),
    "functions": lambda x: tf.exp(x - 90),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("calls", [1, 20])
def test_eager_calls_take_them_for_zeros(function, calls, monkeypatch):
    monkeypatch.setattr(execute, "OFTEN", 1)
    monkeypatch.setattr(execute, "MANY", 0)
    x = tf.constant([1e-40, 3e-39])
    for _ in range(calls):
        assert not tf.cast(function(x), tf.float64).numpy().any()


def test_logarithms_of_small_numbers():
    def log(x):
        return tf.math.log(tf.sigmoid(x))

    assert log(tf.constant(-90.0)) == tf.function(log)(tf.constant(-90.0)) == -np.inf


@pytest.mark.parametrize("calls", [1, 20])
def test_variables_are_updated_without_denormal_numbers(calls, monkeypatch):
    monkeypatch.setattr(execute, "OFTEN", 1)
    monkeypatch.setattr(execute, "MANY", 0)
    v = tf.Variable([0.0])
    for _ in range(calls):
        v.assign([1e-40])
        v.assign_add([1e-40])
        assert v.numpy() == 0


def test_texts_and_bytes_are_copied():
    least = np.array([1e-40], np.float32)
    assert tf.strings.to_number("1e-40") == least
    assert tf.io.decode_raw(least.tobytes(), tf.float32).numpy() == least


def test_the_thread_keeps_its_mode_where_a_kernel_fails():
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.raw_ops.MatMul(a=tf.ones([2, 3]), b=tf.ones([2, 3]))
    assert np.full(1, 1e-40, np.float32) * np.float32(0.5)


def test_denormal_numbers_of_float16_are_kept():
    x = tf.fill([40], tf.constant(1e-6, tf.float16))
    np.testing.assert_array_equal(tf.function(halves_of)(x), x.numpy() * np.float16(0.5))


@pytest.mark.parametrize("run", [tf.function, lambda function: function], ids=["function", "eager"])
def test_copies_keep_all_numbers(run):
    x = tf.fill([8, 8], 1e-40)
    copies = run(lambda x: tf.concat([tf.transpose(x)[:3], tf.gather(x, [1])], 0))(x)
    np.testing.assert_array_equal(copies.numpy(), np.full([4, 8], 1e-40, np.float32))


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
