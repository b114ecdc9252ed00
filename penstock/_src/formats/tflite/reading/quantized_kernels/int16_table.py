"""Functions of int16 by tables of 513 entries with linear interpolation, as TFLite has them, and its softmax of int16."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import (
    rescale,
    shifted_right,
    to_int64,
)

_LOW, _HIGH, _STEPS = -32768, 32767, 512


def table_of(
    function: Callable[[np.ndarray], np.ndarray],
    low: float,
    high: float,
    output_low: float,
    output_high: float,
    kind: type = np.float64,
) -> np.ndarray:
    """Returns a function's values at 513 points, each shifted by half of the interpolation's error in the middle.

    Args:
      function: of arrays.
      low, high: the range of its argument.
      output_low, output_high: the range that int16 stands for.
      kind: the float type of the computation.
    """
    step = kind((kind(high) - kind(low)) / _STEPS)
    places = kind(low) + np.arange(_STEPS, dtype=kind) * step
    inverse = kind(_HIGH - _LOW + 1) / (kind(output_high) - kind(output_low))
    scaled = [
        (_limited(function, x, output_low, output_high) * inverse).astype(kind)
        for x in (places, places + step / 2, places + step)
    ]
    sample, middle = _round(scaled[0]), _round(scaled[1])
    interpolated = _round((scaled[2] + sample) / 2)
    values = sample - _round((interpolated - middle) / 2)
    end = _limited(function, np.array([high], kind), output_low, output_high)
    last = _round(end.astype(kind) * inverse)
    return np.clip(np.concatenate([values, last]), _LOW, _HIGH).astype(np.int64)


def _limited(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, low: float, high: float
) -> np.ndarray:
    """A function's values; infinite ones are the ends of the range."""
    with np.errstate(divide="ignore"):
        y = function(x)
    return np.where(np.isinf(y), np.clip(y, low, high), y)


def _round(x: np.ndarray) -> np.ndarray:
    return np.trunc(x + np.copysign(0.5, x).astype(x.dtype))


def looked_up(x: Any, table: np.ndarray) -> Any:
    """Returns a table's function of int64 values in the range of int16."""
    place = shifted_right(raw.AddV2(x=x, y=np.int64(32768)), 7)
    base = raw.GatherV2(params=table, indices=place, axis=np.int32(0))
    after = raw.AddV2(x=place, y=np.int64(1))
    slope = raw.Sub(x=raw.GatherV2(params=table, indices=after, axis=np.int32(0)), y=base)
    part = raw.BitwiseAnd(x=x, y=np.int64(127))
    return raw.AddV2(x=base, y=_shifted_and_rounded(raw.Mul(x=slope, y=part), 7))


def _shifted_and_rounded(x: Any, bits: int) -> Any:
    return shifted_right(raw.AddV2(x=x, y=np.int64(1 << (bits - 1))), bits)


def by_table(call: Call, function: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Returns a function of an int16 input, between the scales of input and output."""
    (low, high), (output_low, output_high) = (
        [q.scale * (end - q.zero_point) for end in (_LOW, _HIGH)]
        for q in (call.quantization(0), call.output_quantization())
    )
    table = table_of(function, low, high, output_low, output_high, np.float32)
    return raw.Cast(x=looked_up(to_int64(call.tensor(0)), table), DstT=dtypes.int16)


_EXP = table_of(np.exp, -10.0, 0.0, -1.0, 1.0)
_RECIPROCAL = table_of(lambda x: 1 / (1 + x), 0.0, 1.0, -1.0, 1.0)


def softmax_of_int16(call: Call, beta: float) -> Any:
    """Returns the softmax of an int16 input along the last axis, with the scale 2**-15."""
    x = raw.Cast(x=call.tensor(0), DstT=dtypes.int32)
    last = np.array([-1], np.int32)
    below = raw.Sub(x=x, y=raw.Max(input=x, axis=last, keep_dims=True))
    scaled = rescale(below, call.quantization(0).scale * beta / (10.0 / 65535.0))
    powers = looked_up(_clipped(raw.AddV2(x=scaled, y=np.int64(_HIGH))), _EXP)
    total = raw.Sum(input=powers, axis=last, keep_dims=True)
    # The sum is shifted so that its highest bit is bit 16: 1 / (1 + x) of the lower bits.
    bits = _bit_length(total)
    wide = raw.LeftShift(x=total, y=raw.Sub(x=np.int64(31), y=bits))
    fraction = raw.Sub(x=_shifted_and_rounded(wide, 14), y=np.int64((1 << 15) + (1 << 16)))
    reciprocal = looked_up(_clipped(fraction), _RECIPROCAL)
    shift = raw.Sub(x=bits, y=np.int64(1))
    half = raw.LeftShift(x=np.int64(1), y=raw.Sub(x=shift, y=np.int64(1)))
    product = raw.AddV2(x=raw.Mul(x=powers, y=reciprocal), y=half)
    result = raw.RightShift(x=product, y=raw.AddV2(x=shift, y=raw.ZerosLike(x=product)))
    limited = raw.Minimum(x=raw.Maximum(x=result, y=np.int64(0)), y=np.int64(_HIGH))
    return raw.Cast(x=limited, DstT=dtypes.int16)


def _clipped(x: Any) -> Any:
    return raw.Minimum(x=raw.Maximum(x=x, y=np.int64(_LOW)), y=np.int64(_HIGH))


def _bit_length(x: Any) -> Any:
    """The number of bits of positive int64 values below 2**31."""
    powers = np.int64(1) << np.arange(31, dtype=np.int64)
    reached = raw.GreaterEqual(x=raw.ExpandDims(input=x, axis=np.int32(-1)), y=powers)
    return raw.Sum(input=raw.Cast(x=reached, DstT=dtypes.int64), axis=np.array([-1], np.int32))
