"""Tridiagonal matrices against dense ones; pivots of zero as on TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.linalg import tridiagonal

RNG = np.random.default_rng(2)
RIGHT = [[1.0], [2.0], [3.0]]
MIDDLE_IS_ZERO = [[0.0, 0, 0], [5, 0, 1], [0, 0, 0]]


def dense(diagonals):
    n = diagonals.shape[-1]
    matrix, at = np.zeros((*diagonals.shape[:-2], n, n)), np.arange(n)
    matrix[..., at, at] = diagonals[..., 1, :]
    matrix[..., at[:-1], at[1:]] = diagonals[..., 0, :-1]
    matrix[..., at[1:], at[:-1]] = diagonals[..., 2, 1:]
    return matrix


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("pivoting", [False, True])
@pytest.mark.parametrize("shape", [(1,), (2,), (3, 3), (2, 3, 41)])
def test_solutions(shape, pivoting, compiled):
    *batch, n = shape
    diagonals, right = RNG.normal(size=(*batch, 3, n)), RNG.normal(size=(*batch, n, 2))

    def solve():
        return tf.linalg.tridiagonal_solve(diagonals, right, partial_pivoting=pivoting)

    found = tf.function(solve)() if compiled else solve()
    wanted = np.linalg.solve(dense(diagonals), right)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_pivot_of_zero_gives_nan_for_its_matrix_alone(compiled):
    diagonals, right = np.stack([MIDDLE_IS_ZERO, np.ones((3, 3)) * [[1], [5], [1]]]), [RIGHT, RIGHT]

    def solve():
        return tf.linalg.tridiagonal_solve(diagonals, right)

    found = np.asarray(tf.function(solve)() if compiled else solve())
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


@pytest.mark.parametrize(
    ("diagonals", "wanted"),
    [
        (MIDDLE_IS_ZERO, [0.2, 3.3554432e06, 3.0]),
        ([[1.0, 1, 0], [0, 0, 0], [0, 1, 1]], [-1.6777214e07, 1.0, 1.6777216e07]),
        (np.zeros((3, 3)), [8.507059e37, 5.671373e37, 8.507059e37]),
    ],
)
def test_pivots_are_perturbed(diagonals, wanted):
    diagonals = tf.constant(diagonals, tf.float32)
    found = tf.linalg.tridiagonal_solve(diagonals, tf.constant(RIGHT), perturb_singular=True)
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-6)


@pytest.mark.parametrize("pivoting", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_native_code_gives_what_python_does(monkeypatch, dtype, pivoting):
    diagonals, right = RNG.normal(size=(4, 3, 9)).astype(dtype), RNG.normal(size=(4, 9, 2))
    diagonals[1, 1, 0] = 0
    diagonals[2, 1, 4] = np.nan

    def solve():
        return tf.linalg.tridiagonal_solve(
            diagonals, right.astype(dtype), partial_pivoting=pivoting
        ).numpy()

    native = solve()
    monkeypatch.setattr(tridiagonal, "runs_native_code", lambda: False)
    np.testing.assert_allclose(native, solve(), rtol=1e-3 if dtype == np.float32 else 1e-10)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_products(n):
    diagonals, right = RNG.normal(size=(2, 3, n)), RNG.normal(size=(2, n, 3))
    found = tf.function(tf.linalg.tridiagonal_matmul)(diagonals, right)
    np.testing.assert_allclose(found, dense(diagonals) @ right, rtol=1e-12)


@pytest.mark.parametrize(
    ("diagonals", "right", "message"),
    [
        ((2, 3), (3, 1), "Expected 3 diagonals got 2"),
        ((3, 3), (4, 1), "to be equal, got 3 and 4"),
        ((2, 3, 3), (1, 3, 1), r"Batch shapes \(2,\) and \(1,\) are incompatible"),
    ],
)
def test_shapes_that_do_not_fit(diagonals, right, message):
    with pytest.raises(ValueError, match=message):
        tf.linalg.tridiagonal_solve(np.ones(diagonals), np.ones(right))


def test_a_transposed_rhs_leaves_the_solution_a_column_for_each_row():
    diagonals = np.array([[1.0, 1.0, 0.0], [5.0, 6.0, 7.0], [0.0, 1.0, 1.0]])
    rhs = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    out = tf.linalg.tridiagonal_solve(diagonals, rhs, transpose_rhs=True)
    np.testing.assert_allclose(out, tf.linalg.tridiagonal_solve(diagonals, rhs.T))


def test_gradients_of_complex_solutions_agree_with_differences():
    draw = np.random.default_rng(3)
    diagonals, rhs, weights = (
        draw.normal(size=shape) + 1j * draw.normal(size=shape) for shape in ((3, 4), (4, 2), (4, 2))
    )
    diagonals[1] += 4
    arguments = [diagonals, rhs]

    def value(diagonals, rhs):
        x = tf.linalg.tridiagonal_solve(tf.constant(diagonals), tf.constant(rhs))
        return tf.reduce_sum(tf.math.real(x * weights))

    tensors = [tf.constant(each) for each in arguments]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        solution = tf.linalg.tridiagonal_solve(*tensors)
        total = tf.reduce_sum(tf.math.real(solution * weights))
    for number, gradient in enumerate(tape.gradient(total, tensors)):
        for place in np.ndindex(*gradient.shape):
            for unit in (1, 1j):
                step = np.zeros(gradient.shape, complex)
                step[place] = 1e-6 * unit
                upper, lower = (
                    value(*[a + sign * step if i == number else a for i, a in enumerate(arguments)])
                    for sign in (1, -1)
                )
                part = gradient.numpy()[place]
                slope = part.real if unit == 1 else part.imag
                assert abs(slope - float(upper - lower) / 2e-6) < 1e-7
