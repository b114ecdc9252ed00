"""Quantized tensors: to integers and back, and operators on them."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.elementwise import casted
from penstock._src.formats.onnx.reading.ops.integer_products import integer_product
from penstock._src.formats.onnx.reading.ops.nn.convolution import integer_convolution
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads

_RANGES = {"uint4": (0, 15), "int4": (-8, 7), "uint2": (0, 3), "int2": (-2, 1)}


def _range_of(dtype: DType) -> tuple[int, int]:
    return _RANGES.get(dtype.name) or (int(dtype.min), int(dtype.max))


def quantized(x: Any, scale: Any, zero_point: Any, dtype: DType, saturate: bool = True) -> Any:
    """round(x / scale) + zero point as integers, or x / scale as narrow floats."""
    y = raw.RealDiv(x, t.cast(scale, x.dtype))
    if dtype.is_floating:
        if zero_point is not None:
            y = raw.AddV2(y, t.cast(zero_point, y.dtype))
        return casted(y, dtype, saturate)
    low, high = _range_of(dtype)
    wide = t.cast(y, dtypes.float32) if y.dtype.size < 4 else y
    # Before the zero point is added: sums of floats beyond 2 ** 24 would be rounded.
    rounded = raw.Round(wide)
    if zero_point is not None:
        rounded = raw.AddV2(rounded, t.cast(t.cast(zero_point, dtypes.int32), wide.dtype))
    limited = raw.Minimum(raw.Maximum(rounded, t.like(low, wide)), t.like(high, wide))
    return raw.Cast(raw.Cast(limited, DstT=dtypes.int32), DstT=dtype)


def _as_bytes(x: Any) -> Any:
    """Integers of a few bits as bytes, which compiled code can move."""
    if x is None or x.dtype.name not in _RANGES:
        return x
    return raw.Cast(x, DstT=dtypes.uint8 if x.dtype.is_unsigned else dtypes.int8)


def _spread(n: Node, values: Any, x: Any) -> Any:
    """Scales or zero points in a shape that broadcasts with x: of the tensor, of an axis, or of blocks."""
    if values is None or values.shape.rank == 0:
        return values
    axis = t.axis_of(n.attr("axis", 1), max(t.rank(x), 1)) if t.rank(x) > 1 else 0
    block = n.attr("block_size", 0)
    if values.shape.rank == 1 and not block:
        if values.shape.num_elements() == 1:
            return raw.Reshape(values, np.zeros(0, np.int32))
        return t.aligned(values, t.rank(x), axis)
    if values.shape.rank != t.rank(x) or block < 1:
        raise InvalidArgumentError(f"a scale {values.shape} does not fit an input {x.shape}.")
    rows = raw.FloorDiv(t.numbers(t.extents(x)[axis]), t.int64(block))
    return t.batched_gather(values, rows, axis)


@reads("QuantizeLinear", settings=(1, 2))
@reads("QuantizeLinear", domain=MICROSOFT, settings=(1, 2))
def _quantize_linear(n: Node, x: Any, scale: Any, zero_point: Any = None) -> Any:
    if zero_point is not None:
        dtype = zero_point.dtype
    else:
        number = n.attr("output_dtype", 0)
        dtype = element_type(number).dtype if number else dtypes.uint8
    precision = n.attr("precision", 0)
    kind = element_type(precision).dtype if precision else scale.dtype
    x = (
        t.cast(x, kind if n.version >= 23 or precision else dtypes.float32)
        if (x.dtype is not kind or x.dtype.is_integer)
        else x
    )
    scale, zero_point = _spread(n, scale, x), _spread(n, _as_bytes(zero_point), x)
    return quantized(x, scale, zero_point, dtype, n.flag("saturate", 1))


@reads("DequantizeLinear", settings=(1, 2))
@reads("DequantizeLinear", domain=MICROSOFT, settings=(1, 2))
def _dequantize_linear(n: Node, x: Any, scale: Any, zero_point: Any = None) -> Any:
    number = n.attr("output_dtype", 0)
    dtype = element_type(number).dtype if number else scale.dtype
    x, zero_point = _as_bytes(x), _as_bytes(zero_point)
    return dequantized(x, _spread(n, scale, x), _spread(n, zero_point, x), dtype)


def dequantized(x: Any, scale: Any, zero_point: Any, dtype: DType) -> Any:
    """(x - zero point) * scale."""
    if x.dtype.is_integer:
        values = t.cast(x, dtypes.int32)
        if zero_point is not None:
            values = raw.Sub(values, t.cast(zero_point, dtypes.int32))
        values = t.cast(values, dtype)
    else:
        values = t.cast(x, dtype)
        if zero_point is not None:
            values = raw.Sub(values, t.cast(zero_point, dtype))
    return raw.Mul(values, t.cast(scale, dtype))


@reads("DynamicQuantizeLinear")
def _dynamic_quantize_linear(n: Node, x: Any) -> Any:
    return dynamically_quantized(x)


def dynamically_quantized(x: Any) -> tuple[Any, Any, Any]:
    """x as bytes over its range, with their scale and zero point."""
    every, zero = np.arange(t.rank(x), dtype=np.int32), t.like(0, x)
    low = raw.Minimum(raw.Min(x, every), zero)
    high = raw.Maximum(raw.Max(x, every), zero)
    scale = raw.RealDiv(raw.Sub(high, low), t.like(255, x))
    scale = raw.SelectV2(raw.Equal(scale, zero), t.like(1, x), scale)
    point = raw.Round(
        raw.Minimum(raw.Maximum(raw.RealDiv(raw.Neg(low), scale), zero), t.like(255, x))
    )
    point = t.cast(t.cast(point, dtypes.int32), dtypes.uint8)
    return quantized(x, scale, point, dtypes.uint8), scale, point


def _requantized(total: Any, scale: Any, y_scale: Any, y_zero: Any) -> Any:
    """Sums of integer products as integers of the output's scale."""
    return quantized(raw.Mul(t.cast(total, dtypes.float32), scale), y_scale, y_zero, y_zero.dtype)


