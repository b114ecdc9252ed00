"""Ragged tensors made dense, beside loops in Python."""

import numpy as np
import pytest

import penstock as tf

ROWS = [[[1, 2, 3], []], [], [[4], [5, 6], [7]]]


def dense(rows, dims, default):
    """The rows in an array of these extents, what does not fit left out."""
    out = np.full(dims, default)
    for i, row in enumerate(rows[: dims[0]]):
        for j, inner in enumerate(row[: dims[1]]):
            kept = inner[: dims[2]]
            out[i, j, : len(kept)] = kept
    return out


@pytest.mark.parametrize("dims", [(3, 3, 3), (5, 4, 6), (2, 2, 2), (3, 1, 1), (3, 3, 0), (0, 3, 3)])
def test_levels_are_padded_and_cut(dims):
    ragged = tf.ragged.constant(ROWS)
    found = ragged.to_tensor(-1, shape=dims)
    np.testing.assert_array_equal(found, dense(ROWS, dims, -1))


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_rows_of_vectors_are_padded_and_cut(width):
    values = np.arange(12.0).reshape(6, 2)
    ragged = tf.RaggedTensor.from_value_rowids(values, [0, 0, 0, 2, 4, 4], nrows=6)
    expected = np.full((6, width, 2), 9.0)
    for row, (begin, end) in enumerate([(0, 3), (3, 3), (3, 4), (4, 4), (4, 6), (6, 6)]):
        kept = values[begin:end][:width]
        expected[row, : len(kept)] = kept
    np.testing.assert_array_equal(ragged.to_tensor(9.0, shape=[None, width, None]), expected)
