"""Arithmetic of quantized kernels: real factors as 32-bit fixed-point numbers, and their roundings.

A factor is `multiplier * 2**(shift - 31)` with the multiplier in [2**30, 2**31). Results are to agree with TFLite's reference
kernels to the bit, so the roundings here are theirs: first to the high half of a 64-bit product, then by the shift, halves away
from zero (gemmlowp, https://github.com/google/gemmlowp/blob/master/doc/quantization.md).
"""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw


def multiplier_and_shift(factor: float) -> tuple[int, int]:
    """Returns a real factor as a fixed-point multiplier and shift."""
    if factor == 0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    multiplier = _round_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        return 0, 0
    return multiplier, min(shift, 30)


def multipliers_and_shifts(factors: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns several factors as arrays of multipliers and shifts, int64."""
    pairs = [multiplier_and_shift(float(factor)) for factor in np.asarray(factors).reshape(-1)]
    table = np.array(pairs, np.int64)
    return table[:, 0], table[:, 1]


def _round_away(x: float) -> int:
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def rescale(x: Any, factors: Any) -> Any:
    """Returns integers times real factors, as int64.

    Args:
      x: int32 or int64 values within 32 bits.
      factors: a factor, or an array of them along the last axis.
    """
    multiplier, shift = multipliers_and_shifts(factors)
    return rescale_by(x, multiplier, shift)


def rescale_by(x: Any, multiplier: Any, shift: Any) -> Any:
    """Returns integers times fixed-point numbers, as int64; arrays of these are along the last axis."""
    multiplier, shift = np.squeeze(np.int64(multiplier)), np.squeeze(np.int64(shift))
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    x = to_int64(x)
    if np.any(left):
        x = raw.Mul(x=x, y=np.int64(1) << left)
    # The high half of the doubled product: (x * multiplier + 2**30) >> 31, with halves up.
    high = shifted_right(raw.AddV2(x=raw.Mul(x=x, y=multiplier), y=np.int64(1 << 30)), np.int64(31))
    return divided_by_power(high, right)


def rescale_small(x: Any, factors: Any, largest: int) -> Any:
    """Returns the same as int32, which takes a fraction of the time where no intermediate result needs more.

    Args:
      x: int32 values.
      factors: a factor, or an array of them along the last axis.
      largest: no value is larger.
    """
    multiplier, shift = (np.squeeze(a) for a in multipliers_and_shifts(factors))
    if np.any(shift > 0) or largest >= 1 << 30:
        return rescale_by(x, multiplier, shift)
    # Both factors are int32 before they are widened: processors multiply such at once.
    factor = raw.Cast(x=multiplier.astype(np.int32), DstT=dtypes.int64)
    product = raw.AddV2(x=raw.Mul(x=to_int64(x), y=factor), y=np.int64(1 << 30))
    high = raw.Cast(x=shifted_right(product, np.int64(31)), DstT=dtypes.int32)
    return _divided_small(high, (-shift).astype(np.int32))


def rescale_shifted(x: Any, left: int, factor: float) -> Any:
    """Returns `rescale(x << left, factor)` as int32; all its steps fit 32 bits.

    Args:
      x: int32 values of at most 9 bits and a sign.
      left: at most 20.
      factor: below 1.
    """
    multiplier, shift = multiplier_and_shift(factor)
    if shift > 0:
        return rescale(raw.Mul(x=x, y=np.int32(1 << left)), factor)
    # (x * 2**left * multiplier + 2**30) >> 31, the multiplier in two parts: the upper one's products have no remainder.
    rest = 31 - left
    upper, lower = np.int32(multiplier >> rest), np.int32(multiplier & ((1 << rest) - 1))
    high = raw.Mul(x=x, y=upper)
    if lower:
        product = raw.AddV2(x=raw.Mul(x=x, y=lower), y=np.int32(1 << (rest - 1)))
        high = raw.AddV2(x=high, y=raw.RightShift(x=product, y=np.int32(rest)))
    return _divided_small(high, np.int32(-shift))


def _divided_small(high: Any, right: Any) -> Any:
    """`divided_by_power` of int32 values whose rounded sums fit 32 bits."""
    if not np.any(right):
        return high
    below_zero = raw.RightShift(x=high, y=np.int32(31))  # -1 if it is negative
    if not np.all(right):
        below_zero = raw.BitwiseAnd(x=below_zero, y=-(right > 0).astype(np.int32))
    half = ((np.int64(1) << right) >> 1).astype(np.int32)
    rounded = raw.AddV2(x=raw.AddV2(x=high, y=half), y=below_zero)
    return raw.RightShift(x=rounded, y=right)


def divided_by_power(x: Any, exponent: Any) -> Any:
    """Returns int64 values over powers of two, halves rounded away from zero."""
    exponent = np.int64(exponent)
    if not np.any(exponent):
        return x
    half = (np.int64(1) << exponent) >> 1
    negative = raw.Cast(x=raw.Less(x=x, y=np.int64(0)), DstT=dtypes.int64)
    if not np.all(exponent):
        negative = raw.Mul(x=negative, y=(exponent > 0).astype(np.int64))
    return shifted_right(raw.AddV2(x=x, y=raw.Sub(x=half, y=negative)), exponent)


def rescale_wide(x: Any, factors: Any) -> Any:
    """Returns 48-bit accumulators times real factors, as int64: the multiplier is cut to 16 bits."""
    multiplier, shift = multipliers_and_shifts(factors)
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    total = np.squeeze(15 - shift)
    rounded = raw.AddV2(
        x=raw.Mul(x=to_int64(x), y=np.squeeze(reduced)), y=np.int64(1) << (total - 1)
    )
    return shifted_right(rounded, total)


def rescale_once(x: Any, factors: Any, largest: int) -> Any:
    """Returns integers times real factors, as int64, rounded once with halves up.

    Args:
      x: int32 or int64 values.
      factors: a factor, or an array of them along the last axis.
      largest: no value is larger; at most 2**46.
    """
    multiplier, shift = (np.squeeze(a) for a in multipliers_and_shifts(factors))
    right = 31 - shift
    half = np.int64(1) << (right - 1)
    x = to_int64(x)
    if largest < 1 << 31:
        # Both factors are int32 before they are widened: processors multiply such at once.
        factor = raw.Cast(x=multiplier.astype(np.int32), DstT=dtypes.int64)
        return shifted_right(raw.AddV2(x=raw.Mul(x=x, y=factor), y=half), right)
    if np.any(shift > 16):
        return rescale(x, factors)  # which rounds once where it shifts to the left
    # In two parts, as a product may have more than 64 bits: x is upper * 2**15 + lower.
    bits = np.int64(15)
    upper, lower = shifted_right(x, bits), raw.BitwiseAnd(x=x, y=np.int64((1 << 15) - 1))
    rest = raw.AddV2(x=raw.Mul(x=lower, y=multiplier), y=half)
    total = raw.AddV2(x=raw.Mul(x=upper, y=multiplier), y=shifted_right(rest, bits))
    return shifted_right(total, right - bits)


def shifted_right(x: Any, bits: Any) -> Any:
    """Returns int64 values shifted right with their sign."""
    return raw.RightShift(x=x, y=np.int64(bits))


def to_int64(x: Any) -> Any:
    """Returns integers as int64."""
    return x if x.dtype == dtypes.int64 else raw.Cast(x=x, DstT=dtypes.int64)


def round_away(x: Any) -> Any:
    """Returns floats rounded to integers, halves away from zero."""
    kind = x.dtype.as_numpy_dtype
    whole = trunc(x)
    beyond = raw.GreaterEqual(x=raw.Abs(x=raw.Sub(x=x, y=whole)), y=kind(0.5))
    step = raw.Mul(x=raw.Cast(x=beyond, DstT=x.dtype), y=raw.Sign(x=x))
    return raw.AddV2(x=whole, y=step)


def trunc(x: Any) -> Any:
    """Returns floats without their fractions."""
    return raw.Mul(x=raw.Sign(x=x), y=raw.Floor(x=raw.Abs(x=x)))
