"""What operations on sparse matrices refuse, and their gradients for complex entries."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
INDICES = np.int64([[0, 1], [1, 0], [1, 3], [2, 2]])
VALUES = np.float64([1, -2, 3, 4])
MATCHES = np.int64([[0, 0, 1], [0, 2, 0], [1, 1, 1]])


def matrix(indices=INDICES, values=VALUES, shape=(3, 4)):
    return raw.SparseTensorToCSRSparseMatrix(
        indices=np.int64(indices), values=values, dense_shape=np.int64(shape)
    )


def batch():
    return matrix(MATCHES, np.float64([1, 2, 3]), (2, 3, 2))


def dense(found, dtype=tf.float64):
    return raw.CSRSparseMatrixToDense(sparse_input=found, type=dtype)


def from_dense(indices, shape=(3, 2)):
    return raw.DenseToCSRSparseMatrix(dense_input=np.ones(shape), indices=np.int64(indices))


def components(index, dtype=tf.float64):
    return raw.CSRSparseMatrixComponents(csr_sparse_matrix=batch(), index=index, type=dtype)


def scaled(a, b):
    return raw.SparseMatrixMul(a=a, b=b)


def added(a, b, alpha=1.0):
    return raw.SparseMatrixAdd(a=a, b=b, alpha=np.float64(alpha), beta=np.float64(1))


def multiplied(a, b, **flags):
    return raw.SparseMatrixMatMul(a=a, b=b, **flags)


def both(a, b):
    return raw.SparseMatrixSparseMatMul(a=a, b=b, type=tf.float64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: matrix(np.int64([0, 1]), VALUES[:2]), "indices must be rank 2"),
        (lambda: matrix(values=VALUES[:, None]), "values must be rank 1"),
        (lambda: matrix(shape=[[3, 4]]), "shape must be rank 1"),
        (lambda: matrix(values=VALUES[:3]), r"\(4\) and values \(3\) do not match"),
        (lambda: matrix(shape=(3, 4, 5)), r"Index rank \(2\) and shape rank \(3\)"),
        (lambda: matrix(np.zeros((1, 4)), VALUES[:1], (1, 1, 1, 1)), "rank 2 or 3"),
        (lambda: matrix([[0, 9]], VALUES[:1]), r"\[0, :\] = \[0, 9\] is out of bounds"),
        (lambda: matrix([[0, 1], [0, -1]], VALUES[:2]), r"\[1, :\] = \[0, -1\] is out of bounds"),
        (lambda: matrix(np.zeros((0, 3)), VALUES[:0], (2**31, 1, 1)), "batch_size must be < Int32Max"),
        (lambda: matrix(np.zeros((0, 3)), VALUES[:0], (2**20, 2**12, 1)), "too large"),
        (lambda: from_dense([[0]]), "a column for each dimension"),
        (lambda: from_dense([0, 1]), "a column for each dimension"),
        (lambda: from_dense([[0, 0], [5, 0]]), r"indices\[1\] = \[5, 0\] does not index"),
        (lambda: from_dense([[-1, 0]]), r"indices\[0\] = \[-1, 0\] does not index"),
        (lambda: dense(matrix(), tf.float32), "Asked for a CSRSparseMatrix of type float32"),
        (lambda: raw.CSRSparseMatrixToSparseTensor(sparse_matrix=matrix(), type=tf.float32), "type float32"),
        (lambda: components(2), r"index \(2\) not in \[0, 2\)"),
        (lambda: components(0, tf.float32), "type float32"),
        (lambda: raw.SparseMatrixZeros(dense_shape=np.int64([2]), type=tf.float64), "2 or 3 extents"),
        (lambda: raw.SparseMatrixZeros(dense_shape=np.int64([2, -3]), type=tf.float64), "2 or 3 extents"),
        (lambda: raw.SparseMatrixTranspose(input=matrix(), type=tf.float32), "type float32"),
        (lambda: added(matrix(), matrix(shape=(4, 4))), "shapes must be equal"),
        (lambda: added(matrix(), matrix(), [1.0]), "must be scalars"),
        (lambda: scaled(matrix(), np.float32(3)), "type float32"),
        (lambda: scaled(matrix(), np.ones((3, 4))), "must be a scalar"),
        (lambda: scaled(batch(), np.ones((3, 1, 1))), r"or \[batch, 1, 1\]"),
        (lambda: multiplied(matrix(), np.ones((1, 4, 2))), "Ranks of a and b must match"),
        (lambda: multiplied(matrix(), np.ones((4, 2), np.float32)), "type float32"),
        (lambda: multiplied(batch(), np.ones((3, 2, 1))), "Batch sizes of a and b must match"),
        (lambda: both(matrix(), matrix()), "Inner product dimensions"),
        (lambda: both(batch(), matrix([[0, 1]], VALUES[:1], (2, 2))), "Inner product dimensions"),
        (lambda: both(batch(), matrix(np.zeros((0, 3)), VALUES[:0], (3, 2, 2))), "Batch sizes"),
        (
            lambda: raw.SparseMatrixSoftmaxGrad(softmax=matrix(), grad_softmax=matrix(shape=(4, 4)), type=tf.float64),
            "shapes must be equal",
        ),
    ],
)  # fmt: skip
def test_refusals(call, message):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=message):
        call()


def test_one_matrix_of_a_batch():
    starts, columns, values = components(1)
    np.testing.assert_array_equal(starts, [0, 0, 1, 1])
    np.testing.assert_array_equal(columns, [1])
    np.testing.assert_array_equal(values, [3])


def test_matrices_of_a_batch_have_factors_of_their_own():
    found = dense(scaled(batch(), np.float64([3, 5]).reshape(2, 1, 1)))
    np.testing.assert_array_equal(found, dense(batch()) * np.float64([[[3]], [[5]]]))


def test_one_matrix_is_multiplied_with_each_of_a_batch():
    other = matrix([[0, 0, 2], [0, 1, 0]], VALUES[:2], (1, 2, 3))
    found = dense(both(batch(), other))
    np.testing.assert_array_equal(found, np.matmul(dense(batch()), dense(other)))


def test_softmax_and_its_gradient_go_over_stored_entries():
    logits = tf.constant(VALUES)
    weights = np.arange(12.0).reshape(3, 4)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = dense(raw.SparseMatrixSoftmax(logits=matrix(values=logits), type=tf.float64))
        y = found * weights
    share = np.exp(-2) / (np.exp(-2) + np.exp(3))
    np.testing.assert_allclose(found, [[0, 1, 0, 0], [share, 0, 0, 1 - share], [0, 0, 1, 0]])
    slope = share * (1 - share) * (4 - 7)
    np.testing.assert_allclose(tape.gradient(y, logits), [0, slope, -slope, 0], atol=1e-12)


@pytest.mark.parametrize("turned_a", [None, "transpose_a", "adjoint_a"])
@pytest.mark.parametrize("turned_b", [None, "transpose_b", "adjoint_b"])
def test_gradients_of_products_of_complex_matrices(turned_a, turned_b):
    flags = {name: True for name in (turned_a, turned_b) if name}
    a = tf.constant(VALUES + 1j * VALUES[::-1])
    b = tf.constant(VALUES[::-1] * 2 - 1j * VALUES)
    weights = (np.arange(16.0) * (1 - 2j)).reshape(4, 4)

    def square(values, indices):
        return matrix(indices, values, (4, 4))

    def filled(values, indices):
        return tf.scatter_nd(indices, values, [4, 4])

    def gradients(product):
        with tf.GradientTape() as tape:
            tape.watch((a, b))
            y = tf.reduce_sum(tf.math.real(product() * weights))
        return tape.gradient(y, (a, b))

    def sparsely():
        made = raw.SparseMatrixSparseMatMul(
            a=square(a, INDICES), b=square(b, INDICES[:, ::-1]), type=tf.complex128, **flags
        )
        return dense(made, tf.complex128)

    expected = gradients(
        lambda: tf.matmul(filled(a, INDICES), filled(b, INDICES[:, ::-1]), **flags)
    )
    for got, want in zip(gradients(sparsely), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
