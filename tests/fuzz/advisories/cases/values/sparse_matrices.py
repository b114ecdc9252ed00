"""Matrices in compressed rows."""

from tests.fuzz.advisories.case import calls, f32, floats, i64, raw


def _matrix(tf, rows=2):
    return tf.raw_ops.SparseTensorToCSRSparseMatrix(
        indices=[[0, 0], [1, 1]], values=[1.0, 2.0], dense_shape=[rows, 2]
    )


CASES = (
    raw("CVE-2021-29545", "SparseTensorToCSRSparseMatrix", indices=i64([[0, -1]]), values=floats([1]), dense_shape=i64([2, 2])),
    raw("CVE-2021-29545", "SparseTensorToCSRSparseMatrix", indices=i64([[5, 1], [9, 0]]), values=floats([1, 2]), dense_shape=i64([2, 2])),
    raw("CVE-2022-29198", "SparseTensorToCSRSparseMatrix", indices=i64([[53]]), values=floats([0.554979503]), dense_shape=i64([2])),
    raw("CVE-2022-29198", "SparseTensorToCSRSparseMatrix", indices=i64([[0, 0]]), values=floats([1, 2]), dense_shape=i64([2, 2])),
    raw("CVE-2021-29557", "SparseMatMul", a=f32(0, 4), b=f32(4, 0)),
    raw("CVE-2021-41219", "SparseMatMul", a=f32(2, 0), b=f32(0, 1)),
    raw("CVE-2021-41219", "SparseMatMul", a=f32(2, 3), b=f32(2, 1)),
    calls("CVE-2021-29530", "SparseMatrixSparseCholesky", lambda tf: tf.raw_ops.SparseMatrixSparseCholesky(input=_matrix(tf), permutation=tf.constant([1], tf.int32), type=tf.float32)),
    calls("CVE-2021-29530", "SparseMatrixSparseCholesky", lambda tf: tf.raw_ops.SparseMatrixSparseCholesky(input=_matrix(tf), permutation=tf.constant([9, -4], tf.int32), type=tf.float32)),
    calls("CVE-2022-41901", "SparseMatrixNNZ", lambda tf: tf.raw_ops.SparseMatrixNNZ(sparse_matrix=tf.raw_ops.TensorListReserve(element_shape=[], num_elements=1, element_dtype=tf.float32))),
    calls("CVE-2022-41901", "SparseMatrixNNZ", lambda tf: tf.raw_ops.SparseMatrixNNZ(sparse_matrix=tf.zeros([0], tf.variant))),
    calls("CVE-2022-23566", "SparseMatrixMatMul", lambda tf: tf.raw_ops.SparseMatrixMatMul(a=_matrix(tf), b=tf.ones([3, 2]))),
)  # fmt: skip
