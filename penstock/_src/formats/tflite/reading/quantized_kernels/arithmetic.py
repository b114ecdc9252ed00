"""Arithmetic of quantized tensors, as TFLite's reference kernels compute it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import (
    divided_by_power,
    rescale,
    rescale_shifted,
    rescale_small,
    to_int64,
    trunc,
)
from penstock._src.formats.tflite.reading.quantized_kernels.values import (
    centered,
    dequantize,
    finish,
    limits,
    quantize,
    saturate,
)
from penstock._src.util import slots

# Bits that operands of sums are shifted by, so that rescaling leaves their fractions.
_LEFT, _LEFT_OF_INT16 = (
    20,
    15,
)


def _scales(call: Call) -> tuple[float, float, float]:
    return (
        call.quantization(0).scale,
        call.quantization(1).scale,
        call.output_quantization().scale,
    )


def _sum(call: Call, sign: int) -> Any:
    first, second, result = _scales(call)
    x, y = centered(call, 0), centered(call, 1)
    wide = call.output().dtype == dtypes.int16
    if wide and call.options.pot_scale_int16 and _are_powers_of_two(first, second, result):
        return _sum_of_powers(call, sign, x, y)
    largest = 2 * max(first, second)
    if not wide:
        x = rescale_shifted(x, _LEFT, first / largest)
        y = rescale_shifted(y, _LEFT, second / largest)
        total = raw.AddV2(x=x, y=y) if sign > 0 else raw.Sub(x=x, y=y)
        scaled = rescale_small(total, largest / (float(1 << _LEFT) * result), 1 << 29)
        return finish(call, scaled, call.options.fused_activation_function)
    shift = np.int64(1) << _LEFT_OF_INT16
    x = rescale(raw.Mul(x=to_int64(x), y=shift), first / largest)
    y = rescale(raw.Mul(x=to_int64(y), y=shift), second / largest)
    total = raw.AddV2(x=x, y=y) if sign > 0 else raw.Sub(x=x, y=y)
    scaled = rescale(total, largest / (float(shift) * result))
    return finish(call, scaled, call.options.fused_activation_function)


def _are_powers_of_two(*scales: float) -> bool:
    return all(scale > 0 and math.log2(scale).is_integer() for scale in scales)


def _sum_of_powers(call: Call, sign: int, x: Any, y: Any) -> Any:
    """A sum of int16 with scales that are powers of two: one input has the output's scale, the other is shifted."""
    shifts = [round(math.log2(scale / _scales(call)[2])) for scale in _scales(call)[:2]]
    x, y = (divided_by_power(to_int64(v), max(0, -s)) for v, s in zip((x, y), shifts))
    total = raw.AddV2(x=x, y=y) if sign > 0 else raw.Sub(x=x, y=y)
    return finish(call, total, call.options.fused_activation_function)


def _product(call: Call) -> Any:
    first, second, result = _scales(call)
    product = raw.Mul(x=centered(call, 0), y=centered(call, 1))
    if call.output().dtype == dtypes.int32:
        return product
    return finish(
        call, rescale(product, first * second / result), call.options.fused_activation_function
    )


def quotient(call: Call) -> Any:
    """Division, by a fixed-point reciprocal in TFLite; here by floats, which round once."""
    x = dequantize(call.tensor(0), call.quantization(0))
    y = dequantize(call.tensor(1), call.quantization(1))
    result = call.activated(raw.RealDiv(x=x, y=y))
    return quantize(result, call.output_quantization(), call.output().dtype)


def _squared_difference(call: Call) -> Any:
    first, second, result = _scales(call)
    largest = 2 * max(first, second)
    shift = np.int64(1) << 7
    x = rescale(raw.Mul(x=to_int64(centered(call, 0)), y=shift), first / largest)
    y = rescale(raw.Mul(x=to_int64(centered(call, 1)), y=shift), second / largest)
    difference = raw.Sub(x=x, y=y)
    factor = largest * largest / (float(1 << 14) * result)
    return finish(call, rescale(raw.Mul(x=difference, y=difference), factor))


def _square_root(call: Call) -> Any:
    """A square root, which TFLite cuts rather than rounds."""
    quantization = call.output_quantization()
    root = raw.Sqrt(x=dequantize(call.tensor(0), call.quantization(0)))
    steps = trunc(raw.RealDiv(x=root, y=np.float32(quantization.scale)))
    return finish(call, raw.Cast(x=steps, DstT=dtypes.int32))


ARITHMETIC: dict[str, Callable[[Call], Any]] = {
    "ADD": lambda call: _sum(call, 1),
    "SUB": lambda call: _sum(call, -1),
    "MUL": _product,
    "SQUARED_DIFFERENCE": _squared_difference,
    "SQRT": _square_root,
}


def comparable(call: Call) -> tuple[Any, Any]:
    """Returns two quantized inputs on one scale."""
    first, second = call.quantization(0), call.quantization(1)
    x, y = to_int64(centered(call, 0)), to_int64(centered(call, 1))
    shift = np.int64(1 << 8)
    return (
        rescale(raw.Mul(x=x, y=shift), first.scale),
        rescale(raw.Mul(x=y, y=shift), second.scale),
    )


def to_float(call: Call) -> Any:
    """Returns an input as float32: quantized values, or narrower floats. Constants, such as a model's weights of float16, become constants."""
    x = call.tensor(0)
    if x.dtype.is_floating:
        known = slots.STATIC_VALUE(x)
        if known is not None:
            return convert_to_tensor(known.astype(call.output().dtype.as_numpy_dtype))
        return raw.Cast(x=x, DstT=call.output().dtype)
    return dequantize(x, call.quantization(0))


def to_quantized(call: Call) -> Any:
    """Returns floats quantized, or quantized values with the output's scale."""
    x, dtype = call.tensor(0), call.output().dtype
    target = call.output_quantization()
    if x.dtype.is_floating:
        return quantize(raw.Cast(x=x, DstT=dtypes.float32), target, dtype)
    source = call.quantization(0)
    scaled = rescale(centered(call, 0), source.scale / target.scale)
    shifted = raw.AddV2(x=scaled, y=np.int64(target.zero_point))
    return saturate(shifted, dtype, *limits(dtype))
