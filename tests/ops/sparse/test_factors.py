"""Sparse Cholesky factors, orders of rows, hashed crosses. The numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
A = np.array([[4, 1, 0, 0], [1, 5, 0, 2], [0, 0, 6, 1], [0, 2, 1, 7]], np.float32)
COLUMNS = [np.int64([[0, 0], [1, 0]]), np.int64([[0, 0], [1, 0], [1, 1]])]
WORDS = [["a", "b"], ["c", "d", "e"]]


def matrix(a):
    places = np.argwhere(a != 0)
    return raw.SparseTensorToCSRSparseMatrix(
        indices=places, values=a[a != 0], dense_shape=np.int64(a.shape)
    )


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_factors_give_the_matrix(order):
    factor = raw.SparseMatrixSparseCholesky(input=matrix(A), permutation=order, type=tf.float32)
    lower = raw.CSRSparseMatrixToDense(sparse_input=factor, type=tf.float32).numpy()
    np.testing.assert_allclose(lower @ lower.T, A[np.ix_(order, order)], atol=1e-5)
    assert not np.triu(lower, 1).any()


def test_indefinite_matrices_have_no_factors():
    with pytest.raises(tf.errors.InvalidArgumentError, match="failed for batch index 0"):
        raw.SparseMatrixSparseCholesky(input=matrix(-A), permutation=range(4), type=tf.float32)


def test_an_arrow_is_eliminated_from_its_ends():
    arrow = np.eye(5, dtype="f") * 9
    arrow[0], arrow[:, 0] = 1, 1
    order = raw.SparseMatrixOrderingAMD(input=matrix(arrow)).numpy().tolist()
    assert sorted(order) == list(range(5))
    assert order.index(0) >= 3


@pytest.mark.parametrize(
    ("strong", "buckets", "expected"),
    [
        (False, 0, [8155811415657600686, 4209074467206444046, 5541358773928684726]),
        (False, 1000, [493, 853, 533]),
        (True, 1000, [155, 664, 743]),
    ],
)
def test_hashed_crosses(strong, buckets, expected):
    places, values, shape = raw.SparseCrossHashed(
        indices=COLUMNS,
        values=WORDS,
        shapes=[np.int64([2, 1]), np.int64([2, 2])],
        dense_inputs=[],
        num_buckets=buckets,
        strong_hash=strong,
        salt=[137, 173],
    )
    assert places.numpy().tolist() == [[0, 0], [1, 0], [1, 1]]
    assert values.numpy().tolist() == expected
    assert shape.numpy().tolist() == [2, 2]


def test_numbers_in_crosses():
    _, values, _ = raw.SparseCrossHashed(
        indices=COLUMNS[:1],
        values=[np.int64([5, 6])],
        shapes=[np.int64([2, 1])],
        dense_inputs=[np.int64([[1, 2], [3, 4]])],
        num_buckets=1000,
        strong_hash=False,
        salt=[1, 2],
    )
    assert values.numpy().tolist() == [97, 696, 210, 931]
