"""Quantize floats to small integers over a range, and dequantize.

Three modes relate a range [low, high] to the integers of a type:
MIN_COMBINED  low is the least integer, high the greatest;
MIN_FIRST     the same, with low itself rounded to a step first;
SCALED        zero is zero: the range is widened until both its ends are multiples of one step.

All is computed in float32, in TensorFlow's order: a number near the middle of two levels goes to
the level that TensorFlow rounds it to.
"""

import functools
import math
from typing import Literal, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import QUANTIZED, SINGLE_RANGE
from penstock._src.native.algorithms.quantizing import quantizing
from penstock._src.native.builtins import HotCounter
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.quantized.ends import check_channels, merge_channels
from penstock._src.ops.rules import quiet

Mode = Literal["MIN_COMBINED", "MIN_FIRST", "SCALED"]
Rounding = Literal["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"]

_MOST = np.finfo(np.float32).max
# Number of elements after which native code pays; each call counts as _CALL more.
_quantized = HotCounter(1_000_000)
_CALL = 4_000


@functools.cache
def limits(dtype):
    """Returns the least and the greatest integer of a quantized type."""
    info = np.iinfo(dtype.np)
    return float(info.min), float(info.max)


def _greatest_float(dtype):
    """Returns the greatest float32 that is a number of a quantized type."""
    greatest = limits(dtype)[1]
    nearest = np.float32(greatest)
    return nearest if float(nearest) <= greatest else np.nextafter(nearest, np.float32(0))


def along(bound, rank, axis):
    """Reshapes the bounds of ranges to broadcast along their axis."""
    if axis == -1:
        return bound
    return bound.reshape([-1 if i == axis else 1 for i in range(rank)])


def half_away(x):
    """Returns the nearest integers, halves away from zero."""
    # The number below a half: a half would round the one below it up.
    moved = np.copysign(np.nextafter(x.dtype.type(0.5), x.dtype.type(0)), x)
    moved += x
    return np.trunc(moved)


class _Levels(NamedTuple):
    """Numbers of a type: round((clip(x, low, high) - origin) * scale - shift), where rounding is "away", "even" or "trunc", and `nan` the end of the type that a NaN becomes: "least" or "greatest"."""

    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    rounding: str
    origin: np.ndarray | None = None
    shift: np.ndarray | None = None
    nan: str = "least"


_ROUNDINGS = {"away": half_away, "even": np.rint, "trunc": np.trunc}


def _at_levels(x, levels, kind):
    """Returns the integers of a type for floats."""
    least, greatest = limits(kind)
    low, high, scale, rounding, origin, shift, nan = levels
    if kind.size <= 2 and not np.ndim(low) and not np.ndim(scale) and runs_native_code():
        # With other ends or scales there are NaNs, which the two ways round differently.
        is_finite = math.isfinite(low) and math.isfinite(high) and math.isfinite(scale)
        if is_finite and _quantized.is_hot(_CALL + x.size):
            numbers = np.empty(x.shape, kind.np)
            constants = (low, high, origin or 0.0, scale, shift or 0.0, least, greatest)
            x = np.ascontiguousarray(x)
            packed = np.array(constants, np.float32)
            quantizing(rounding, kind.size, nan).quantize(x, x.size, packed, numbers)
            return numbers
    steps = np.empty_like(x)
    np.maximum(x, low, out=steps)
    np.minimum(steps, high, out=steps)
    if origin is not None:
        steps -= origin
    steps *= scale
    if shift is not None:
        steps -= shift
    numbers = _ROUNDINGS[rounding](steps)
    if nan == "greatest":
        return np.maximum(np.fmin(numbers, greatest), least).astype(kind.np)
    return np.minimum(np.fmax(numbers, least), greatest).astype(kind.np)


def scaled_step(low, high, kind, narrow):
    """Returns the step of the SCALED mode: the least by which neither end overflows; of unsigned numbers, that of the upper end."""
    least, greatest = limits(kind)
    first = 0 if kind == dtypes.quint16 else least + narrow  # as in TensorFlow
    by_high = high / np.float32(greatest)
    return np.maximum(low / np.float32(first), by_high) if first else by_high


