"""Sigmoid and tanh of int16 as gemmlowp's fixed-point functions compute them, for every int16 value.

Numbers are int16 parts of 2**(15 - n) with n integer bits. exp(a) of negative a is a polynomial on [-1/4, 0) times constants exp(-2**k)
for the bits of the rest; 1 / (1 + x) comes from three steps of Newton's method (gemmlowp, `fixedpoint/fixedpoint.h`).
"""

import functools

import numpy as np

_MAX = 32767
# exp(-2**k) for k = -2, -1, ..., and exp(-1/8), 1/3, 48/17, -32/17 as fractions of 2**15 and 2**13.
_POWERS = (25520, 19875, 12055, 4435, 600, 11, 0)
_EXP_EIGHTH, _THIRD, _START, _SLOPE = 28918, 10923, 23130, -15420


def _times(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
    return np.minimum((a * b + (1 << 14)) >> 15, _MAX)


def _clip(a: np.ndarray) -> np.ndarray:
    return np.clip(a, -_MAX - 1, _MAX)


def _halved(a: np.ndarray, bits: int) -> np.ndarray:
    """Divided by a power of two, halves away from zero."""
    return (a + (1 << (bits - 1)) - (a < 0)) >> bits


def _exp(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp of numbers up to 0, with no integer bits."""
    fraction = 15 - integer_bits
    quarter = 1 << (fraction - 2)
    part = (a & (quarter - 1)) - quarter
    x = _clip(part << integer_bits) + (1 << 12)
    square = _times(x, x)
    fourth = _halved(_times(square, square), 2)
    tail = _halved(_times(_clip(fourth + _times(square, x)), _THIRD) + square, 1)
    constant = np.full_like(a, _EXP_EIGHTH)
    result = _clip(constant + _times(constant, x + tail))
    rest = part - a
    for k, power in enumerate(_POWERS, -2):
        if integer_bits > k:
            result = np.where(rest & (1 << (fraction + k)), _times(result, power), result)
    if integer_bits > 5:
        result = np.where(a < -(1 << (fraction + 5)), 0, result)
    return np.where(a == 0, _MAX, result)


def _reciprocal(a: np.ndarray) -> np.ndarray:
    """2 / (1 + a) of numbers in [0, 1], with two integer bits."""
    half = (a + _MAX + 1) // 2
    x = _START + _times(half, _SLOPE)
    for _ in range(3):
        rest = (1 << 13) - _times(half, x)
        x = _clip(x + _clip(_times(x, rest) << 2))
    return x


def _by_sign(x: np.ndarray, at_zero: int, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    return np.where(x == 0, at_zero, np.where(x > 0, positive, negative))


_VALUES = np.arange(-32768, 32768, dtype=np.int64)


@functools.cache
def sigmoid_table() -> np.ndarray:
    """Returns sigmoids of all values with three integer bits, as parts of 2**15."""
    x = _VALUES
    positive = _clip(_reciprocal(_exp(-np.minimum(np.abs(x), _MAX), 3)) << 1)
    return _by_sign(x, 1 << 14, positive, _MAX - positive)


@functools.cache
def tanh_table(integer_bits: int) -> np.ndarray:
    """Returns tanh of all values with some integer bits, as parts of 2**15."""
    x = _VALUES
    size = -np.minimum(np.abs(x), _MAX)
    positive = _clip((_reciprocal(_exp(size, integer_bits + 1)) - (1 << 13)) << 2)
    return _by_sign(x, 0, positive, -positive)