def by_rows(values: Any, x: Any, axis: int) -> Any:
    """Scales of rows or columns in a shape that broadcasts with a matrix."""
    if values.shape.rank != 1 or values.shape.num_elements() == 1:
        return values
    return t.aligned(values, max(t.rank(x), 2), axis % max(t.rank(x), 2))


@reads("QLinearMatMul", settings=(1, 2, 4, 5, 6, 7))
def _qlinear_matmul(
    n: Node,
    a: Any,
    a_scale: Any,
    a_zero: Any,
    b: Any,
    b_scale: Any,
    b_zero: Any,
    y_scale: Any,
    y_zero: Any,
) -> Any:
    total = integer_product(a, by_rows(a_zero, a, -2), b, by_rows(b_zero, b, -1))
    scales = [t.cast(s, dtypes.float32) for s in (a_scale, b_scale, y_scale)]
    scale = raw.Mul(by_rows(scales[0], a, -2), by_rows(scales[1], b, -1))
    return _requantized(total, scale, scales[2], y_zero)


@reads("QLinearConv", settings=(1, 2, 4, 5, 6, 7))
def qlinear_conv(
    n: Node,
    x: Any,
    x_scale: Any,
    x_zero: Any,
    w: Any,
    w_scale: Any,
    w_zero: Any,
    y_scale: Any,
    y_zero: Any,
    b: Any = None,
) -> Any:
    """The convolution of quantized tensors, with the windows of the node."""
    total = integer_convolution(n, x, x_zero, w, w_zero)
    if b is not None:
        total = raw.AddV2(total, t.aligned(b, t.rank(total), 1))
    if w_scale.shape.rank == 1 and w_scale.shape.num_elements() != 1:
        w_scale = t.aligned(w_scale, t.rank(total), 1)
    return _requantized(total, raw.Mul(x_scale, w_scale), y_scale, y_zero)
