"""Quantized tensors: conversion to floats and back, their ranges, and common parts of quantized kernels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.contents import Quantization
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import round_away
from penstock._src.formats.tflite.schema import ActivationFunctionType


def limits(dtype: DType) -> tuple[int, int]:
    """Returns the smallest and the largest value of an integer type."""
    info = np.iinfo(dtype.as_numpy_dtype)
    return int(info.min), int(info.max)


def along_axis(values: np.ndarray, quantization: Quantization, rank: int) -> np.ndarray:
    """Returns values per index of the quantized axis so that they broadcast with the tensor."""
    if len(values) == 1:
        return values.reshape(())
    shape = [1] * rank
    shape[quantization.axis] = -1
    return values.reshape(shape)


def dequantize(x: Any, quantization: Quantization) -> Any:
    """Returns a quantized tensor as float32."""
    rank = x.shape.rank or 0
    scales = along_axis(quantization.scales, quantization, rank)
    zeros = along_axis(quantization.zero_points, quantization, rank)
    values = raw.Cast(x=x, DstT=dtypes.float32)
    if np.any(zeros):
        values = raw.Sub(x=values, y=zeros.astype(np.float32))
    return raw.Mul(x=values, y=scales)


def quantize(x: Any, quantization: Quantization, dtype: DType, inverse: bool = False) -> Any:
    """Returns floats quantized to a type, halves away from zero.

    Args:
      x: float32.
      quantization: of the result.
      dtype: of the result.
      inverse: multiply by the inverse of the scale, as TFLite's lookup tables are made, instead of dividing by it.
    """
    rank = x.shape.rank or 0
    scales = along_axis(quantization.scales, quantization, rank)
    zeros = along_axis(quantization.zero_points, quantization, rank)
    if inverse:
        scaled = raw.Mul(x=x, y=np.float32(1) / scales)
    else:
        scaled = raw.RealDiv(x=x, y=scales)
    low, high = limits(dtype)
    # Clipped before the zero point is added, so that no float exceeds the integers.
    bound = np.float32(1 << 30)
    rounded = round_away(raw.Minimum(x=raw.Maximum(x=scaled, y=-bound), y=bound))
    shifted = raw.AddV2(x=raw.Cast(x=rounded, DstT=dtypes.int32), y=zeros.astype(np.int32))
    return saturate(shifted, dtype, low, high)


def saturate(x: Any, dtype: DType, low: int, high: int) -> Any:
    """Returns integers limited to a range, as a narrower type."""
    kind = x.dtype.as_numpy_dtype
    limited = raw.Minimum(x=raw.Maximum(x=x, y=kind(low)), y=kind(high))
    return raw.Cast(x=limited, DstT=dtype)


def activation_range(call: Call, function: int) -> tuple[int, int]:
    """Returns the quantized range of an output after a fused activation."""
    dtype, quantization = call.output().dtype, call.output_quantization()
    low, high = limits(dtype)

    def to_quantized(real: float) -> int:
        scaled = np.float32(real) / np.float32(quantization.scale)
        return quantization.zero_point + int(np.floor(np.abs(scaled) + 0.5) * np.sign(scaled))

    kind = ActivationFunctionType
    if function == kind.RELU:
        return max(low, to_quantized(0)), high
    if function == kind.RELU6:
        return max(low, to_quantized(0)), min(high, to_quantized(6))
    if function == kind.RELU_N1_TO_1:
        return max(low, to_quantized(-1)), min(high, to_quantized(1))
    if function == kind.NONE:
        return low, high
    raise call.unimplemented(f"activation function {function} of quantized values")


def finish(call: Call, x: Any, function: int = 0) -> Any:
    """Returns rescaled sums with the output's zero point, after the activation, in the output's type."""
    zero = call.output_quantization().zero_point
    low, high = activation_range(call, function)
    if zero:
        x = raw.AddV2(x=x, y=x.dtype.as_numpy_dtype(zero))
    return saturate(x, call.output().dtype, low, high)


def centered(call: Call, i: int, dtype: DType = dtypes.int32) -> Any:
    """Returns an input without its zero point."""
    x = raw.Cast(x=call.tensor(i), DstT=dtype)
    zero = call.quantization(i).zero_point
    return raw.Sub(x=x, y=dtype.as_numpy_dtype(zero)) if zero else x


def by_floats(call: Call, function: Callable[..., Any], i: int = 0) -> Any:
    """Returns a function of floats computed for quantized values, as TFLite's tables of 256 entries are made."""
    result = function(dequantize(call.tensor(i), call.quantization(i)))
    return quantize(result, call.output_quantization(), call.output().dtype, inverse=True)
