"""Quotients and remainders of integers in vectors, against the interpreter."""

import numpy as np
import pytest

INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def _all(p, x, y):
    return [p.floordiv(x, y), p.mod(x, y), p.truncdiv(x, y), p.truncmod(x, y)]


def _edges(dtype, limit):
    """Numbers around zero, the ends of the type, and those about `limit`."""
    info = np.iinfo(dtype)
    near = {0, info.min, info.max, limit, -limit, info.max // 2}
    wide = {n + d for n in near for d in range(-3, 4)}
    return np.array(sorted(n for n in wide if info.min <= n <= info.max), dtype)


@pytest.mark.parametrize("dtype", INTS)
@pytest.mark.parametrize("limit", [1 << 7, 1 << 24, 1 << 51, 1 << 53])
def test_pairs_of_edges(native, dtype, limit):
    x = _edges(dtype, limit)
    native(_all, np.repeat(x, len(x)), np.tile(x, len(x)))


@pytest.mark.parametrize("dtype", INTS)
def test_neighbours_of_multiples(native, dtype):
    random, info = np.random.default_rng(5), np.iinfo(dtype)
    most = min(int(info.max), (1 << 51) - 1)
    divisors = np.exp(random.uniform(0, np.log(most), 4000)).astype(np.int64).clip(1, most)
    times = (most // divisors * random.uniform(0, 1, 4000)).astype(np.int64)
    x = (divisors * times).clip(1, most - 1) + random.integers(-1, 2, 4000)
    signs = random.choice([-1, 1], (2, 4000)) if info.min else np.ones((2, 4000), int)
    native(_all, (x * signs[0]).astype(dtype), (divisors * signs[1]).astype(dtype))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint64"])
def test_wide_numbers_among_small_ones(native, dtype):
    random, info = np.random.default_rng(6), np.iinfo(dtype)
    x = random.integers(info.min, info.max, 999, dtype) >> random.integers(0, 50, 999).astype(dtype)
    y = random.integers(info.min, info.max, 999, dtype) >> random.integers(0, 50, 999).astype(dtype)
    native(_all, x, y)


@pytest.mark.parametrize("dtype", INTS)
@pytest.mark.parametrize("divisor", [1, 7, 8, 127])
def test_constant_divisors(native, dtype, divisor):
    x = _edges(dtype, 1 << 51)
    native(lambda p, x: _all(p, x, p.constant(np.array(divisor, dtype))), np.tile(x, 7))
