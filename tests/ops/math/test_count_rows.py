"""Counts of each row of dense, sparse and ragged numbers."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("kind", ["ones", "binary", np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("shape", [(500,), (7, 90), (0, 4), (3, 0), (0,)])
def test_numbers_of_rows_are_counted_up_to_the_size(kind, dtype, shape):
    generator = np.random.default_rng(3)
    numbers = generator.integers(0, 40, shape).astype(dtype)
    is_weighted = not isinstance(kind, str)
    weights = generator.integers(1, 9, shape if is_weighted else 0).astype(
        kind if is_weighted else np.float32
    )
    counts = tf.raw_ops.DenseBincount(
        input=numbers, size=dtype(30), weights=weights, binary_output=kind == "binary"
    ).numpy()
    expected = np.zeros((*shape[:-1], 30), weights.dtype)
    for place, number in np.ndenumerate(numbers):
        if number < 30:
            at = (*place[:-1], number)
            expected[at] = (
                1 if kind == "binary" else expected[at] + (weights[place] if is_weighted else 1)
            )
    assert counts.dtype == weights.dtype
    np.testing.assert_array_equal(counts, expected)


def test_counts_of_negative_numbers_are_refused_after_others():
    numbers = np.arange(3000, dtype=np.int64).reshape(3, 1000)
    numbers[1, 500] = -1
    with pytest.raises(tf.errors.InvalidArgumentError, match="Input arr must be non-negative"):
        tf.math.bincount(numbers, axis=-1, maxlength=9)


def test_weights_of_binary_counts_are_refused():
    with pytest.raises(ValueError, match="either `weights` or `binary_output`"):
        tf.math.bincount([1, 2], weights=[1.0, 2.0], binary_output=True)
