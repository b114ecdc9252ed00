"""Many numbers, which compiled programs draw, have the bits of those that NumPy computes."""

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock._src.native.builtins import HotCounter
from penstock._src.ops.random import distributions, gamma
from penstock._src.ops.random.philox import Stream

FLOATS = np.float32, np.float16, ml_dtypes.bfloat16, np.float64
# The counter's lower half overflows within the draw.
STREAM = Stream(0x1234_5678_9ABC_DEF0, (77 << 64) | 0xFFFF_FFFF_FFFF_FFF0)


def both(monkeypatch, name, *arguments):
    """Numbers drawn natively, and by NumPy."""
    draw = getattr(distributions, name)
    natively = draw(STREAM, distributions.MANY + 3, *arguments)
    monkeypatch.setattr(distributions, "MANY", 1 << 40)
    monkeypatch.setattr(distributions, "_PAIRS", HotCounter(1 << 60))
    return natively, draw(STREAM, len(natively), *arguments)


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda t: np.dtype(t).name)
@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_numbers_have_the_same_bits(monkeypatch, name, dtype):
    natively, slowly = both(monkeypatch, name, dtype)
    assert natively.dtype == slowly.dtype == dtype and natively.tobytes() == slowly.tobytes()


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "uint64"])
def test_integers_have_the_same_bits(monkeypatch, dtype):
    natively, slowly = both(monkeypatch, "full_integers", dtype)
    assert natively.dtype == dtype and (natively == slowly).all()


def test_integers_of_a_range_have_the_same_bits(monkeypatch):
    natively, slowly = both(monkeypatch, "integers", np.int64, -5, 1000)
    assert (natively == slowly).all() and natively.min() == -5


def test_a_large_draw_begins_as_a_small_one():
    small = tf.random.stateless_normal([1000], [1, 2])
    large = tf.random.stateless_normal([distributions.MANY], [1, 2])
    assert (small == large[:1000]).numpy().all()


def test_gradients_pass_a_large_draw():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(x * tf.random.normal([distributions.MANY], seed=1))
    assert np.isfinite(tape.gradient(y, x).numpy())


def test_counts_beyond_all_memory_are_refused():
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError)):
        tf.random.normal([1 << 62])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("alpha", [0.7, [0.5, 2.0, 30.0], [[1.0, 0.1], [5.0, 9.0]]])
def test_many_gamma_numbers_are_those_of_few_at_a_time(dtype, alpha, monkeypatch):
    alpha = tf.constant(alpha, dtype)

    def draw():
        tf.random.set_seed(3)
        shape = [1500, *alpha.shape]
        return (
            tf.random.stateless_gamma(shape, [1, 2], alpha, dtype=dtype),
            tf.random.gamma([1500], alpha, dtype=dtype),
        )

    monkeypatch.setattr(gamma, "MANY", 1000)
    with monkeypatch.context() as context:
        context.setattr(gamma.rejection, "gamma", None)
        many = draw()
    monkeypatch.setattr(gamma, "MANY", 1 << 60)
    for found, wanted in zip(many, draw(), strict=True):
        # programs round doubles to float16 by way of float32
        np.testing.assert_array_max_ulp(found.numpy(), wanted.numpy(), int(dtype == "float16"))


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64"])
@pytest.mark.parametrize("rates", ["float32", "float64"])
def test_many_poisson_numbers_are_those_of_few_at_a_time(monkeypatch, rates, dtype):
    rate = np.array([0, 0.3, 4, 9.9, 10, 28, 700], rates)

    def draw():
        tf.random.set_seed(3)
        return (
            tf.random.stateless_poisson([60, 7], [1, 2], rate, dtype),
            tf.random.poisson([60], rate, dtype, seed=4),
        )

    with monkeypatch.context() as context:
        context.setattr(gamma.rejection, "poisson", None)
        many = draw()
    monkeypatch.setattr(gamma, "MANY", 1 << 60)
    for found, wanted in zip(many, draw(), strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())
        assert found.dtype == dtype


def test_many_binomial_numbers_are_those_of_few_at_a_time(monkeypatch):
    counts = np.float32([0, 3, 40, 5000, 2e6, np.nan, np.inf, -1])
    probs = np.float32([0, 0.01, 0.3, 0.5, 0.9, 1, np.nan, 1.5])[:, None]

    def draw():
        return (
            tf.random.stateless_binomial([20, 8, 8], [1, 2], counts, probs, tf.float64),
            tf.random.Generator.from_seed(4).binomial([300, 1, 1], [7.0], [[0.4]], tf.float32),
        )

    monkeypatch.setattr(gamma, "_BINOMIALS", HotCounter(1 << 60))
    with monkeypatch.context() as context:
        context.setattr(gamma.rejection, "binomial", None)
        many = draw()
    monkeypatch.setattr(gamma, "MANY", 1 << 60)
    few = draw()
    monkeypatch.setattr(gamma, "_BINOMIALS", HotCounter(0))
    for found, wanted, hot in zip(many, few, draw(), strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())
        np.testing.assert_array_equal(hot.numpy(), wanted.numpy())


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        (np.int32, -(2**31), 2**31 - 1), (np.int32, -7, -6), (np.int32, 5, 105), (np.int64, -(2**63), 2**63 - 1),
        (np.int64, 2**62, 2**62 + 3),
    ],
)  # fmt: skip
def test_integers_are_remainders_of_the_words(dtype, low, high):
    stream, size = Stream(3, 4), 8 * np.dtype(dtype).itemsize
    words = distributions.full_integers(stream, 1000, np.dtype(f"u{size // 8}")).tolist()
    want = [low + word % (high - low) for word in words]
    assert distributions.integers(stream, 1000, dtype, low, high).tolist() == want
