"""Crosses, counts and packed tensors."""

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.core.registry import raw


def test_hashed_crosses_are_tensorflows():
    columns = [[["a"], ["b"]], [["c"], ["d"]]]
    found = raw.SparseCross(
        indices=[], values=[], shapes=[], dense_inputs=columns, hashed_output=True, num_buckets=50,
        hash_key=956888297470, out_type="int64", internal_type="string",
    )  # fmt: skip
    assert found.output_values.numpy().tolist() == [16, 4]


def test_counts_are_sparse_rows_by_value():
    found = raw.DenseCountSparseOutput(
        values=np.array([[1, 2, 2], [5, 1, 1]]),
        weights=np.zeros(0, np.float32),
        binary_output=False,
    )
    assert found.output_indices.numpy().tolist() == [[0, 1], [0, 2], [1, 1], [1, 5]]
    assert found.output_values.numpy().tolist() == [1, 2, 2, 1]
    assert found.output_dense_shape.numpy().tolist() == [2, 6]


def test_ragged_tensors_go_round_through_variants():
    splits, values = [np.array([0, 2, 3]), np.array([0, 1, 3, 6])], np.arange(6)
    packed = raw.RaggedTensorToVariant(
        rt_nested_splits=splits, rt_dense_values=values, batched_input=True
    )
    assert packed.shape.as_list() == [2]
    back = raw.RaggedTensorFromVariant(
        encoded_ragged=packed, input_ragged_rank=1, output_ragged_rank=2, Tvalues="int64"
    )
    np.testing.assert_array_equal(back.output_dense_values.numpy(), values)
    for found, expected in zip(back.output_nested_splits, splits, strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


def test_sparse_tensors_go_round_through_variants():
    indices, values = np.array([[0, 1], [2, 0]]), np.float32([1, 2])
    packed = raw.SerializeManySparse(
        sparse_indices=indices, sparse_values=values, sparse_shape=[3, 2], out_type="variant"
    )
    back = raw.DeserializeSparse(serialized_sparse=packed, dtype="float32")
    np.testing.assert_array_equal(back.sparse_indices.numpy(), indices)
    assert back.sparse_shape.numpy().tolist() == [3, 2]


def test_sets_of_nothing():
    none, some = np.zeros([2, 0], np.int32), np.int32([[1, 2], [3, 3]])
    union = tf.sets.union(none, some)
    assert union.values.numpy().tolist() == [1, 2, 3]
    assert tf.sets.intersection(some, none).dense_shape.numpy().tolist() == [2, 0]


@pytest.mark.parametrize("form", [tf.constant, tf.sparse.from_dense, tf.RaggedTensor.from_tensor])
def test_counts_of_values_too_large_to_number_with_their_rows(form):
    values = form(tf.constant([[2**62, 1], [5, 5], [6, 2], [2**62, 2**62]], tf.int64))
    found = tf.sparse.bincount(values, axis=-1)
    indices = [[0, 1], [0, 2**62], [1, 5], [2, 2], [2, 6], [3, 2**62]]
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.values, [1, 1, 2, 1, 1, 2])


def test_crosses_join_values_of_all_kinds_of_columns_row_by_row():
    ragged = tf.ragged.constant([[1, -2], [], [3]], dtype=tf.int64)
    sparse = tf.SparseTensor([[0, 0], [2, 0], [2, 1]], ["a", "b", "c"], [3, 2])
    dense = tf.constant([[7], [8], [9]], tf.int64)
    found = tf.ragged.cross([ragged, sparse, dense])
    assert found.to_list() == [
        [b"1_X_a_X_7", b"-2_X_a_X_7"], [], [b"3_X_b_X_9", b"3_X_c_X_9"],
    ]  # fmt: skip


@pytest.mark.parametrize("row", [-1, 3])
def test_crosses_refuse_rows_that_are_not_there(row):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Row {row} of a sparse input"):
        raw.SparseCross(
            indices=[[[row, 0]]], values=[["a"]], shapes=[[3, 2]], dense_inputs=[],
            hashed_output=False, num_buckets=0, hash_key=0, out_type="string", internal_type="string",
        )  # fmt: skip
