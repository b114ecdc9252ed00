"""Schur forms, and functions of triangles, against what defines them."""

import numpy as np
import pytest

from penstock._src.native.algorithms.solvers.schur import schur

RANDOM = np.random.default_rng(0)


def _matrices(kind, n):
    a = RANDOM.normal(size=(3, n, n)) + 1j * RANDOM.normal(size=(3, n, n))
    if kind == "real":
        return a.real + 0j
    if kind == "hermitian":
        return a @ a.conj().swapaxes(-1, -2) / n
    if kind == "triangular":
        return np.triu(a)
    if kind == "special":
        a[0], a[1], a[2] = 0, np.eye(n, k=1), np.eye(n)[::-1]
    return a


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("kind", ["complex", "real", "hermitian", "triangular", "special"])
def test_schur_forms_are_triangles_in_other_bases(kind, n):
    matrices = _matrices(kind, n)
    triangles, bases = matrices.copy(), np.broadcast_to(np.eye(n) + 0j, matrices.shape).copy()
    assert schur().schur(triangles, bases, 3, n) == 3
    adjoint = bases.conj().swapaxes(-1, -2)
    np.testing.assert_array_equal(np.tril(triangles, -1), 0)
    np.testing.assert_allclose(bases @ triangles @ adjoint, matrices, atol=1e-13)
    np.testing.assert_allclose(bases @ adjoint, np.broadcast_to(np.eye(n), bases.shape), atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_roots_and_logarithms_of_triangles(n):
    triangles = np.triu(_matrices("complex", n)) / n + 2 * np.eye(n)
    roots, logarithms = np.zeros_like(triangles), np.zeros_like(triangles)
    schur().root(triangles, roots, 3, n)
    np.testing.assert_allclose(roots @ roots, triangles, atol=1e-13)
    schur().logarithm(triangles.copy(), logarithms, np.zeros((2, n, n), complex), 3, n)
    power, exponential = np.eye(n) + 0j, np.zeros_like(triangles)
    for i in range(1, 60):
        exponential = exponential + power
        power = power @ logarithms / i
    np.testing.assert_allclose(exponential, triangles, atol=1e-12)


@pytest.mark.parametrize("is_logarithm", [0, 1])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_matrices_become_their_functions_or_stay_as_they_are(is_logarithm, scale):
    n = 5
    good = _matrices("complex", n)[0] / n + 3 * np.eye(n)
    ones = np.ones((n, n)) + 0j
    others = [0 * ones, ones, -good, ones * np.nan, ones * np.inf]
    matrices = np.array([good, *others]) * scale
    before, done = matrices.copy(), np.empty(len(matrices), np.int64)
    count = schur().apply(
        matrices, np.empty((5, n, n), complex), done, is_logarithm, len(matrices), n
    )
    assert done[0] == 1 and not done[[1, 2, 4, 5]].any() and count == done.sum()
    np.testing.assert_array_equal(matrices[done == 0], before[done == 0])
    if not is_logarithm:
        np.testing.assert_allclose(matrices[0] @ matrices[0] / scale, good, atol=1e-13)
        return
    values, vectors = np.linalg.eig(good)
    expected = vectors * (np.log(values) + np.log(scale)) @ np.linalg.inv(vectors)
    np.testing.assert_allclose(matrices[0], expected, atol=1e-11)
