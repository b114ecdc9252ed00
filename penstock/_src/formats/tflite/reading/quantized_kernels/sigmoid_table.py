"""Sigmoid and tanh of int16, by TFLite's table of 256 entries with linear interpolation."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import (
    shifted_right,
    to_int64,
)

# Sigmoid at i / 24, as parts of 2**16.
_TABLE = np.minimum(np.floor(65536 / (1 + np.exp(-np.arange(257) / 24)) + 0.5), 65535)
_TABLE = _TABLE.astype(np.int64)
# TFLite's table is rounded up here, found from its results.
_ROUNDED_UP = [
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46, 49, 50,
    54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135,
]  # fmt: skip
_TABLE[_ROUNDED_UP] += 1


def sigmoid_of_int16(call: Call) -> Any:
    """Returns the sigmoid of an int16 input, with the scale 2**-15."""
    x = _scaled(call, (0,))
    result = _interpolated(x, 9, 0x7FFF << 10)
    value = _by_sign(x, _plus(result, 1 << 9), _minus((1 << 25) + (1 << 9) - 1, result))
    return raw.Cast(x=shifted_right(value, 10), DstT=dtypes.int16)


def tanh_of_int16(call: Call) -> Any:
    """Returns tanh of an int16 input, with the scale 2**-15: 2 * sigmoid(2 * x) - 1."""
    x = _scaled(call, (0, 1))
    result = _interpolated(x, 8, 0xFFFF << 8)
    one, half = 1 << 23, 1 << 7
    value = _by_sign(x, _plus(result, half - one), _minus(one + half - 1, result))
    return raw.Cast(x=shifted_right(value, 8), DstT=dtypes.int16)


def _scaled(call: Call, exact_shifts: tuple[int, ...]) -> Any:
    """The input with the scale 1 / (3 * 4096), where 2**17 represents 10.7."""
    scale = call.quantization(0).scale
    power = math.log2(scale)
    if power.is_integer() and 12 + int(power) in exact_shifts:
        return raw.Mul(x=to_int64(call.tensor(0)), y=np.int64(3 << (12 + int(power))))
    multiplier, shift = scale * 4096 * 3, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    product = raw.Mul(x=to_int64(call.tensor(0)), y=np.int64(int(multiplier)))
    return shifted_right(_plus(product, (1 << shift) >> 1), shift)


def _interpolated(x: Any, bits: int, most: int) -> Any:
    size = raw.Abs(x=x)
    place = raw.Minimum(x=shifted_right(size, bits), y=np.int64(255))
    low = raw.GatherV2(params=_TABLE, indices=place, axis=np.int32(0))
    high = raw.GatherV2(params=_TABLE, indices=_plus(place, 1), axis=np.int32(0))
    part = raw.BitwiseAnd(x=size, y=np.int64((1 << bits) - 1))
    between = raw.AddV2(
        x=raw.Mul(x=low, y=np.int64(1 << bits)), y=raw.Mul(x=part, y=raw.Sub(x=high, y=low))
    )
    beyond = raw.GreaterEqual(x=place, y=np.int64(255))
    return raw.SelectV2(condition=beyond, t=np.int64(most), e=between)


def _by_sign(x: Any, positive: Any, negative: Any) -> Any:
    condition = raw.GreaterEqual(x=x, y=np.int64(0))
    return raw.SelectV2(condition=condition, t=positive, e=negative)


def _plus(x: Any, y: int) -> Any:
    return raw.AddV2(x=x, y=np.int64(y))


def _minus(x: int, y: Any) -> Any:
    return raw.Sub(x=np.int64(x), y=y)
