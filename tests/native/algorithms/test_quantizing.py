"""Quantizing in one pass against the same operations of NumPy, each rounded to float32."""

import numpy as np
import pytest

from penstock._src.native.algorithms.quantizing import LANES, quantizing


@pytest.mark.parametrize("size", [0, 1, LANES - 1, LANES, 3 * LANES + 5])
@pytest.mark.parametrize("dtype", ["int8", "uint16"])
def test_operations_are_rounded_separately(size, dtype):
    x = np.random.default_rng(size).normal(size=size).astype(np.float32)
    limits = np.iinfo(dtype)
    constants = np.float32([-1.1, 1.3, -1.1, 100.7, 0.37, limits.min, limits.max])
    low, high, origin, scale, shift = constants[:5]
    numbers = np.zeros(size + 1, dtype)
    quantizing("even", numbers.itemsize, "least").quantize(x, size, constants, numbers)
    steps = np.rint((np.clip(x, low, high) - origin) * scale - shift)
    np.testing.assert_array_equal(numbers[:size], np.clip(steps, limits.min, limits.max))
    assert numbers[size] == 0


def test_halves_round_away_from_zero_and_no_number_below_them():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    x = np.float32([0.5, -0.5, below, -below, 2.5, -2.5, np.nan, 900, -900])
    constants, numbers = np.float32([-1e3, 1e3, 0, 1, 0, -128, 127]), np.zeros(9, np.int8)
    quantizing("away", 1, "least").quantize(x, x.size, constants, numbers)
    assert numbers.tolist() == [1, -1, 0, 0, 3, -3, -128, 127, -128]
    quantizing("away", 1, "greatest").quantize(x, x.size, constants, numbers)
    assert numbers.tolist() == [1, -1, 0, 0, 3, -3, 127, 127, -128]
