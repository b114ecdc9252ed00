"""Gradients through sparse matrices are those of the dense computation, where there are entries."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
A = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 4.0]])
B = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.5]])
WEIGHTS = np.array([[1.0, 2.0], [3.0, 4.0]])


def sparse(dense):
    return raw.DenseToCSRSparseMatrix(dense_input=dense, indices=np.argwhere(dense.numpy() != 0))


def dense(matrix):
    return raw.CSRSparseMatrixToDense(sparse_input=matrix, type=tf.float64)


def gradients(function, *values):
    inputs = [tf.constant(v) for v in values]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        result = tf.reduce_sum(function(*inputs) * WEIGHTS)
    return tape.gradient(result, inputs)


@pytest.mark.parametrize("turned_a", [None, "transpose_a", "adjoint_a"])
@pytest.mark.parametrize("turned_b", [None, "transpose_b", "adjoint_b"])
@pytest.mark.parametrize("both_sparse", [False, True])
def test_products(turned_a, turned_b, both_sparse):
    flags = {name: True for name in (turned_a, turned_b) if name}
    a, b = A.T if turned_a else A, B.T if turned_b else B

    def multiplied(x, y):
        if both_sparse:
            made = raw.SparseMatrixSparseMatMul(a=sparse(x), b=sparse(y), type=tf.float64, **flags)
            return dense(made)
        return raw.SparseMatrixMatMul(a=sparse(x), b=y, **flags)

    expected = gradients(lambda x, y: tf.matmul(x, y, **flags), a, b)
    by_a, by_b = gradients(multiplied, a, b)
    np.testing.assert_allclose(by_a, np.where(a != 0, expected[0], 0))
    np.testing.assert_allclose(by_b, expected[1])


def test_sums_multiples_and_transposes():
    a = np.array([[1.0, 2.0], [0.0, 3.0]])
    (by_sum,) = gradients(
        lambda x: dense(
            raw.SparseMatrixAdd(a=sparse(x), b=sparse(x), alpha=np.float64(2), beta=np.float64(3))
        ),
        a,
    )
    np.testing.assert_allclose(by_sum, np.where(a != 0, 5 * WEIGHTS, 0))
    by_a, by_factor = gradients(
        lambda x, f: dense(raw.SparseMatrixMul(a=sparse(x), b=f)), a, np.float64(2)
    )
    np.testing.assert_allclose(by_a, np.where(a != 0, 2 * WEIGHTS, 0))
    np.testing.assert_allclose(by_factor, (a * WEIGHTS).sum())
    (turned,) = gradients(
        lambda x: dense(raw.SparseMatrixTranspose(input=sparse(x), type=tf.float64)), a
    )
    np.testing.assert_allclose(turned, np.where(a != 0, WEIGHTS.T, 0))


def test_softmax_of_full_rows():
    a = np.array([[1.0, 2.0], [0.5, 3.0]])
    expected = gradients(tf.nn.softmax, a)
    made = gradients(lambda x: dense(raw.SparseMatrixSoftmax(logits=sparse(x), type=tf.float64)), a)
    np.testing.assert_allclose(made[0], expected[0])


def test_slices_of_sparse_tensors():
    values = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        part = tf.sparse.slice(tf.SparseTensor([[0], [1], [2]], values, [3]), [1], [2])
        total = tf.reduce_sum(part.values * [5.0, 7.0])
    assert tape.gradient(total, values).numpy().tolist() == [0, 5, 7]
