"""Eigenvalues and eigenvectors of symmetric float32 matrices beside LAPACK's in double precision."""

import numpy as np
import pytest

from penstock._src.native.systems import runs_native_code
from penstock._src.ops.linalg.small import symmetric_eigen

pytestmark = pytest.mark.skipif(not runs_native_code(), reason="no native code on this system")

EPSILON = np.finfo(np.float32).eps


def _check(matrix):
    values, vectors = symmetric_eigen(matrix, True)
    exact, lower = matrix.astype(np.float64), np.tril(matrix.astype(np.float64), -1)
    exact = lower + lower.T + np.diag(np.diag(exact))
    size = np.abs(exact).max() * len(exact) + np.finfo(np.float32).smallest_subnormal / EPSILON
    np.testing.assert_allclose(values, np.linalg.eigvalsh(exact), atol=EPSILON * size, rtol=EPSILON)
    wide = vectors.astype(np.float64)
    assert np.abs(exact @ wide - wide * values).max() <= 2 * EPSILON * size
    assert np.abs(wide.T @ wide - np.eye(len(wide))).max() <= 2 * EPSILON
    np.testing.assert_array_equal(symmetric_eigen(matrix, False)[0], values)


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1.0, 1e37])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 15, 16, 17, 40, 100])
def test_matrices_of_any_scale(n, scale):
    x = np.random.default_rng(n).uniform(-1, 1, (n, n))
    _check(((x + x.T) * scale).astype(np.float32))


def test_values_that_are_equal_or_zero_or_of_many_sizes():
    random = np.random.default_rng(1)
    basis, _ = np.linalg.qr(random.normal(size=(24, 24)))
    for values in (
        np.ones(24),
        np.repeat([-1.0, 0.0, 1.0, 5.0], 6),
        10.0 ** -np.arange(24),
        np.zeros(24),
    ):
        _check((basis * values @ basis.T).astype(np.float32))
        _check(np.diag(values).astype(np.float32))
    ends = np.abs(np.arange(21.0) - 10)
    _check((np.diag(ends) + np.eye(21, k=1) + np.eye(21, k=-1)).astype(np.float32))  # Wilkinson's
    _check(np.ones((33, 33), np.float32))
    one = np.zeros((19, 19), np.float32)
    one[13, 2] = 3
    _check(one)


def test_only_lower_triangles_are_read_and_must_be_finite():
    x = np.arange(25, dtype=np.float32).reshape(5, 5)
    both = np.tril(x) + np.tril(x, -1).T
    above = np.where(np.triu(np.ones((5, 5)), 1) > 0, np.float32(np.nan), x)
    np.testing.assert_array_equal(symmetric_eigen(above, False)[0], symmetric_eigen(both, False)[0])
    for bad in (np.nan, np.inf, -np.inf):
        for at in ((0, 0), (4, 2), (4, 4)):
            below = both.copy()
            below[at] = bad
            assert symmetric_eigen(below, True) is None
            assert symmetric_eigen(np.stack([both, below]), True) is None


def test_matrices_of_a_batch_are_solved_one_by_one():
    x = np.random.default_rng(2).normal(size=(3, 2, 12, 12)).astype(np.float32)
    values, vectors = symmetric_eigen(x, True)
    for at in np.ndindex(3, 2):
        one = symmetric_eigen(x[at], True)
        np.testing.assert_array_equal(values[at], one[0])
        np.testing.assert_array_equal(vectors[at], one[1])
