"""Quantize floats to small integers over a range, and dequantize.

Three modes relate a range [low, high] to the integers of a type:
MIN_COMBINED  low is the least integer, high the greatest;
MIN_FIRST     the same, with low itself rounded to a step first;
SCALED        zero is zero: the range is widened until both its ends are multiples of one step.
"""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import QUANTIZED
from penstock._src.ops.quantized.ends import check_channels
from penstock._src.ops.rules import quiet

Mode = Literal["MIN_COMBINED", "MIN_FIRST", "SCALED"]
Rounding = Literal["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"]


def limits(dtype):
    """Returns the least and the greatest integer of a quantized type."""
    info = np.iinfo(dtype.np)
    return float(info.min), float(info.max)


def along(bound, rank, axis):
    """Reshapes the bounds of ranges to broadcast along their axis."""
    if axis == -1:
        return bound
    return bound.reshape([-1 if i == axis else 1 for i in range(rank)])


def half_away(x):
    """Returns the nearest integers, halves away from zero."""
    return np.trunc(x + np.copysign(np.float64(0.5), x))


def scaled_step(low, high, first, last):
    """Returns the step of the SCALED mode: the least by which neither end overflows."""
    by_low = np.where(first * low > 0, low / first, 0.0) if first else np.zeros_like(low)
    by_high = np.where(last * high > 0, high / last, 0.0)
    return np.maximum(by_low, by_high)


class QuantizeV2(Op):
    """Floats quantized over a range, and the range that was used."""

    signature = """input: float32, min_range: float32, max_range: float32
        -> output: T, output_min: float32, output_max: float32"""
    ranks = {"min_range": (0,), "max_range": (0,)}
    T: QUANTIZED
    mode: Mode = "MIN_COMBINED"
    round_mode: Rounding = "HALF_AWAY_FROM_ZERO"
    narrow_range: bool = False
    axis: int = -1
    ensure_minimum_range: float = 0.01

    def shape(self, input, min_range, max_range):
        ends = [] if self.axis == -1 else [min_range[0] if min_range.rank == 1 else None]
        return input, ends, ends

    @quiet
    def eager(self, input, min_range, max_range):
        if self.axis >= input.ndim or self.axis < -1:
            raise self.invalid(f"axis {self.axis} must be less than the rank {input.ndim}")
        if self.round_mode == "HALF_TO_EVEN" and self.mode != "SCALED":
            raise self.invalid("Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED'")
        check_channels(self, input, self.axis, min_range=min_range, max_range=max_range)
        low = np.minimum(0.0, min_range.astype(np.float64))
        limit = max_range.astype(np.float64)
        if np.any(min_range > max_range):
            raise self.invalid("max_range must be larger than min_range.")
        room = np.maximum(1.0, np.maximum(np.abs(low), np.abs(limit))) * self.ensure_minimum_range
        high = np.maximum(0.0, np.maximum(limit, low + room))
        least, greatest = limits(self.T)
        wide_low, wide_high = (along(v, input.ndim, self.axis) for v in (low, high))
        x = input.astype(np.float64)
        if self.mode == "SCALED":
            first = least + self.narrow_range
            # In float32 throughout, as TensorFlow does it.
            step = scaled_step(low, high, first, greatest)
            end = np.where(step * greatest == high, high, low)
            scale = np.float32(np.where(end == high, greatest, first)) / end.astype(np.float32)
            low, high = np.float32(first) / scale, np.float32(greatest) / scale
            ends = [along(v, input.ndim, self.axis) for v in (low, high, scale)]
            rounded = np.rint if self.round_mode == "HALF_TO_EVEN" else half_away
            numbers = rounded(np.clip(input, *ends[:2]) * ends[2])
        elif self.mode == "MIN_FIRST":
            steps = float(1 << (8 * self.T.size))
            scale = (steps - 1) / (wide_high - wide_low)
            offset = half_away(wide_low * scale) - least
            numbers = half_away(x * scale) - offset
        else:
            scale = (greatest - least) / (wide_high - wide_low)
            half = 0.0 if least == 0 else (greatest - least + 1) / 2
            numbers = half_away((np.clip(x, wide_low, wide_high) - wide_low) * scale - half)
        output = np.clip(numbers, least, greatest).astype(self.T.np)
        return output, low.astype(np.float32), high.astype(np.float32)


class Dequantize(Op):
    """The floats that integers over a range represent."""

    signature = "input: T, min_range: float32, max_range: float32 -> output: dtype[input]"
    ranks = {"min_range": (0,), "max_range": (0,)}
    T = QUANTIZED
    mode: Mode = "MIN_COMBINED"
    narrow_range: bool = False
    axis: int = -1
    dtype: {dtypes.float32, dtypes.bfloat16} = dtypes.float32

    @quiet
    def eager(self, input, min_range, max_range):
        if self.axis >= input.ndim or self.axis < -1:
            raise self.invalid(f"axis {self.axis} must be less than the rank {input.ndim}")
        check_channels(self, input, self.axis, min_range=min_range, max_range=max_range)
        least, greatest = limits(self.T)
        low = along(min_range.astype(np.float64), input.ndim, self.axis)
        high = along(max_range.astype(np.float64), input.ndim, self.axis)
        numbers = input.astype(np.float64)
        if self.mode == "SCALED":
            first = least + self.narrow_range
            ends = low.astype(np.float32), high.astype(np.float32)
            step = scaled_step(*ends, np.float32(first), np.float32(greatest))
            floats = input.astype(np.float32) * step.astype(np.float32)
        elif self.mode == "MIN_FIRST":
            step = (high - low) / (float(1 << (8 * self.T.size)) - 1)
            floats = np.where(
                high == low, low, half_away(low / step) * step + (numbers - least) * step
            )
        else:
            half = 0.0 if least == 0 else (greatest - least + 1) / 2
            floats = (numbers + half) * ((high - low) / (greatest - least)) + low
        return floats.astype(np.float32).astype(self.dtype.np)
