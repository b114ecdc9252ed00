"""Gathered rows of ragged tensors: damaged splits are refused, gradients go to the rows' values."""

import numpy as np
import pytest

import penstock as tf


def gathered(splits, values, indices, rank=1):
    return tf.raw_ops.RaggedGather(
        params_nested_splits=[np.int64(s) for s in splits],
        params_dense_values=values,
        indices=np.int64(indices),
        OUTPUT_RAGGED_RANK=rank,
    )


def test_values_of_a_row_that_is_gathered_twice_get_both_gradients():
    values = tf.constant(np.arange(5.0))
    with tf.GradientTape() as tape:
        tape.watch(values)
        y = gathered([[0, 2, 2, 5]], values, [2, 0, 2])[1] * np.arange(8.0)
    np.testing.assert_array_equal(tape.gradient(y, values), [3, 4, 0 + 5, 1 + 6, 2 + 7])


@pytest.mark.parametrize(
    ("splits", "indices", "rank", "message"),
    [
        ([[0, 3, 2, 5]], [1], 1, r"must be sorted. Received \[0, 3, 2, 5\]"),
        ([[0, 1, 2], [0, 4, 3]], [1], 2, "must be sorted"),
        ([[0, 2, 2, 5]], [3], 1, r"indices\[0\] = 3 is not in \[0, 3\)"),
        ([[0, 2, 2, 5]], [[0, -1]], 2, r"indices\[0, 1\] = -1 is not in \[0, 3\)"),
        ([[0, 2, 2, 5]], [0], 2, "OUTPUT_RAGGED_RANK"),
    ],
)
def test_refusals(splits, indices, rank, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        gathered(splits, np.arange(5.0), indices, rank)
