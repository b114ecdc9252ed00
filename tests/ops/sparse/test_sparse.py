"""Sparse and ragged tensors against their dense forms."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw

INDICES = np.array([[0, 1], [1, 0], [1, 3], [2, 2]])
VALUES = np.float32([1, 2, 3, 4])
SHAPE = np.array([3, 4])
DENSE = np.zeros((3, 4), np.float32)
DENSE[tuple(INDICES.T)] = VALUES
RNG = np.random.default_rng(6)


def test_dense_form():
    found = raw.SparseToDense(
        sparse_indices=INDICES,
        output_shape=SHAPE,
        sparse_values=VALUES,
        default_value=np.float32(0),
    )
    np.testing.assert_array_equal(found.numpy(), DENSE)
    with pytest.raises(InvalidArgumentError, match="out of order"):
        raw.SparseToDense(
            sparse_indices=INDICES[::-1].copy(), output_shape=SHAPE, sparse_values=VALUES,
            default_value=np.float32(0),
        )  # fmt: skip


def test_products():
    b = RNG.normal(size=(4, 2)).astype(np.float32)
    found = raw.SparseTensorDenseMatMul(a_indices=INDICES, a_values=VALUES, a_shape=SHAPE, b=b)
    np.testing.assert_allclose(found.numpy(), DENSE @ b, rtol=1e-6)


@pytest.mark.parametrize("axes", [[0], [1], [0, 1]])
@pytest.mark.parametrize("keep", [True, False])
def test_sums_of_sparse_tensors_equal_those_of_dense_ones(axes, keep):
    found = raw.SparseReduceSum(
        input_indices=INDICES, input_values=VALUES, input_shape=SHAPE,
        reduction_axes=np.array(axes, np.int32), keep_dims=keep,
    )  # fmt: skip
    np.testing.assert_array_equal(found.numpy(), DENSE.sum(tuple(axes), keepdims=keep))


def test_order_and_shape():
    shuffled = [2, 0, 3, 1]
    indices, values = raw.SparseReorder(
        input_indices=INDICES[shuffled], input_values=VALUES[shuffled], input_shape=SHAPE
    )
    np.testing.assert_array_equal(indices.numpy(), INDICES)
    np.testing.assert_array_equal(values.numpy(), VALUES)
    moved, shape = raw.SparseReshape(input_indices=INDICES, input_shape=SHAPE, new_shape=[2, -1])
    assert shape.numpy().tolist() == [2, 6]
    np.testing.assert_array_equal(DENSE.reshape(2, 6)[tuple(moved.numpy().T)], VALUES)


def test_ragged_rows_become_dense():
    found = raw.RaggedTensorToTensor(
        shape=np.array(-1), values=np.float32([1, 2, 3]), default_value=np.float32(0),
        row_partition_tensors=[np.array([0, 2, 2, 3])], row_partition_types=["ROW_SPLITS"],
    )  # fmt: skip
    assert found.numpy().tolist() == [[1, 2], [0, 0], [3, 0]]


def test_sets_of_rows_hold_each_element_once():
    found = raw.DenseToDenseSetOperation(
        set1=np.array([[1, 2, 2]]), set2=np.array([[2, 9, 1]]), set_operation="intersection"
    )
    assert found.result_values.numpy().tolist() == [1, 2]


def test_programs_make_dense_what_holds_nothing():
    @tf.function
    def dense(at, values):
        return tf.raw_ops.SparseToDense(
            sparse_indices=at,
            output_shape=[2, 2],
            sparse_values=values,
            default_value=np.float32(7),
        )

    found = dense(np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
    np.testing.assert_array_equal(found, np.full((2, 2), 7))


def test_reshapes_move_indices_beyond_the_shape_too():
    # recorded from TensorFlow 2.21
    given = {"input_indices": np.array([[0, 0], [1, 5]]), "input_shape": np.array([2, 3])}
    moved = raw.SparseReshape(**given, new_shape=np.array([3, 2]))[0]
    assert moved.numpy().tolist() == [[0, 0], [4, 0]]
    kept = raw.SparseReshape(**given, new_shape=np.array([2, -1]))[0]
    assert kept.numpy().tolist() == [[0, 0], [1, 5]]


@pytest.mark.parametrize("dtype", [tf.int8, tf.int16, tf.int32, tf.int64])
def test_sums_that_are_the_least_number_stay(dtype):
    least = np.iinfo(dtype.as_numpy_dtype).min
    half = tf.SparseTensor([[1]], tf.constant([least // 2], dtype), [3])
    np.testing.assert_array_equal(tf.sparse.add(half, half).values, [least])


def test_integers_below_the_threshold_are_dropped():
    x = tf.SparseTensor([[0], [1], [2]], tf.constant([-2, 1, 0], tf.int8), [3])
    total = tf.sparse.add(x, x, threshold=tf.constant(3, tf.int8))
    np.testing.assert_array_equal(total.values, [-4])
