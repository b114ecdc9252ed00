"""Conversions between floats in a range and the integers that represent them."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ops.quantized.quantize import half_away, limits


def _steps(dtype):
    least, most = limits(dtype)
    return least, most, most - least + 1


def to_floats(values, low, high, dtype):
    """The floats that integers represent, for bytes computed in single precision as in TensorFlow.

    The begin of the range is rounded to a step in single precision for all types: that of [-1, 1] is -127.49999 steps of 2 / 255, not
    a half.
    """
    low, high = np.float64(np.float32(low)), np.float64(np.float32(high))
    if low == high:
        return np.full(values.shape, low)
    least, _, steps = _steps(dtype)
    scale = (high - low) * (steps / (steps - 1)) / steps
    step = np.float32(scale)
    begin = half_away(np.float32(low) / step) * step
    precision = _precision(dtype)
    return precision(begin) + (values.astype(precision) - precision(least)) * precision(scale)


def from_floats(values, low, high, dtype, clamp=True):
    """The integers that represent floats, with the roundings of `to_floats`."""
    return _integers(values, low, high, dtype, clamp, np.float32, _precision(dtype))


def from_number(value, low, high, dtype, clamp=True):
    """The integer that represents one number, a limit or zero; TensorFlow computes these in double precision."""
    return _integers(value, low, high, dtype, clamp, np.float64, np.float64)


def _precision(dtype):
    return np.float32 if dtype.size == 1 else np.float64


def _integers(values, low, high, dtype, clamp, of_begin, of_values):
    """The integers, with the begin of the range and the values scaled in some precisions."""
    low, high = np.float64(np.float32(low)), np.float64(np.float32(high))
    if low == high:
        return np.zeros(np.shape(values), np.int64)
    least, most, steps = _steps(dtype)
    scale = steps / ((high - low) * (steps / (steps - 1)))
    begin = np.float64(half_away(of_begin(low) * of_begin(scale)))
    integers = half_away(np.asarray(values).astype(of_values) * of_values(scale)) - begin + least
    return (np.clip(integers, least, most) if clamp else integers).astype(np.int64)


def zero_of(low, high, dtype):
    """The zero point."""
    return int(from_number(0.0, low, high, dtype, clamp=False))


def of_product(a_type, b_type, out, low_a, high_a, low_b, high_b):
    """The range of products of integers of two ranges."""

    def level(low, high, dtype):
        least, most = limits(dtype)
        return np.float32(np.float32(high) - np.float32(low)) / np.float32(most - least)

    one = level(low_a, high_a, a_type) * level(low_b, high_b, b_type)
    least, most = limits(out)
    return one * np.float32(least), one * np.float32(most)


def spread(values, low, high, dtype):
    """The range of the floats that integers represent, extended to include zero."""
    if not values.size:
        return 0.0, 0.0
    ends = np.array([values.min(), values.max()])
    first, last = to_floats(ends, low, high, dtype)
    return min(0.0, float(first)), float(last)


def requantized(values, low, high, dtype, new_low, new_high, new_dtype):
    """Integers of one type and range as those of another."""
    if dtype == dtypes.qint32 and new_dtype == dtypes.quint8 and new_low != new_high:
        return _requantized_to_bytes(values, *map(np.float32, (low, high, new_low, new_high)))
    floats = to_floats(values, low, high, dtype)
    return from_floats(floats, new_low, new_high, new_dtype).astype(new_dtype.np)


def _requantized_to_bytes(values, low, high, new_low, new_high):
    """The same in 64-bit fixed point with 16 fraction bits, which rounds like TensorFlow."""
    unit, span = np.float32(255 * (1 << 16)), new_high - new_low
    scale, start, shift = (int(unit * v / span) for v in (high - low, low, new_low))
    counted = values.astype(np.int64) + (1 << 31)
    # The product may overflow 64 bits: compute it from the halves.
    fixed = (counted >> 16) * scale + (((counted & 0xFFFF) * scale) >> 16) >> 16
    shifted = (fixed + start - shift + (1 << 15)) >> 16
    return np.clip(shifted, 0, 255).astype(np.uint8)