class QuantizeV2(Op):
    """Floats quantized over a range, and the range that was used."""

    signature = """input: float32, min_range: float32, max_range: float32
        -> output: T, output_min: float32, output_max: float32"""
    T: QUANTIZED
    mode: Mode = "MIN_COMBINED"
    round_mode: Rounding = "HALF_AWAY_FROM_ZERO"
    narrow_range: bool = False
    axis: int = -1
    ensure_minimum_range: float = 0.01

    def shape(self, input, min_range, max_range):
        ends = merge_channels(input, self.axis, min_range, max_range)
        return input, ends, ends

    @quiet
    def eager(self, input, min_range, max_range):
        if self.axis >= input.ndim or self.axis < -1:
            raise self.invalid(f"axis {self.axis} must be less than the rank {input.ndim}")
        if self.round_mode == "HALF_TO_EVEN" and self.mode != "SCALED":
            raise self.invalid("Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED'")
        check_channels(self, input, self.axis, min_range=min_range, max_range=max_range)
        backward = min_range > max_range
        if backward.any() if backward.ndim else backward:
            raise self.invalid("max_range must be larger than min_range.")
        low = np.minimum(np.float32(0), min_range)
        widest = np.maximum(np.float32(1), np.maximum(np.abs(low), np.abs(max_range)))
        room = widest * np.float32(self.ensure_minimum_range)
        high = np.maximum(np.float32(0), np.maximum(max_range, low + room))
        return self._quantize(input, low, high)

    def _quantize(self, x, low, high):
        """Returns the numbers, and the ends of their range."""
        if self.mode == "SCALED":
            if self._in_bytes and self.round_mode == "HALF_TO_EVEN":
                levels, low, high = self._levels_of_the_wider_end(low, high)
                return _at_levels(x, levels, self.T), low, high
            levels, low, high = self._scaled_levels(x, low, high)
            return _at_levels(x, levels, self.T), low, high
        wide_low, wide_high = (along(end, x.ndim, self.axis) for end in (low, high))
        if self.mode == "MIN_COMBINED":
            levels = self._combined_levels(wide_low, wide_high)
            return _at_levels(x, levels, self.T), low, high
        if self._in_bytes and self.T == dtypes.quint8:
            scale = np.float32(255) / (high - low)
            levels = _Levels(-_MOST, _MOST, scale, "even", shift=low * scale, nan="greatest")
            return _at_levels(x, levels, self.T), low, high
        return self._clip(self._round_low_first(x, wide_low, wide_high)), low, high

    def _clip(self, numbers):
        """Returns whole floats as integers of the type."""
        return np.clip(numbers, *limits(self.T)).astype(self.T.np)

    @property
    def _in_bytes(self):
        """True if TensorFlow computes it by oneDNN, which rounds halves to even numbers."""
        return self.T.size == 1 and self.axis == -1 and not self.narrow_range

    def _levels_of_the_wider_end(self, low, high):
        """Scales as oneDNN does: a range without a sign, or one that is symmetric."""
        end = np.maximum(np.abs(low), np.abs(high))
        signed = self.T == dtypes.qint8
        scale = np.float32(127.5 if signed else 255) / end
        levels = _Levels(-_MOST, _MOST, scale, "even")
        return levels, -end if signed else np.zeros_like(end), end

    def _scaled_levels(self, x, low, high):
        least, greatest = (np.float32(limit) for limit in limits(self.T))
        first = least + np.float32(self.narrow_range)
        by_low = np.where(first * low > 0, first / low, _MOST)
        by_high = np.where(greatest * high > 0, greatest / high, _MOST)
        scale = np.minimum(by_low, by_high).astype(np.float32)
        low, high = first / scale, greatest / scale
        wide_low, wide_high, wide_scale = (along(v, x.ndim, self.axis) for v in (low, high, scale))
        rounding = "even" if self.round_mode == "HALF_TO_EVEN" else "away"
        return _Levels(wide_low, wide_high, wide_scale, rounding), low, high

    def _combined_levels(self, low, high):
        least, greatest = limits(self.T)
        scale = ((greatest - least) / (high - low).astype(np.float64)).astype(np.float32)
        if least == 0:
            return _Levels(low, high, scale, "trunc", low, np.float32(-0.5))
        half = np.float32((greatest - least + 1) / 2)
        return _Levels(low, high, scale, "away", low, half)

    def _round_low_first(self, x, low, high):
        least, _ = limits(self.T)
        most = float(1 << (8 * self.T.size)) - 1
        scale = (most / (high - low).astype(np.float64)).astype(np.float32)
        numbers = half_away(x * scale) - (half_away(low * scale) - np.float32(least))
        # the greatest qint32 is not a float32: numbers beyond it go to the float32 below, which fits
        return np.minimum(numbers, _greatest_float(self.T))


class Dequantize(Op):
    """The floats that integers over a range represent."""

    signature = "input: T, min_range: float32, max_range: float32 -> output: dtype[input]"
    T = QUANTIZED
    mode: Mode = "MIN_COMBINED"
    narrow_range: bool = False
    axis: int = -1
    dtype: SINGLE_RANGE = dtypes.float32

    def shape(self, input, min_range, max_range):
        merge_channels(input, self.axis, min_range, max_range)
        return input

    @quiet
    def eager(self, input, min_range, max_range):
        if self.axis >= input.ndim or self.axis < -1:
            raise self.invalid(f"axis {self.axis} must be less than the rank {input.ndim}")
        check_channels(self, input, self.axis, min_range=min_range, max_range=max_range)
        low, high = (along(end, input.ndim, self.axis) for end in (min_range, max_range))
        return self._floats(input.astype(np.float32), low, high).astype(self.dtype.np)

    def _floats(self, numbers, low, high):
        if self.mode == "SCALED":
            return numbers * scaled_step(low, high, self.T, self.narrow_range)
        least, greatest = limits(self.T)
        step = ((high - low).astype(np.float64) / (greatest - least)).astype(np.float32)
        if self.mode == "MIN_FIRST":
            rounded_low = np.where(high == low, low, half_away(low / step) * step)
            return (rounded_low - np.float32(least) * step) + numbers * step
        half = 0.0 if least == 0 else (greatest - least + 1) / 2
        return (numbers + np.float32(half)) * step + low
