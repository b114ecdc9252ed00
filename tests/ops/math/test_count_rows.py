"""Counts of each row of dense, sparse and ragged numbers."""

import numpy as np

import penstock as tf

NUMBERS = np.array([[1, 2, 2], [4, 0, 9], [3, 3, 3]])
WEIGHTS = np.arange(9, dtype=np.float32).reshape(3, 3)


def _counted(row, weights, binary):
    counts = np.bincount(row[row < 5], weights[row < 5], 5)
    return np.minimum(np.bincount(row[row < 5], minlength=5), 1) if binary else counts


def test_rows_of_a_matrix():
    for binary in (False, True):
        found = tf.raw_ops.DenseBincount(
            input=NUMBERS, size=5, weights=WEIGHTS, binary_output=binary
        )
        expected = [_counted(*pair, binary) for pair in zip(NUMBERS, WEIGHTS, strict=True)]
        np.testing.assert_array_equal(found, expected)


def test_sparse_rows_in_any_order():
    at = np.array([[2, 0], [0, 1], [2, 1]])
    found = tf.raw_ops.SparseBincount(
        indices=at, values=[3, 1, 3], dense_shape=[4, 3], size=5, weights=tf.constant([2.0, 3, 4])
    )
    assert found.numpy().tolist() == [[0, 3, 0, 0, 0], [0] * 5, [0, 0, 0, 6, 0], [0] * 5]


def test_splits_that_descend_end_rows_where_tensorflow_does():
    splits = tf.constant([0, 2, 1, 3], tf.int64)
    found = tf.raw_ops.RaggedBincount(
        splits=splits, values=[1, 2, 4], size=5, weights=tf.constant([], tf.int32)
    )
    assert found.numpy().tolist() == [[0, 1, 1, 0, 0], [0] * 5, [0, 0, 0, 0, 1]]


def test_rows_are_counted_by_single_numbers_in_programs():
    def count(x):
        return tf.raw_ops.DenseBincount(input=x, size=5, weights=tf.constant([], tf.int32))

    x = np.arange(3000).reshape(30, 100) % 7
    compiled = tf.function(count, autograph=False)
    np.testing.assert_array_equal(compiled(x), count(x))
    # No pair of a row and a number is stored for each element.
    assert "[30, 100, 2]" not in str(compiled.explain(x))
