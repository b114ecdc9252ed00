"""Samples by rejection, drawn in blocks."""

import tracemalloc

import numpy as np
import pytest

import penstock as tf
from penstock._src.native.builtins import HotCounter
from penstock._src.ops.random import rejection
from penstock._src.ops.random.philox import Stream

COUNT = 5000


def _stream():
    return Stream(7, 9)


DRAWS = {
    "gamma": lambda count: rejection.gamma(_stream(), np.array([0.4, 3.0]), count // 2),
    "poisson": lambda count: rejection.poisson(_stream(), np.array([4.0, 30.0]), count // 2, 1e9),
    "binomial": lambda count: rejection.binomial(
        _stream(), np.full(count, 40.0), np.linspace(0, 1, count)
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_blocks_do_not_change_what_is_drawn(name, monkeypatch):
    whole = DRAWS[name](COUNT)
    monkeypatch.setattr(rejection, "BLOCK", 300)
    np.testing.assert_array_equal(DRAWS[name](COUNT), whole)


@pytest.mark.parametrize("name", DRAWS)
def test_memory_of_many_draws_is_little_more_than_the_result(name, monkeypatch):
    monkeypatch.setattr(rejection, "BLOCK", 300)
    DRAWS[name](300)
    tracemalloc.start()
    DRAWS[name](20 * COUNT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 20 * COUNT * (4 if name == "binomial" else 2)  # bytes; two arguments


# Each way to draw, their ends, and rates whose numbers are beyond a type's largest. Above 1e14, rounding of the host's log gamma decides.
RATES = [0, 1e-3, 0.7, 5, 9.99, 10, 11, 300, 1e5, 3e9, -1, np.inf, np.nan]


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64, tf.int32, tf.int64])
@pytest.mark.parametrize("rate_dtype", [tf.float32, tf.float64])
def test_compiled_poisson_numbers_are_those_of_the_host(dtype, rate_dtype):
    def draw(rates, seed):
        return tf.random.stateless_poisson([40, 10, len(RATES)], seed, rates, dtype)

    rates, seed = tf.constant(RATES, rate_dtype), tf.constant([3, 11])
    compiled = tf.function(draw, autograph=False)
    np.testing.assert_array_equal(compiled(rates, seed), draw(rates, seed))
    assert "host " not in str(compiled.explain(rates, seed))


def test_compiled_poisson_numbers_go_on_in_the_stream_of_the_op():
    def draw(rates):
        return tf.random.poisson([30], rates, seed=5)

    rates = tf.constant(RATES[:8], tf.float32)
    drawn = []
    for function in (draw, tf.function(draw)):
        tf.random.set_seed(4)
        drawn.append([function(rates).numpy() for _ in range(2)])
    np.testing.assert_array_equal(*drawn)


def test_gamma_numbers_of_zero_are_zero():
    """As on TensorFlow 2.21; `tf.random.gamma` raises them to the least positive number."""
    alpha = tf.constant([0.0, -1.0])

    def draw():
        return tf.raw_ops.RandomGamma(shape=[3], alpha=alpha, seed=1)

    for call in (draw, tf.function(draw)):
        numbers = call().numpy()
        assert (numbers[:, 0] == 0).all() and np.isnan(numbers[:, 1]).all()


@pytest.mark.parametrize("size", [1, 10, 300])
def test_native_draws_are_those_of_numpy(monkeypatch, size):
    random = np.random.default_rng(size)
    trials = random.integers(0, 60, size).astype(float)
    probabilities = random.choice([0, 0.01, 0.3, 0.5, 0.9, 1, np.nan, -1, 1.5], size)
    rates = random.choice([0, -1, 0.1, 3, 9.9, 10, 50, 1e30, np.inf, np.nan], size)
    monkeypatch.setattr(rejection, "_OUTPUTS", HotCounter(0))

    def draw(is_native):
        monkeypatch.setattr(rejection, "runs_native_code", lambda: is_native)
        stream = Stream(3, 5 << 64)
        binomials = rejection.binomial(stream, trials, probabilities)
        return binomials, rejection.poisson(stream, rates, 3, 65504.0)

    for native, numpy in zip(draw(True), draw(False), strict=True):
        np.testing.assert_array_equal(native, numpy)
