"""Logarithms, square roots and exponentials of matrices, at their limits too."""

import numpy as np
import pytest
import scipy.linalg

import penstock as tf
from penstock._src.ops.linalg import functions

NAN = np.full((2, 2), np.nan)
RANDOM = np.random.default_rng(3)
MATRICES = {
    "positive": [[4, 1], [2, 3]],
    "negative": [[-1, 0], [0, -4]],
    "of both signs": [[-2, 5, 1], [0, 3, 7], [0, 0, -2.5]],
    "turning": [[0, -1], [1, 0]],
    "one direction": [[1, 1], [0, 1]],
    "small": [[4e-90, 1e-90], [2e-90, 3e-90]],
    "large": RANDOM.standard_normal((6, 6)) * 1e6,
    "complex": RANDOM.standard_normal((2, 5, 5)) + 1j * RANDOM.standard_normal((2, 5, 5)),
    "no rows": np.zeros((3, 0, 0)),
}


def wraps():
    return pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])


@wraps()
@pytest.mark.parametrize("name", MATRICES)
def test_the_exponential_of_a_logarithm_is_the_matrix(name, wrap):
    a = np.array(MATRICES[name], complex)
    found = np.asarray(wrap(tf.linalg.logm)(tf.constant(a)))
    assert found.shape == a.shape and found.dtype == a.dtype
    for at in np.ndindex(a.shape[:-2]):
        if a.size:
            back = scipy.linalg.expm(found[at])
            np.testing.assert_allclose(back, a[at], rtol=1e-8, atol=1e-9 * np.abs(a).max())
            angles = np.linalg.eigvals(found[at]).imag
            assert (angles > -np.pi).all() and (angles < np.pi + 1e-6).all()


def test_logarithms_of_negative_numbers_have_the_angle_pi():
    found = tf.linalg.logm(tf.constant([[-1.0, 0], [0, -4]], tf.complex128))
    np.testing.assert_allclose(found, [[np.pi * 1j, 0], [0, np.log(4) + np.pi * 1j]], atol=1e-12)


@wraps()
@pytest.mark.parametrize("a", [[[1, 2], [2, 4]], np.zeros((2, 2)), NAN, np.full((2, 2), np.inf)])
def test_what_has_no_logarithm_is_nan_in_both_parts(a, wrap):
    found = np.asarray(wrap(tf.linalg.logm)(tf.constant(a, tf.complex64)))
    assert np.isnan(found.real).all() and np.isnan(found.imag).all()


def test_other_matrices_of_a_batch_keep_their_logarithms():
    a = np.stack([NAN, np.eye(2) * np.e]).astype(complex)
    np.testing.assert_allclose(tf.linalg.logm(a)[1], np.eye(2), atol=1e-12)


@wraps()
@pytest.mark.parametrize(
    "name", ["positive", "turning", "one direction", "small", "complex", "no rows"]
)
def test_square_roots(name, wrap):
    a = np.array(MATRICES[name])
    root = np.asarray(
        wrap(tf.linalg.sqrtm)(tf.constant(a, tf.complex128 if a.dtype.kind == "c" else tf.float64))
    )
    assert root.shape == a.shape
    np.testing.assert_allclose(root @ root, a, rtol=1e-7, atol=1e-9 * np.abs(a).max(initial=0))


@wraps()
def test_square_roots_of_a_batch_do_not_depend_on_each_other(wrap):
    singular, no_root = np.diag([4.0, 0.0]), np.diag([-1.0, 4.0])
    batch = [singular, [[2.0, 1], [1, 3]], np.full((2, 2), np.inf), 1e-30 * np.eye(2), no_root]
    together = np.asarray(wrap(tf.linalg.sqrtm)(tf.constant(batch, tf.float64)))
    alone = [tf.linalg.sqrtm(tf.constant(m, tf.float64)) for m in batch]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert np.isnan(together).all((-2, -1)).tolist() == [False, False, True, False, True]


@wraps()
@pytest.mark.parametrize("a", [NAN, np.full((2, 2), np.inf), [[-1, 0], [0, 4]]])
def test_what_has_no_real_square_root_is_nan(a, wrap):
    assert np.isnan(wrap(tf.linalg.sqrtm)(tf.constant(a, tf.float64))).all()


@wraps()
@pytest.mark.parametrize("a", [NAN, np.full((2, 2), -np.inf), [[np.inf, 0], [0, 1]]])
def test_exponentials_of_what_is_not_finite_are_nan(a, wrap):
    a = tf.constant(a, tf.float64)
    assert np.isnan(wrap(tf.linalg.expm)(a)).all()
    assert np.isnan(tf.raw_ops.MatrixExponential(input=a)).all()


def test_exponentials_in_one_operation():
    a = RANDOM.standard_normal((2, 4, 4)) * np.array([1, 30])[:, None, None]
    found = tf.raw_ops.MatrixExponential(input=a)
    for got, matrix in zip(found, a, strict=True):
        np.testing.assert_allclose(got, scipy.linalg.expm(matrix), rtol=1e-8)
    assert tf.raw_ops.MatrixExponential(input=np.zeros((2, 0, 0))).shape == (2, 0, 0)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.raw_ops.MatrixExponential(input=np.zeros((2, 3)))


@pytest.mark.parametrize("n", [1, 2, 5, 13, functions.FEW])
@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_functions_by_schur_forms_are_those_by_eigenvalues(monkeypatch, n, scale):
    random = np.random.default_rng(n)
    a = scale * (2 * np.eye(n) + random.normal(size=(4, n, n)) / np.sqrt(n))
    a[1] = a[1] @ a[1].T / scale
    a[2, 0] = 0  # singular: without either
    mixed = a + 0.1j * scale * random.normal(size=a.shape)
    calls = (tf.linalg.sqrtm, a), (tf.linalg.sqrtm, mixed), (tf.linalg.logm, mixed)
    found = [f(x).numpy() for f, x in calls]
    monkeypatch.setattr(functions, "FEW", 0)
    for here, (f, x) in zip(found, calls, strict=True):
        for matrix, expected in zip(here, f(x).numpy(), strict=True):
            atol = 1e-9 * np.nan_to_num(np.abs(expected)).max()
            np.testing.assert_allclose(matrix, expected, rtol=1e-9, atol=atol)
