"""Serialized sparse tensors and maps of them under TensorFlow's private path; sums of narrow numbers."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import sparse_ops

SPARSE = tf.sparse.from_dense([[0.0, 1.0], [2.0, 0.0]])


def test_serialized_tensors_come_back():
    serialized = tf.io.serialize_sparse(SPARSE)
    found = sparse_ops.deserialize_sparse(serialized, tf.float32)
    np.testing.assert_array_equal(tf.sparse.to_dense(found), [[0.0, 1.0], [2.0, 0.0]])


def test_sums_with_a_broadcast_tensor():
    found = sparse_ops.sparse_dense_cwise_add(SPARSE, tf.constant([10.0, 20.0]))
    assert found.values.numpy().tolist() == [21.0, 12.0]


def test_tensors_are_taken_from_a_map():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = tf.compat.v1.SparseTensorValue(np.array([[0], [2]]), np.array([1.0, 2.0]), [3])
        handle = sparse_ops._add_sparse_to_tensors_map(given)
        handles = tf.stack([handle])
        number = int(session.run(handle))
        bad = sparse_ops._take_many_sparse_from_tensors_map(handle.op, [number + 10], rank=1)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to find SparseTensor"):
            session.run(bad)
        handles = tf.stack([handle])
        taken = sparse_ops._take_many_sparse_from_tensors_map(handle.op, handles, rank=1)
        assert session.run(taken).indices.tolist() == [[0, 0], [0, 2]]


def test_products_of_narrow_numbers_are_summed_wide():
    ones = tf.sparse.from_dense(np.ones([1, 4096], np.float16))
    found = tf.sparse.sparse_dense_matmul(ones, np.ones([4096, 1], np.float16))
    assert found.numpy().tolist() == [[4096.0]]


def test_an_inverse_window_is_zero_where_all_windows_are():
    window = tf.signal.inverse_stft_window_fn(64)(64, tf.float32).numpy()
    assert window[0] == 0.0 and np.isfinite(window).all()


def test_errors_name_the_tensor_that_does_not_fit():
    cube = tf.sparse.from_dense(np.ones([1, 1, 1], np.float32))
    serialized = tf.stack([tf.io.serialize_sparse(SPARSE), tf.io.serialize_sparse(cube)])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"SparseTensor\[1\] was: 2 but rank .* is: 3"
    ):
        sparse_ops.deserialize_sparse(serialized, tf.float32)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"SparseTensor\[0\].values.dtype\(\) == float32"
    ):
        sparse_ops.deserialize_sparse(serialized, tf.int64)
    outside = tf.SparseTensor([[0, 7]], [1.0], [2, 2])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"k \(7\) from index\[0,1\] out of bounds \(>=2\)"
    ):
        tf.sparse.sparse_dense_matmul(outside, np.ones([2, 1], np.float32))
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Dimensions must be equal"):
        tf.sparse.sparse_dense_matmul(tf.sparse.eye(2), np.ones([3, 1], np.float32))
