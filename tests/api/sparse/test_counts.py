"""Counts of the values of sparse tensors."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import sparse_ops

VALUES = tf.SparseTensor([[0, 0], [0, 2], [2, 1]], [1, 1, 3], [3, 4])


def test_each_row_is_counted_by_itself():
    counts = sparse_ops.bincount(VALUES, axis=-1, minlength=5)
    np.testing.assert_array_equal(counts, [[0, 2, 0, 0, 0], [0] * 5, [0, 0, 0, 1, 0]])


def test_sparse_weights_are_added_up():
    weights = VALUES.with_values([0.5, 1.0, 2.0])
    np.testing.assert_array_equal(tf.math.bincount(VALUES, weights), [0, 1.5, 0, 2])


@pytest.mark.parametrize("count", [tf.sparse.bincount, tf.math.bincount])
def test_weights_stand_where_the_values_stand(count):
    elsewhere = tf.SparseTensor([[0, 0], [0, 1], [2, 1]], [1, 1, 3], [3, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have the same indices"):
        count(VALUES, elsewhere, axis=-1)
    with pytest.raises(ValueError, match="must be a SparseTensor"):
        count(VALUES, [1, 2, 3])


def test_dense_weights_have_the_shape_of_the_values():
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have the same shape"):
        tf.sparse.bincount([[3, 2, 1], [5, 4, 4]], np.ones([3, 2], np.int32), axis=-1)


def test_counts_of_nothing_have_a_column():
    # as in TensorFlow 2.21
    nothing = tf.SparseTensor(np.zeros([0, 2], np.int64), np.zeros([0], np.int64), [2, 3])
    assert tf.sparse.bincount(nothing).shape == [1]
    assert tf.sparse.bincount(nothing, axis=-1).shape == [2, 1]
    assert tf.sparse.bincount(np.zeros([2, 0], np.int64), axis=-1).shape == [2, 1]
    assert tf.sparse.bincount(nothing, minlength=4).shape == [4]
