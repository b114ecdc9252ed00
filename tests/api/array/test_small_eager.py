"""Eager calls that skip ops whose results are known: equal to the compiled ones, with the same gradients and errors."""

import numpy as np
import pytest

import penstock as tf


def both(function, *args):
    """The eager and the compiled result, and the gradients of their sums."""
    results = []
    for run in (function, tf.function(function, autograph=False)):
        tensors = [tf.constant(a) for a in args]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = run(*tensors)
        results.append([y, *tape.gradient(y, tensors)])
    return results


def same(function, *args):
    eager, compiled = both(function, *args)
    for one, other in zip(eager, compiled, strict=True):
        assert type(one) is type(other)
        if one is not None:
            assert one.dtype is other.dtype
            np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)


def test_shapes_are_new_vectors():
    x = tf.zeros([2, 0, 3])
    first, second = tf.shape(x), tf.shape(x)
    assert first.dtype is tf.int32 and first.numpy().tolist() == [2, 0, 3] and first is not second
    assert tf.shape(tf.constant(1.0)).numpy().shape == (0,)
    assert tf.shape(x, out_type=tf.int64).dtype is tf.int64


@pytest.mark.parametrize("value", [0, 1, -7, 0.0, 2.5])
def test_fill_with_a_number(value):
    filled = tf.fill([2, 3], value)
    assert filled.dtype is tf.constant(value).dtype
    np.testing.assert_array_equal(filled, np.full((2, 3), value))


def test_fill_keeps_the_sign_of_zero_and_refuses_negative_extents():
    assert np.signbit(tf.fill([2], -0.0)).all() and not np.signbit(tf.fill([2], 0.0)).any()
    assert tf.fill([], 3).shape == [] and tf.fill([2], 1 << 30).numpy().tolist() == [1 << 30] * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="-1 must be >= 0"):
        tf.fill([2, -1], 3.0)


def test_linspace():
    for axis in (0, -1):
        same(lambda a, b, axis=axis: tf.linspace(a, b, 5, axis=axis), [0.0, 10.0], [1.0, 20.0])
        same(
            lambda a, b, axis=axis: tf.linspace(a, b, 4, axis=axis), np.float32(1.0), [[1.0], [2.0]]
        )
    same(lambda a, b: tf.linspace(a, b, 3), np.float32(-1.0), np.float32(1.0))
    assert tf.linspace(0, 10, 3).dtype is tf.float64


def test_boolean_mask():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    masks = np.random.default_rng(0).random((2, 3, 4)) < 0.5
    same(lambda t: tf.boolean_mask(t, masks), x)
    same(lambda t: tf.boolean_mask(t, masks[:, :, 0]), x)
    same(lambda t: tf.boolean_mask(t, masks[0, 0], axis=2), x)
    same(lambda t: tf.boolean_mask(t, masks[0], axis=1), x)
    with pytest.raises(ValueError):
        tf.boolean_mask(x, masks[0])


@pytest.mark.parametrize("function", [tf.nn.silu, tf.nn.gelu])
def test_activations(function):
    x = np.linspace(-6, 6, 101, dtype=np.float32)
    same(function, x)
    same(function, x.astype(np.float64))
    t = tf.constant(x)
    with tf.GradientTape() as outer:
        outer.watch(t)
        with tf.GradientTape() as inner:
            inner.watch(t)
            y = function(t)
        slope = inner.gradient(y, t)
    with tf.GradientTape() as outer_compiled:
        outer_compiled.watch(t)
        with tf.GradientTape() as inner:
            inner.watch(t)
            y = tf.function(function, autograph=False)(t)
        compiled_slope = inner.gradient(y, t)
    np.testing.assert_allclose(
        outer.gradient(slope, t), outer_compiled.gradient(compiled_slope, t), atol=2e-6
    )


@pytest.mark.parametrize("count", [-1, -3])
def test_linspace_refuses_negative_counts_in_tensorflows_words(count):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"delta > 0: 1/-1 \[Op:Range\]"):
        tf.linspace(2.0, 3.0, count)
