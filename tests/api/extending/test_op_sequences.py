"""Eager calls of functions of several ops, made as one: they equal the first ones, and tapes record each op."""

import functools

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.process.layouts import FREE_THREADED
from tests.api.extending.test_direct_calls import calls_of, directly, outcome

__all__ = ["directly"]

pytestmark = pytest.mark.skipif(FREE_THREADED, reason="calls are served by one thread at a time")
X = np.random.default_rng(2).standard_normal((3, 4, 5)).astype(np.float32)
CALLS = {
    "moments": lambda x: tf.nn.moments(x, [1]),
    "moments of pictures": lambda x: tf.nn.moments(x, axes=(0, 2), keepdims=True),
    "moments along no such axis": lambda x: tf.nn.moments(x, [5]),
    "standard deviation": lambda x: tf.math.reduce_std(x),
    "standard deviation along": lambda x: tf.math.reduce_std(x, axis=-1, keepdims=True),
    "variance": lambda x: tf.math.reduce_variance(x, 0),
    "unit length": lambda x: tf.math.l2_normalize(x, [0, 2]),
    "norm": lambda x: tf.norm(x),
    "norms along": lambda x: tf.norm(x, ord=1, axis=-1),
    "norms of matrices": lambda x: tf.norm(x, np.inf, axis=[0, 1], keepdims=True),
    "norm of a negative order": lambda x: tf.norm(x, -1),
    "gelu": lambda x: tf.nn.gelu(x),
    "approximate gelu": lambda x: tf.nn.gelu(x, approximate=True),
    "silu": lambda x: tf.nn.silu(x),
    "silu of another slope": lambda x: tf.nn.silu(x, 0.5),
    "trace": lambda x: tf.linalg.trace(x),
    "product with vectors": lambda x: tf.linalg.matvec(x, x[:, 0]),
    "product with a vector": lambda x: tf.linalg.matvec(x[0], x[0, :, 1], transpose_a=True),
    "product with vectors of another size": lambda x: tf.linalg.matvec(x, x[..., 0]),
    "normalized batch": lambda x: tf.nn.batch_normalization(x, x[0], x[1], x[1], x[0], 0.5),
    "normalized batch without scale": lambda x: tf.nn.batch_normalization(
        x, x[0], x[1], None, None, 0.5
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_sequences_equal_the_first_call(call):
    arrays = [X, X[:, :, ::2], X[:0], X.astype(np.float64), X.astype(np.float16), X.astype(int), X[:1, :1]]  # fmt: skip
    first = [outcome(functools.partial(call, tf.constant(x))) for x in arrays]
    for _ in range(3):
        for x, expected in zip(arrays, first, strict=True):
            assert outcome(functools.partial(call, tf.constant(x))) == expected


def test_second_gradients_pass_through_sequences():
    def gradients():
        x = tf.constant(X)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                mean, variance = tf.nn.moments(x, [1])
                y = tf.reduce_sum(mean * variance) + tf.reduce_sum(tf.math.reduce_std(x, 2) ** 2.0)
            first = tape.gradient(y, x)
        return first.numpy().tobytes(), outer.gradient(first, x).numpy().tobytes()

    expected = gradients()
    for _ in range(4):
        assert gradients() == expected
    x = tf.constant(X)
    assert calls_of(tf.nn.moments).quick((x, [1]), {}) is not None
    assert calls_of(tf.math.reduce_std).quick((x, 2), {}) is not None


def test_axes_in_a_tensor_are_looked_at_each_time():
    x = tf.constant(X)
    for axis, shape in ((0, [4, 5]), (2, [3, 4]), (0, [4, 5]), (1, [3, 5])):
        assert tf.nn.moments(x, tf.constant([axis]))[1].shape == shape


def test_large_tensors_have_the_same_bits_as_in_the_first_call():
    x = tf.constant(np.random.default_rng(0).standard_normal((600, 400)).astype(np.float32))
    results = {outcome(lambda: tf.nn.moments(x, [0]))[1][1] for _ in range(5)}
    assert len(results) == 1
