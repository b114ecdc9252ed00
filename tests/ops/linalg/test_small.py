"""Factorizations of stacks of small matrices, beside LAPACK's of each."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util import flags

SHAPES = [(1, 1), (3, 3), (9, 3, 3), (2, 5, 4, 3), (11, 3, 5), (4, 8, 8), (8, 1), (17, 2, 2)]
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def _matrices(shape, dtype):
    """Random matrices; of a stack, also zeros, ones, a huge one, a tiny one and one with a column of zeros."""
    x = np.random.default_rng(3).standard_normal(shape).astype(dtype)
    if x.ndim > 2 and len(x) > 8:
        x[1], x[2], x[5, :, 0] = 0, 1, 0
        x[3] *= dtype(1e30)
        x[4] *= dtype(1e-30)
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_and_vectors_give_the_matrix(shape, full, dtype):
    x = _matrices(shape, dtype)
    s, u, v = (t.numpy() for t in tf.raw_ops.Svd(input=x, full_matrices=full))
    tolerance, scale = TOLERANCE[x.dtype.name], np.abs(x).max((-2, -1), keepdims=True) + 1e-45
    k = min(shape[-2:])
    product = u[..., :k] @ (s[..., None] * np.swapaxes(v[..., :k], -1, -2))
    np.testing.assert_allclose(product / scale, x / scale, atol=tolerance)
    for vectors in (u, v):
        square = np.swapaxes(vectors, -1, -2) @ vectors
        np.testing.assert_allclose(
            square, np.zeros_like(square) + np.eye(square.shape[-1]), atol=tolerance
        )
    assert (np.diff(s) <= 0).all()
    assert u.shape[-1] == (shape[-2] if full else k)
    wanted = np.linalg.svd(x.astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(s / scale[..., 0], wanted / scale[..., 0], atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[-1] == shape[-2]])
def test_eigenvectors_of_the_lower_triangle(shape, dtype):
    x = _matrices(shape, dtype)
    lower = np.tril(x)
    symmetric = lower + np.swapaxes(np.tril(x, -1), -1, -2)
    e, v = (t.numpy() for t in tf.raw_ops.SelfAdjointEigV2(input=x))
    scale = np.abs(symmetric).max((-2, -1), keepdims=True) + 1e-45
    tolerance = TOLERANCE[x.dtype.name]
    product = v @ (e[..., None] * np.swapaxes(v, -1, -2))
    np.testing.assert_allclose(product / scale, symmetric / scale, atol=tolerance)
    assert (np.diff(e) >= 0).all()
    only_values = tf.raw_ops.SelfAdjointEigV2(input=x, compute_v=False).e.numpy()
    np.testing.assert_array_equal(only_values, e)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3, 3), (2, 2, 6, 6), (20, 20)])
def test_triangular_factors_give_the_rows_in_their_order(shape, dtype):
    random = np.random.default_rng(3)
    x = random.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * random.standard_normal(shape)
    x = x.astype(dtype)
    packed, order = (t.numpy() for t in tf.raw_ops.Lu(input=x))
    lower = np.tril(packed, -1) + np.eye(shape[-1], dtype=dtype)
    assert (np.abs(lower) <= 1 + 1e-6).all()
    rows = np.take_along_axis(x, order[..., None], -2)
    tolerance = 10 * TOLERANCE[x.real.dtype.name]
    np.testing.assert_allclose(lower @ np.triu(packed), rows, atol=tolerance)


def test_factors_of_complex_numbers_whose_squares_overflow():
    x = np.array([[1e200 + 1e200j, 2e200], [3e-200j, 1e-200]])
    packed, order = (t.numpy() for t in tf.raw_ops.Lu(input=x))
    assert order.tolist() == [0, 1]
    np.testing.assert_allclose(packed[1, 0], 3e-200j / (1e200 + 1e200j))
    small = x * 1e-100
    np.testing.assert_array_equal(tf.raw_ops.Lu(input=small).p, [0, 1])


def test_a_singular_matrix_has_no_triangular_factors():
    stack = np.stack([np.eye(3), np.ones((3, 3))]).astype(np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        tf.raw_ops.Lu(input=stack)


def test_a_system_whose_matrix_alone_has_unknown_extents_is_compiled():
    def function(x):
        matrix = tf.matmul(x, x, transpose_a=True) + 2 * tf.eye(2)
        return tf.linalg.triangular_solve(matrix, tf.ones([2, 3]))

    x = np.ones((1, 2), np.float32)
    compiled = tf.function(function, input_signature=[tf.TensorSpec(None)])
    with flags.override(verify=1):  # raises where the host computes what a kernel should
        np.testing.assert_allclose(compiled(x), function(x), rtol=1e-6)
