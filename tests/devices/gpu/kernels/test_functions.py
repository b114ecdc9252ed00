"""Functions that CPUs take from the C library, on the emulated GPU, beside that library."""

import ctypes
import sys

import numpy as np
import pytest

import penstock as tf
from tests.devices.gpu.emulated import on_gpu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the system's libm")
RANDOM = np.random.default_rng(11)
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, 0.5, 1e300, 5e-324, np.pi, 8e15]


def library(name, *columns):
    """The C library's values."""
    function = getattr(ctypes.CDLL("libm.so.6"), name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(columns)
    return np.array([function(*map(float, row)) for row in zip(*columns, strict=True)])


def units(found, wanted):
    """The largest distance in units in the last place; infinities and NaNs must agree."""
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    there = np.isfinite(wanted)
    return np.max(np.abs(found[there] - wanted[there]) / np.spacing(np.abs(wanted[there])))


def spread(low, high, count=300):
    sizes = 10 ** RANDOM.uniform(low, high, count) * RANDOM.choice([-1, 1], count)
    return np.concatenate([sizes, SPECIAL])


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_of_any_size(name):
    x = np.concatenate([spread(-5, 3), spread(10, 307), np.arange(1, 40) * (np.pi / 2)])
    assert units(on_gpu(getattr(tf, name), tf.constant(x)), library(name, x)) <= 2


def test_powers_are_within_two_units_of_the_library():
    x, y = spread(-3, 3), RANDOM.permutation(spread(-2, 1.5))
    x, y = np.concatenate([x, np.abs(x), 1 + x * 1e-9]), np.concatenate([y, y, y * 1e6])
    assert units(on_gpu(tf.pow, tf.constant(x), tf.constant(y)), library("pow", x, y)) <= 2


def test_powers_of_special_numbers():
    x, y = (a.reshape(-1) for a in np.meshgrid([*SPECIAL, -0.5, -3.0], [*SPECIAL, -3.0, -0.5]))
    found = on_gpu(tf.pow, tf.constant(x), tf.constant(y))
    np.testing.assert_allclose(found, library("pow", x, y), rtol=1e-15)


def test_remainders_are_exact():
    x, y = spread(-300, 300), RANDOM.permutation(spread(-300, 300))
    x, y = np.concatenate([x, spread(0, 9)]), np.concatenate([y, spread(-3, 3)])
    np.testing.assert_array_equal(
        on_gpu(tf.truncatemod, tf.constant(x), tf.constant(y)), library("fmod", x, y)
    )


def test_the_error_function():
    x = np.concatenate([spread(-10, 0.8), RANDOM.uniform(-6, 6, 300), [1.9999, 2.0, 26.5]])
    assert units(on_gpu(tf.math.erf, tf.constant(x)), library("erf", x)) <= 8
    np.testing.assert_allclose(on_gpu(tf.math.erfc, tf.constant(x)), library("erfc", x), rtol=1e-13)


def test_the_gamma_function():
    x = np.concatenate([spread(-3, 2), RANDOM.uniform(0, 20, 200), [1e10, 1e306, -3.0]])
    found = on_gpu(tf.math.lgamma, tf.constant(x))
    np.testing.assert_allclose(found, library("lgamma", x), rtol=1e-13, atol=2e-14)
