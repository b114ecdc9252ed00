"""Stored tensors: sparse ones under numbers, dense ones under text handles."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops


def test_rows_come_back_as_one_sparse_tensor():
    numbers = raw.AddManySparseToTensorsMap(
        sparse_indices=np.int64([[0, 1], [2, 0], [2, 3]]), sparse_values=[1.0, 2.0, 3.0],
        sparse_shape=np.int64([3, 4]), shared_name="test_rows",
    )  # fmt: skip
    taken = {"dtype": tf.float32, "shared_name": "test_rows"}
    picked = numbers.numpy()[[2, 0]]
    indices, values, shape = raw.TakeManySparseFromTensorsMap(sparse_handles=picked, **taken)
    assert indices.numpy().tolist() == [[0, 0], [0, 3], [1, 1]]
    assert values.numpy().tolist() == [2, 3, 1] and shape.numpy().tolist() == [2, 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to find SparseTensor"):
        raw.TakeManySparseFromTensorsMap(sparse_handles=picked, **taken)


def test_a_text_stands_for_a_tensor_until_it_is_deleted():
    handle = raw.GetSessionHandle(value=[1, 2])
    assert raw.GetSessionTensor(handle=handle, dtype=tf.int32).numpy().tolist() == [1, 2]
    raw.DeleteSessionTensor(handle=handle)
    with pytest.raises(tf.errors.InvalidArgumentError):
        raw.GetSessionTensor(handle=handle, dtype=tf.int32)
