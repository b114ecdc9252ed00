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


@pytest.mark.parametrize("dims", [(3, 3, 300), (5, 2, 150), (2, 1, 1), (3, 3, 0)])
@pytest.mark.parametrize("dtype", [np.uint8, object])
def test_long_rows_are_copied_padded_and_cut(dims, dtype):
    lengths = [[200, 90], [], [150, 0, 130]]
    rows = [[[str(i * j) for i in range(n)] for j, n in enumerate(row)] for row in lengths]
    if dtype is not object:
        rows = [[[int(x) % 256 for x in inner] for inner in row] for row in rows]
    ragged = tf.ragged.constant(rows, None if dtype is object else dtype)
    found = ragged.to_tensor(b"-" if dtype is object else 9, shape=dims).numpy()
    expected = dense(rows, dims, "-" if dtype is object else 9)
    np.testing.assert_array_equal(found.astype(expected.dtype), expected)


@pytest.mark.parametrize("dims", [(2, 3, 2), (1, 5, 2), (4, 70, 2), (2, 70, 2)])
def test_rows_of_one_length_are_padded_and_cut(dims):
    values = np.arange(280).reshape(140, 2)
    ragged = tf.RaggedTensor.from_row_lengths(values, [70, 70])
    expected = np.full(dims, 9)
    expected[:2, :70] = values.reshape(2, 70, 2)[: dims[0], : dims[1]]
    np.testing.assert_array_equal(ragged.to_tensor(9, shape=dims), expected)


@pytest.mark.parametrize("dims", [(3, 4), (None, None), (2, 4), (4, 4), (3, 5), (3, 3)])
def test_short_rows_of_one_length_are_strings_of_a_matrix(dims):
    values = np.array([b"%d" % i for i in range(12)], object)
    ragged = tf.RaggedTensor.from_row_splits(values, [0, 4, 8, 12])
    extents = [
        size if size is not None else whole for size, whole in zip(dims, (3, 4), strict=True)
    ]
    expected = np.full(extents, b"-", object)
    expected[:3, :4] = values.reshape(3, 4)[: extents[0], : extents[1]]
    np.testing.assert_array_equal(ragged.to_tensor("-", shape=dims), expected)
