"""Blocks at starts that are known only when a program runs."""

import numpy as np
import pytest

import penstock as tf
from penstock import raw_ops

X = np.arange(24, dtype=np.float32).reshape(4, 6)
STARTS = [(0, 0), (2, 3), (-5, 1), (9, 9)]


def clamped(starts, sizes=(2, 3)):
    return tuple(
        slice(f, f + n)
        for f, n in (
            (min(max(s, 0), w - n), n) for s, n, w in zip(starts, sizes, X.shape, strict=True)
        )
    )


@pytest.mark.parametrize("starts", STARTS)
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_blocks_are_moved_so_that_they_fit(starts, wrap):
    take = wrap(lambda x, s: raw_ops.XlaDynamicSlice(input=x, start_indices=s, size_indices=[2, 3]))
    put = wrap(lambda x, u, s: raw_ops.XlaDynamicUpdateSlice(input=x, update=u, indices=s))
    np.testing.assert_array_equal(take(tf.constant(X), tf.constant(starts)), X[clamped(starts)])
    expected = X.copy()
    expected[clamped(starts)] = -1
    np.testing.assert_array_equal(
        put(tf.constant(X), -tf.ones([2, 3]), tf.constant(starts)), expected
    )


def test_gradients():
    x, u, s = tf.constant(X), tf.ones([2, 3]), tf.constant([1, 2])
    weights = tf.constant(X + 1)
    with tf.GradientTape() as tape:
        tape.watch((x, u))
        y = raw_ops.XlaDynamicUpdateSlice(input=x, update=u, indices=s) * weights
    dx, du = tape.gradient(y, (x, u))
    np.testing.assert_array_equal(du, weights[1:3, 2:5])
    expected = np.array(weights)
    expected[1:3, 2:5] = 0
    np.testing.assert_array_equal(dx, expected)


def test_the_gradient_of_a_block_lies_where_the_block_was():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        block = raw_ops.XlaDynamicSlice(input=x, start_indices=[9, 1], size_indices=[2, 3])
        y = block * tf.constant([[1.0, 2, 3], [4, 5, 6]])
    expected = np.zeros((4, 6))
    expected[2:, 1:4] = [[1, 2, 3], [4, 5, 6]]
    np.testing.assert_array_equal(tape.gradient(y, x), expected)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_a_block_needs_a_start_and_a_size_for_each_dimension(wrap):
    take = wrap(lambda s: raw_ops.XlaDynamicSlice(input=X, start_indices=s, size_indices=[2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one start and one size for each"):
        take(tf.constant([1]))


def test_a_block_that_is_too_large_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="XlaDynamicUpdateSlice.*does not fit"):
        raw_ops.XlaDynamicUpdateSlice(
            input=tf.zeros([2, 2]), update=tf.zeros([3, 1]), indices=[0, 0]
        )


def test_a_chain_of_updates_copies_once():
    calls = 5

    @tf.function
    def fill(x, start):
        for i in range(calls):
            x = raw_ops.XlaDynamicUpdateSlice(
                input=x, update=tf.fill([1, 6], float(i)), indices=[start + i, 0]
            )
        return x

    start = tf.constant(1)
    expected = np.concatenate(
        [np.zeros((1, 6)), np.tile(np.arange(calls)[:, None], 6), np.zeros((3, 6))]
    )
    np.testing.assert_array_equal(fill(tf.zeros([9, 6]), start), expected)
    launches = str(fill.explain(tf.zeros([9, 6]), start))
    assert launches.count("nest[54]") == 1, launches


def test_a_scalar_stays_one():
    none = np.zeros(0, np.int32)
    for wrap in (lambda f: f, tf.function):
        take = wrap(
            lambda x: raw_ops.XlaDynamicSlice(input=x, start_indices=none, size_indices=none)
        )
        assert take(tf.constant(3.0)).shape == ()
