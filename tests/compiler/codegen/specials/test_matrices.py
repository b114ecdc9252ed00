"""Factorizations and triangular systems: native against the interpreter."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import generator_for
from penstock._src.ir import interpreter
from penstock._src.runtime.load import load
from penstock._src.util import flags
from tests.harness.targets import LESSER

SIZES = [1, 2, 7, 31, 32, 33, 64, 100, 131]


def matrices(n, batch=2, dtype="float32"):
    return np.random.default_rng(n).normal(size=(batch, n, n)).astype(dtype)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lu(native, n, dtype):
    native(lambda p, a: p.lu(a), matrices(n, dtype=dtype), tolerance=2000)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cholesky(native, n, dtype):
    a = matrices(n, dtype=dtype)
    a = a @ a.swapaxes(1, 2) + n * np.eye(n, dtype=dtype)
    native(lambda p, a: p.cholesky(a), a, tolerance=200)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("columns", [1, 5, 64, 129])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_systems(native, n, columns, lower, unit):
    a = matrices(n) / n + np.eye(n, dtype=np.float32)
    b = np.random.default_rng(1).normal(size=(2, n, columns)).astype(np.float32)
    native(lambda p, a, b: p.triangular_solve(a, b, lower, unit), a, b, tolerance=200)


@pytest.mark.parametrize("m", [1, 2, 31, 33, 70])
@pytest.mark.parametrize("n", [1, 3, 32, 65, 90])
@pytest.mark.parametrize("full", [False, True])
def test_qr(native, m, n, full):
    a = np.random.default_rng(m * n).normal(size=(2, m, n)).astype(np.float32)
    native(lambda p, a: p.qr(a, m if full else min(m, n)), a, tolerance=300)
    native(lambda p, a: p.qr(a, m if full else min(m, n)), a.astype(np.float64), tolerance=300)


def test_a_column_with_nothing_below_its_diagonal_is_not_reflected(native):
    a = np.triu(matrices(50))
    a[0, 7, 3] = 5
    native(lambda p, a: p.qr(a, 50), a, tolerance=100)


@pytest.mark.parametrize("device", ["CPU", "reference", "GPU_emulated"])
@pytest.mark.parametrize("scale", [1e-30, 1e-19, 1e19, 1e30])
def test_columns_whose_squares_vanish_or_overflow_are_reflected(device, scale):
    a = np.random.default_rng(3).normal(size=(12, 7)).astype(np.float32)
    a[:, 1:] *= np.float32(scale)
    with flags.override(device=device):
        q, r = map(np.float64, tf.function(tf.linalg.qr)(tf.constant(a)))
    np.testing.assert_allclose(q.T @ q, np.eye(7), atol=2e-6)
    np.testing.assert_allclose(q @ r, a, atol=2e-6 * np.abs(a).max())


def test_the_first_nan_is_a_pivot_and_zeros_divide_nothing(native):
    a = matrices(40, batch=3)
    a[0, 20, 3] = a[0, 30, 3] = np.nan
    a[1, :, 5] = 0
    a[2, 7, 7] = np.inf
    native(lambda p, a: p.lu(a), a, tolerance=2000)


@pytest.mark.parametrize("target", LESSER)
def test_lesser_processors(target):
    p, a = LoweringContext(), matrices(70)
    a = a @ a.swapaxes(1, 2) + np.eye(70, dtype=np.float32)
    x = p.parameter(0, a.shape, dtypes.float32)
    results = [*p.lu(x), p.cholesky(x), p.triangular_solve(x, x, True), *p.qr(x, 70)]
    function = p.function("f", [x], results)
    with flags.override(guard=1):
        made = load(plan_function(function, generator_for(target), 1))(a)
    for one, other in zip(made, interpreter.run(function, [a])[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


def test_the_matrices_of_a_call_alone_are_counted():
    """A program for one call alone has numbers in place of the extents that the function does not know."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, 1], tf.float64), tf.TensorSpec([3, 2], tf.float64)]
    )
    def inverses(x, y):
        k = tf.gather([2, 0, 1, 4, 4, 3, 0], tf.shape(x)[0] % 7)
        part = tf.linalg.diag_part(tf.reshape(tf.range(36), [6, 6]), k=k)
        axis = -(2 * tf.shape(x)[0] - tf.shape(part)[0]) % 5
        total = tf.reduce_sum(y, axis % 2, keepdims=True)
        factor = total
        for _ in tf.range(tf.minimum(tf.shape(x)[0], 1)):
            factor = tf.tanh(factor) * tf.reduce_mean(tf.reshape(factor, [1, 3, 1]))
        rows = tf.expand_dims(total, -2) * tf.reduce_mean(factor)
        return rows, tf.linalg.inv(tf.matmul(rows, rows, transpose_a=True) + 2.0)

    y = np.arange(6.0).reshape(3, 2)
    for count in (5, 3, 2, 5, 3, 2):
        rows, inverse = inverses(np.zeros((count, 1)), y)
        np.testing.assert_allclose(inverse, 1 / (rows.numpy() ** 2 + 2), rtol=1e-12)
