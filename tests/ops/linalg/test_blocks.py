"""Compiled factorizations of matrices of several blocks of columns."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.calls.facts import HostKernel
from penstock._src.ops.linalg import elimination
from penstock._src.ops.linalg.decomposition import Lu
from penstock._src.ops.linalg.elimination import LEAST_BLOCK, blocks

FEW_BLOCKS = 4
SIZES = [LEAST_BLOCK, LEAST_BLOCK + 1, 3 * LEAST_BLOCK + 5, FEW_BLOCKS * LEAST_BLOCK + 9]


@pytest.fixture(autouse=True)
def few_blocks(monkeypatch):
    """Blocks are wider than the least from 129 rows on: proofs of larger programs take long. Eager calls stay on the host."""
    monkeypatch.setattr(elimination, "MOST_BLOCKS", FEW_BLOCKS)
    monkeypatch.setattr(Lu, "host_kernel", HostKernel(compiles_from=1 << 30))


def matrices(n, dtype=np.float64):
    return np.random.default_rng(n).normal(size=(2, n, n)).astype(dtype)


@pytest.mark.parametrize("n", [1, 32, 33, 256, 257, 1000])
def test_blocks_cover_all_columns(n):
    found = blocks(n)
    assert found[0][0] == 0 and found[-1][1] == n and len(found) <= FEW_BLOCKS
    assert all(before[1] == after[0] for before, after in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("n", SIZES)
def test_factors_and_order_of_rows(n):
    a = matrices(n)
    packed, order = (x.numpy() for x in tf.function(tf.linalg.lu)(a))
    lower = np.tril(packed, -1) + np.eye(n)
    assert np.abs(lower).max() <= 1  # the largest of a column was its pivot
    rows = np.take_along_axis(a, order[..., None], 1)
    np.testing.assert_allclose(lower @ np.triu(packed), rows, atol=1e-11)
    np.testing.assert_array_equal(order, tf.linalg.lu(a)[1])


def test_of_equal_pivots_the_first_row_in_the_order_so_far_is_taken():
    a = np.ones((1, 1))
    while (
        len(a) < FEW_BLOCKS * LEAST_BLOCK
    ):  # Hadamard's: factors are powers of 2, so equal pivots stay equal
        a = np.block([[a, a], [a, -a]])
    a = np.random.default_rng(0).permutation(a)
    np.testing.assert_array_equal(tf.function(tf.linalg.lu)(a)[1], tf.linalg.lu(a)[1])


@pytest.mark.parametrize("n", SIZES)
def test_solutions_and_determinants(n):
    a, right = matrices(n), matrices(n)[:, :, :3]
    wanted = np.linalg.solve(a, right)
    tolerance = dict(rtol=1e-8, atol=1e-8 * np.abs(wanted).max())
    np.testing.assert_allclose(tf.function(tf.linalg.solve)(a, right), wanted, **tolerance)
    np.testing.assert_allclose(tf.function(tf.linalg.inv)(a) @ a, [np.eye(n)] * 2, atol=1e-7)
    sign, log = tf.function(tf.linalg.slogdet)(a)
    signs, logs = np.linalg.slogdet(a)
    np.testing.assert_array_equal(sign, signs)
    np.testing.assert_allclose(log, logs, rtol=1e-10)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("lower", [True, False])
def test_triangles(n, lower):
    a = matrices(n) + 2 * n * np.eye(n)  # what is in the other triangle is not read
    right = matrices(n)[:, :, :5]
    solve = tf.function(tf.linalg.triangular_solve)
    wanted = np.linalg.solve(np.tril(a) if lower else np.triu(a), right)
    np.testing.assert_allclose(solve(a, right, lower=lower), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_cholesky_reads_one_triangle(n):
    a = matrices(n)
    a = a @ a.swapaxes(1, 2) + n * np.eye(n)
    found = tf.function(tf.linalg.cholesky)(np.tril(a) + np.triu(np.full((n, n), 7.0), 1))
    np.testing.assert_allclose(found, np.linalg.cholesky(a), rtol=1e-9, atol=1e-9)


def test_a_pivot_of_zero_in_a_later_block_is_refused():
    a = matrices(50)
    a[1, :, 40] = 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        tf.function(tf.linalg.inv)(a)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        tf.function(tf.linalg.lu)(a)


def test_what_is_not_positive_definite_is_nan():
    a = np.eye(70)
    a[60, 60] = -1
    found = tf.function(tf.linalg.cholesky)(np.stack([a, np.eye(70)])).numpy()
    assert np.isnan(np.tril(found[0])[np.tril_indices(70)]).all()
    np.testing.assert_array_equal(found[1], np.eye(70))


@pytest.mark.parametrize("n", [1, 3, 128, 130, 200])
@pytest.mark.parametrize("adjoint", [True, False])
@pytest.mark.parametrize("columns", [1, 9, 40])
def test_eager_triangles_broadcast_and_ignore_the_other_half(n, adjoint, columns):
    a = (matrices(n) + 2 * n * np.eye(n)).astype(np.float32)
    right = np.random.default_rng(0).normal(size=(3, 1, n, columns)).astype(np.float32)
    for lower, half in ((True, np.tril(a)), (False, np.triu(a))):
        unread = half + np.where(np.tri(n, k=-1).T if lower else np.tri(n, k=-1), np.nan, 0)
        found = tf.linalg.triangular_solve(unread.astype(np.float32), right, lower, adjoint)
        wide = half.astype(np.float64)
        wanted = np.linalg.solve(wide.swapaxes(1, 2) if adjoint else wide, right)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())


def test_a_zero_on_the_diagonal_of_a_triangle_is_divided_by():
    a, ones = np.diag(np.float32([1, 2, 0])), np.ones((3, 1), np.float32)
    np.testing.assert_array_equal(tf.linalg.triangular_solve(a, -ones), [[-1], [-0.5], [-np.inf]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_singular_matrices_have_one_factor_eagerly_and_in_functions(dtype):
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(40, 6, 4)).astype(dtype)
    columns[:, :, 1] = columns[:, :, 0]
    grams = np.swapaxes(columns, 1, 2) @ columns
    eager = tf.linalg.cholesky(grams)
    assert np.isnan(eager).any()
    np.testing.assert_array_equal(tf.function(tf.linalg.cholesky)(grams), eager)
    rhs = rng.normal(size=(40, 6, 2)).astype(dtype)
    solved = tf.linalg.lstsq(columns, rhs)
    in_function = tf.function(tf.linalg.lstsq)(columns, rhs)
    np.testing.assert_array_equal(np.isnan(in_function), np.isnan(solved))
