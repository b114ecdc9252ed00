"""Sums of products of quantized values: exact, and rescaled to the output.

Products of int8 are added in int32. Others are added in floats, whose kernels are fast, and which are exact as long as the
sum is below 2**24 for float32 and 2**53 for float64. Hybrid kernels (float inputs, quantized weights) quantize each row of their input first.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import (
    rescale,
    rescale_once,
    rescale_small,
    rescale_wide,
    round_away,
)
from penstock._src.formats.tflite.reading.quantized_kernels.values import (
    along_axis,
    centered,
    finish,
    limits,
)

Product = Callable[[Any, Any], Any]
_ROUNDED_ONCE = (dtypes.int8, dtypes.int16)  # inputs of fully connected layers
_MOST = 1 << 46  # of a sum of products of int16 or int8, and a bias
_LARGEST_PRODUCT = 255 * 128  # of an int8 minus its zero point, and an int8


def exact_type(x: DType, w: DType, terms: int) -> DType:
    """Returns the float type in which sums of that many products are exact."""
    largest = [
        max(map(abs, limits(dtype))) * (1 if dtype == dtypes.int16 else 2) for dtype in (x, w)
    ]
    return dtypes.float32 if largest[0] * largest[1] * terms < 1 << 24 else dtypes.float64


def centered_weights(call: Call, i: int, dtype: DType) -> Any:
    """Returns quantized weights without their zero points; constant ones as an array."""
    quantization = call.quantization(i)
    zeros = along_axis(quantization.zero_points, quantization, len(call.info(i).shape))
    constant = call.info(i).constant
    if constant is not None:
        return (constant.astype(np.float64) - zeros).astype(dtype.as_numpy_dtype)
    x = raw.Cast(x=call.tensor(i), DstT=dtype)
    return raw.Sub(x=x, y=zeros.astype(dtype.as_numpy_dtype)) if np.any(zeros) else x


def quantized_product(
    call: Call, x: int, w: int, bias: int, terms: int, product: Product, integers: bool = True
) -> Any:
    """Returns the output of a quantized linear op.

    Args:
      call: the operator.
      x, w, bias: which inputs these are; there may be no bias.
      terms: the most products that one sum has.
      product: the op itself, on floats, or on int32 and weights of int8; channels of its result are last.
      integers: whether `product` takes integers.
    """
    source, weights = call.quantization(x), call.quantization(w)
    factors = source.scale * weights.scales.astype(np.float64) / call.output_quantization().scale
    function = call.options.fused_activation_function
    rounds_once = call.name == "FULLY_CONNECTED" and call.info(x).dtype in _ROUNDED_ONCE
    if integers and _is_sum_of_int32(call, x, w, bias, terms):
        total = product(centered(call, x), _int8_weights(call, w))
        if call.has(bias):
            total = raw.AddV2(x=total, y=call.tensor(bias))
        by_factors = rescale_once if rounds_once else rescale_small
        return finish(call, by_factors(total, factors, _largest(call, bias, terms)), function)
    kind = exact_type(call.info(x).dtype, call.info(w).dtype, terms)
    total = product(centered(call, x, kind), centered_weights(call, w, kind))
    # A convolution may be computed by way of fractions.
    total = raw.Cast(x=raw.Round(x=total), DstT=dtypes.int64)
    if call.has(bias):
        total = raw.AddV2(x=total, y=raw.Cast(x=call.tensor(bias), DstT=dtypes.int64))
    wide = call.info(x).dtype == dtypes.int16 and not (
        call.has(bias) and call.info(bias).dtype == dtypes.int32
    )
    if rounds_once and (wide or call.info(x).dtype == dtypes.int8):
        return finish(call, rescale_once(total, factors, _MOST), function)
    return finish(call, (rescale_wide if wide else rescale)(total, factors), function)


def _is_sum_of_int32(call: Call, x: int, w: int, bias: int, terms: int) -> bool:
    """True if a sum of int8 products has weights without zero points, and fits 32 bits."""
    types = [call.info(i).dtype for i in (x, w)]
    if types != [dtypes.int8, dtypes.int8] or np.any(call.quantization(w).zero_points):
        return False
    if call.has(bias) and call.info(bias).dtype != dtypes.int32:
        return False
    return _LARGEST_PRODUCT * terms < 1 << 31


def _largest(call: Call, bias: int, terms: int) -> int:
    """A number that no sum of products of int8 and a bias exceeds."""
    if not call.has(bias):
        return _LARGEST_PRODUCT * terms
    known = call.info(bias).constant
    largest = 1 << 31 if known is None else int(np.abs(known.astype(np.int64)).max(initial=0))
    return _LARGEST_PRODUCT * terms + largest


def _int8_weights(call: Call, i: int) -> Any:
    """Weights of int8: a constant as an array, others as int32."""
    constant = call.info(i).constant
    return constant if constant is not None else raw.Cast(x=call.tensor(i), DstT=dtypes.int32)


def hybrid_product(
    call: Call, x: int, w: int, bias: int, terms: int, product: Product, asymmetric: bool
) -> Any:
    """Returns the output of a linear op with float inputs and quantized weights.

    Args:
      call, x, w, bias, terms, product: see `quantized_product`.
      asymmetric: whether rows of the input get a zero point.
    """
    kind = exact_type(dtypes.int8, call.info(w).dtype, terms)
    values, scales = quantized_rows(call.tensor(x), asymmetric)
    total = product(raw.Cast(x=values, DstT=kind), centered_weights(call, w, kind))
    total = raw.Cast(x=total, DstT=dtypes.float32)
    shape = np.array([-1] + [1] * ((total.shape.rank or 1) - 1), np.int32)
    factors = raw.Mul(x=raw.Reshape(tensor=scales, shape=shape), y=call.quantization(w).scales)
    result = raw.Mul(x=total, y=factors)
    if call.has(bias):
        result = raw.AddV2(x=result, y=call.tensor(bias))
    return call.activated(result)


def quantized_rows(x: Any, asymmetric: bool) -> tuple[Any, Any]:
    """Returns int8 values without their zero points, as floats, and the scale of each row of the first axis."""
    axes = np.arange(1, x.shape.rank, dtype=np.int32)
    low = raw.Minimum(x=raw.Min(input=x, axis=axes, keep_dims=True), y=np.float32(0))
    high = raw.Maximum(x=raw.Max(input=x, axis=axes, keep_dims=True), y=np.float32(0))
    if not asymmetric:
        largest = raw.Maximum(x=high, y=raw.Neg(x=low))
        empty = raw.Equal(x=largest, y=np.float32(0))
        scale = _chosen(empty, np.float32(1), raw.RealDiv(x=largest, y=np.float32(127)))
        inverse = _chosen(
            empty,
            np.float32(0),
            raw.RealDiv(x=np.float32(127), y=_chosen(empty, np.float32(1), largest)),
        )
        values = raw.Maximum(
            x=raw.Minimum(x=round_away(raw.Mul(x=x, y=inverse)), y=np.float32(127)),
            y=np.float32(-127),
        )
        return values, raw.Reshape(tensor=scale, shape=np.array([-1], np.int32))
    scale, zero = _asymmetric_scales(low, high)
    inverse = raw.RealDiv(x=np.float32(1), y=scale)
    shifted = round_away(raw.AddV2(x=zero, y=raw.Mul(x=x, y=inverse)))
    limited = raw.Maximum(x=raw.Minimum(x=shifted, y=np.float32(127)), y=np.float32(-128))
    return raw.Sub(x=limited, y=zero), raw.Reshape(tensor=scale, shape=np.array([-1], np.int32))


def _asymmetric_scales(low: Any, high: Any) -> tuple[Any, Any]:
    """The scale of a range, and the zero point that makes an end of the range nearly exact."""
    low, high = (raw.Cast(x=end, DstT=dtypes.float64) for end in (low, high))
    empty = raw.Equal(x=low, y=high)
    scale = _chosen(empty, np.float64(1), raw.RealDiv(x=raw.Sub(x=high, y=low), y=np.float64(255)))
    bottom, top = raw.RealDiv(x=low, y=scale), raw.RealDiv(x=high, y=scale)
    from_low = raw.Sub(x=np.float64(-128), y=bottom)
    from_high = raw.Sub(x=np.float64(127), y=top)
    error_low = raw.AddV2(x=np.float64(128), y=raw.Abs(x=bottom))
    error_high = raw.AddV2(x=np.float64(127), y=raw.Abs(x=top))
    zero = raw.SelectV2(condition=raw.Less(x=error_low, y=error_high), t=from_low, e=from_high)
    zero = round_away(raw.Maximum(x=raw.Minimum(x=zero, y=np.float64(127)), y=np.float64(-128)))
    zero = _chosen(empty, np.float64(0), zero)
    return raw.Cast(x=scale, DstT=dtypes.float32), raw.Cast(x=zero, DstT=dtypes.float32)


def _chosen(condition: Any, then: Any, other: Any) -> Any:
    return raw.SelectV2(condition=condition, t=then, e=other)
