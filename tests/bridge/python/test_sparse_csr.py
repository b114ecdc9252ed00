"""CSRSparseMatrix under TensorFlow's private path, eagerly and in graphs."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops.linalg.sparse import sparse_csr_matrix_ops as csr

A = np.array([[1, 0, 2j], [0, 0, 3]], np.complex64)


@pytest.mark.parametrize("flags", [{}, {"adjoint_a": True}, {"transpose_a": True}])
def test_products_are_those_of_dense_matrices(flags):
    sparse, dense = csr.CSRSparseMatrix(A), tf.constant(A)
    x = tf.constant(np.array([[1, 2j], [3, 4], [0, 1j]], np.complex64))
    left = x if not flags else x[:2]
    np.testing.assert_allclose(csr.matmul(sparse, left, **flags), tf.matmul(dense, left, **flags))
    turned = {name.replace("_a", "_b"): value for name, value in flags.items()}
    right = tf.transpose(left) if not flags else tf.transpose(x)
    expected = tf.matmul(right[:, : 2 if not flags else 3], dense, **turned)
    found = csr.matmul(right[:, : 2 if not flags else 3], sparse, **turned)
    np.testing.assert_allclose(found, expected)
    both = csr.matmul(sparse, sparse, adjoint_b=True)
    np.testing.assert_allclose(both.to_dense(), A @ A.conj().T)


def test_a_graph_knows_shapes_and_types():
    with tf.Graph().as_default():
        matrix = csr.CSRSparseMatrix(A)
        assert matrix.shape == [2, 3] and matrix.dtype == tf.complex64
        assert matrix.hermitian_transpose().shape == [3, 2]
        assert csr.matmul(matrix, matrix, adjoint_b=True).shape == [2, 2]
        assert csr.matmul(matrix, A, transpose_b=True).shape == [2, 2]
        assert matrix.to_dense().shape == [2, 3]
        with pytest.raises(ValueError, match="Invalid rank of dense"):
            csr.CSRSparseMatrix(tf.compat.v1.placeholder(tf.float32))


def test_batches_of_one_matrix_broadcast():
    batch = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    one, two = csr.CSRSparseMatrix(batch[:1]), csr.CSRSparseMatrix(batch)
    np.testing.assert_array_equal(csr.matmul(one, two).to_dense(), batch[:1] @ batch)


@pytest.mark.parametrize(
    ("indices", "shape", "message"),
    [
        (np.zeros([5], np.int64), [1], "must be rank 2"),
        (np.zeros([1, 3], np.int64), [2**31 - 1, 1, 1], "batch_size must be < Int32Max"),
        (np.zeros([1, 2], np.int64), [2**31 - 1, 1], "row index size.*must be <= Int32Max"),
        (np.zeros([1, 3], np.int64), [3, 7], "Index rank .* and shape rank .* do not match"),
        (np.array([[0, 7]]), [3, 7], r"indices\[0, :\] = \[0, 7\] is out of bounds"),
    ],
)
def test_entries_that_do_not_fit_are_refused(indices, shape, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.raw_ops.SparseTensorToCSRSparseMatrix(
            indices=indices, values=np.ones(len(indices), np.float32), dense_shape=shape
        )
