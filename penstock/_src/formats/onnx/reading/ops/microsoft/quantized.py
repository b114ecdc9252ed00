"""Operators on quantized tensors beyond the standard's: a number of 8 bits stands for scale * (number - zero point).

Sums of products are whole numbers, as in ONNX Runtime. Other operators compute in float32 what it computes by tables or fixed point, so a
number may differ by one where a value lies between two.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.integer_products import integer_product
from penstock._src.formats.onnx.reading.ops.nn.activations import leaky_relu, softmax
from penstock._src.formats.onnx.reading.ops.nn.convolution import first, last
from penstock._src.formats.onnx.reading.ops.nn.pooling import average_pool, max_pool
from penstock._src.formats.onnx.reading.ops.nn.quantization import (
    by_rows,
    dequantized,
    dynamically_quantized,
    qlinear_conv,
    quantized,
)
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads

_qlinear = partial(reads, domain=MICROSOFT)


def _values(x: Any, scale: Any, zero: Any) -> Any:
    """Values that quantized numbers of one scale represent, in float32."""
    return dequantized(x, scalar(scale), scalar(zero), dtypes.float32)


def _numbers(y: Any, scale: Any, zero: Any, like: Any) -> Any:
    """Values as numbers of one scale; without a zero point they are of the type of an input."""
    return quantized(y, scalar(scale), scalar(zero), (like if zero is None else zero).dtype)


def scalar(x: Any) -> Any:
    """A scale or a zero point of one number, which may be a vector, as a scalar."""
    return None if x is None else raw.Reshape(x, np.zeros(0, np.int32))


def _of_one(name: str, function: Callable[[Node, Any], Any], **options: Any) -> None:
    """Registers an operator on one tensor."""

    @_qlinear(name, settings=(1, 2, 3, 4), optional=(2,), **options)
    def read(n: Node, x: Any, scale: Any, zero: Any, y_scale: Any, y_zero: Any = None) -> Any:
        return _numbers(function(n, _values(x, scale, zero)), y_scale, y_zero, x)


def _of_two(name: str, function: Callable[[Any, Any], Any]) -> None:
    """Registers an operator on two tensors."""

    @_qlinear(name, settings=(1, 2, 4, 5, 6, 7), optional=(2, 5))
    def read(
        n: Node,
        a: Any,
        a_scale: Any,
        a_zero: Any,
        b: Any,
        b_scale: Any,
        b_zero: Any,
        y_scale: Any,
        y_zero: Any = None,
    ) -> Any:
        y = function(_values(a, a_scale, a_zero), _values(b, b_scale, b_zero))
        return _numbers(y, y_scale, y_zero, a)


def _channels_first(function: Callable[[Node, Any], Any]) -> Callable[[Node, Any], Any]:
    """A function of images, which the attribute `channels_last` may have as they are in the input."""

    def moved(n: Node, x: Any) -> Any:
        return last(function(n, first(x))) if n.flag("channels_last") else function(n, x)

    return moved


def _mean_of_images(n: Node, x: Any) -> Any:
    return t.reduced("Mean", x, range(2, t.rank(x)), keep_dims=True)


_of_one("QLinearSigmoid", lambda n, x: raw.Sigmoid(x))
_of_one("QLinearLeakyRelu", lambda n, x: leaky_relu(x, n.attr("alpha", 0.01)))
_of_one("QLinearSoftmax", lambda n, x: softmax(x, n.attr("axis", -1), n.attr("opset")))
_of_one("QLinearGlobalAveragePool", _channels_first(_mean_of_images))
_of_one("QLinearAveragePool", _channels_first(average_pool))
_of_two("QLinearAdd", raw.AddV2)
_of_two("QLinearMul", raw.Mul)


@_qlinear("QLinearConcat", settings=(0, 1))
def _qlinear_concat(n: Node, y_scale: Any, y_zero: Any, *inputs: Any) -> Any:
    if not inputs or len(inputs) % 3:
        raise InvalidArgumentError(
            f"takes a tensor, a scale and a zero point for each part, not {len(inputs)} inputs."
        )
    parts = [_values(*inputs[at : at + 3]) for at in range(0, len(inputs), 3)]
    axis = t.axis_of(n.attr("axis"), t.rank(parts[0]))
    return _numbers(t.concat(parts, axis), y_scale, y_zero, inputs[0])


@_qlinear("QLinearWhere", settings=(2, 3, 5, 6, 7, 8))
def _qlinear_where(
    n: Node,
    condition: Any,
    x: Any,
    x_scale: Any,
    x_zero: Any,
    y: Any,
    y_scale: Any,
    y_zero: Any,
    z_scale: Any,
    z_zero: Any,
) -> Any:
    z = raw.SelectV2(condition, _values(x, x_scale, x_zero), _values(y, y_scale, y_zero))
    return _numbers(z, z_scale, z_zero, x)


@_qlinear("QLinearConv", settings=(1, 2, 4, 5, 6, 7))
def _qlinear_conv(n: Node, x: Any, *others: Any) -> Any:
    if n.flag("channels_last"):
        return last(qlinear_conv(n, first(x), *others))
    return qlinear_conv(n, x, *others)


@_qlinear("NhwcMaxPool")
def _nhwc_max_pool(n: Node, x: Any) -> Any:
    return last(max_pool(n, first(x)))


@_qlinear("QGemm", settings=(1, 2, 4, 5, 7, 8))
def _qgemm(
    n: Node,
    a: Any,
    a_scale: Any,
    a_zero: Any,
    b: Any,
    b_scale: Any,
    b_zero: Any,
    c: Any = None,
    y_scale: Any = None,
    y_zero: Any = None,
) -> Any:
    a = t.transpose(a, [1, 0]) if n.flag("transA") else a
    b = t.transpose(b, [1, 0]) if n.flag("transB") else b
    total = integer_product(a, scalar(a_zero), b, by_rows(b_zero, b, -1))
    if c is not None:
        total = raw.AddV2(total, c)
    scale = raw.Mul(scalar(a_scale), by_rows(b_scale, b, -1))
    y = raw.Mul(t.cast(total, dtypes.float32), raw.Mul(scale, t.like(n.attr("alpha", 1.0), scale)))
    return y if y_scale is None else _numbers(y, y_scale, y_zero, a)


@_qlinear("MatMulIntegerToFloat", settings=(2, 3, 4, 5))
def _matmul_integer_to_float(
    n: Node,
    a: Any,
    b: Any,
    a_scale: Any,
    b_scale: Any,
    a_zero: Any = None,
    b_zero: Any = None,
    bias: Any = None,
) -> Any:
    return scaled_product(a, a_scale, a_zero, b, b_scale, b_zero, bias)


@_qlinear("DynamicQuantizeMatMul", settings=(2, 3))
def _dynamic_quantize_matmul(
    n: Node, a: Any, b: Any, b_scale: Any, b_zero: Any = None, bias: Any = None
) -> Any:
    numbers, scale, zero = dynamically_quantized(a)
    return scaled_product(numbers, scale, zero, b, b_scale, b_zero, bias)


def scaled_product(
    a: Any, a_scale: Any, a_zero: Any, b: Any, b_scale: Any, b_zero: Any, bias: Any
) -> Any:
    """The product of quantized matrices as floats, plus a bias; a has one scale, b one or one for each column."""
    b_zero = None if b_zero is None else by_rows(b_zero, b, -1)
    total = integer_product(a, scalar(a_zero), b, b_zero)
    scale = raw.Mul(scalar(a_scale), by_rows(b_scale, b, -1))
    y = raw.Mul(t.cast(total, scale.dtype), scale)
    return y if bias is None else raw.AddV2(y, bias)


@_qlinear("MatMulInteger16")
def _matmul_integer_16(n: Node, a: Any, b: Any) -> Any:
    return integer_product(a, None, b, None)
