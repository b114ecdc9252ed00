"""Convolutions and matrix products: of floats, quantized, and hybrid (float inputs with quantized weights)."""

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin, custom
from penstock._src.formats.tflite.reading.quantized_kernels.accumulation import (
    centered_weights,
    exact_type,
    hybrid_product,
    quantized_product,
    quantized_rows,
)

Product = Callable[[Any, Any], Any]
# TensorFlow Lite's own enum numbers, used in the options of custom ops; files' tables have others.
_PADDINGS = {1: "SAME", 2: "VALID"}


def _linear(
    call: Call, x: int, w: int, bias: int, terms: int, product: Product, asymmetric: bool = True, integers: bool = True
) -> Any:  # fmt: skip
    """Returns the output of a linear op, by the types of its inputs; `integers`: whether `product` takes these."""
    if call.is_quantized(x):
        return quantized_product(call, x, w, bias, terms, product, integers)
    if call.is_quantized(w):
        return hybrid_product(call, x, w, bias, terms, product, asymmetric)
    weights = call.info(w).constant
    result = product(call.tensor(x), call.tensor(w) if weights is None else weights)
    if call.has(bias):
        result = raw.AddV2(x=result, y=call.tensor(bias))
    return call.activated(result)


def _operand(weights: Any) -> Any:
    """Weights for an op: int8 is widened to int32, in which products are computed."""
    if isinstance(weights, np.ndarray) and weights.dtype == np.int8:
        return raw.Cast(x=weights, DstT=dtypes.int32)
    return weights


def _transposed(weights: Any, order: list[int]) -> Any:
    """Weights with their axes in another order; constants at once."""
    if isinstance(weights, np.ndarray):
        return _operand(np.ascontiguousarray(weights.transpose(order)))
    return raw.Transpose(x=weights, perm=np.array(order, np.int32))


@builtin("CONV_2D", options="Conv2DOptions")
def conv_2d(call: Call) -> Any:
    options, padding = call.options, call.padding()

    def product(x: Any, w: Any) -> Any:
        return raw.Conv2D(
            input=x,
            filter=_transposed(w, [1, 2, 3, 0]),
            strides=[1, options.stride_h, options.stride_w, 1],
            padding=padding,
            dilations=[1, options.dilation_h_factor, options.dilation_w_factor, 1],
        )

    return _linear(call, 0, 1, 2, math.prod(call.info(1).shape[1:]), product)


@builtin("DEPTHWISE_CONV_2D", options="DepthwiseConv2DOptions")
def depthwise_conv_2d(call: Call) -> Any:
    options, padding = call.options, call.padding()
    _, height, width, channels = call.info(1).shape
    depth = call.tensor(0).shape[-1] or channels // max(options.depth_multiplier, 1)
    if not depth or channels % depth:
        raise call.invalid(f"{channels} channels of weights for {depth} channels.")
    shape = (height, width, depth, channels // depth)
    strides = [1, options.stride_h, options.stride_w, 1]
    dilations = [1, options.dilation_h_factor, options.dilation_w_factor, 1]

    def product(x: Any, w: Any) -> Any:
        w = (
            w.reshape(shape)
            if isinstance(w, np.ndarray)
            else raw.Reshape(tensor=w, shape=np.array(shape, np.int32))
        )
        w = _operand(w)
        if options.stride_h != options.stride_w or x.dtype == dtypes.int32:
            return _grouped(x, w, shape, strides, dilations, padding)
        return raw.DepthwiseConv2dNative(
            input=x, filter=w, strides=strides, padding=padding, dilations=dilations
        )

    return _linear(call, 0, 1, 2, height * width, product)


def _grouped(
    x: Any, w: Any, shape: tuple[int, ...], strides: list[int], dilations: list[int], padding: str
) -> Any:
    """TensorFlow's depthwise convolution takes floats and equal strides only; a grouped one takes others."""
    height, width, depth, multiplier = shape
    grouped = np.array([height, width, 1, depth * multiplier], np.int32)
    w = raw.Reshape(tensor=w, shape=grouped)
    return raw.Conv2D(input=x, filter=w, strides=strides, padding=padding, dilations=dilations)


@builtin("TRANSPOSE_CONV", options="TransposeConvOptions")
def transpose_conv(call: Call) -> Any:
    options, padding = call.options, call.padding()
    output_shape = call.tensor(0)

    def product(x: Any, w: Any) -> Any:
        return raw.Conv2DBackpropInput(
            input_sizes=output_shape,
            filter=_transposed(w, [1, 2, 0, 3]),
            out_backprop=x,
            strides=[1, options.stride_h, options.stride_w, 1],
            padding=padding,
        )

    return _linear(call, 2, 1, 3, math.prod(call.info(1).shape[1:]), product)


@builtin("CONV_3D", options="Conv3DOptions")
def conv_3d(call: Call) -> Any:
    options, padding = call.options, call.padding()

    def product(x: Any, w: Any) -> Any:
        return raw.Conv3D(input=x, filter=w, padding=padding, **_strides_and_dilations_3d(options))

    terms = math.prod(call.info(1).shape[:-1])
    return _linear(call, 0, 1, 2, terms, product, integers=False)


@builtin("CONV_3D_TRANSPOSE", options="Conv3DOptions")
def conv_3d_transpose(call: Call) -> Any:
    options, padding = call.options, call.padding()

    def product(x: Any, w: Any) -> Any:
        return raw.Conv3DBackpropInputV2(
            input_sizes=call.tensor(0),
            filter=w,
            out_backprop=x,
            padding=padding,
            **_strides_and_dilations_3d(options),
        )

    return _linear(call, 2, 1, 3, math.prod(call.info(1).shape), product)


def _strides_and_dilations_3d(options: Any) -> dict[str, list[int]]:
    return {
        "strides": [1, options.stride_d, options.stride_h, options.stride_w, 1],
        "dilations": [
            1, options.dilation_d_factor, options.dilation_h_factor, options.dilation_w_factor, 1,
        ],
    }  # fmt: skip


@builtin("FULLY_CONNECTED", options="FullyConnectedOptions")
def fully_connected(call: Call) -> Any:
    options = call.options
    if options.weights_format:
        raise call.unimplemented("the shuffled format of weights")
    units, depth = call.info(1).shape[-2:]

    def product(x: Any, w: Any) -> Any:
        rows = raw.Reshape(tensor=x, shape=np.array([-1, depth], np.int32))
        result = raw.MatMul(a=rows, b=_operand(w), transpose_b=True)
        if not options.keep_num_dims:
            return result
        known = x.shape.as_list() if x.shape.rank is not None else None
        if known is not None and sum(extent is None for extent in known[:-1]) <= 1:
            outer = [-1 if extent is None else extent for extent in known[:-1]]
            return raw.Reshape(tensor=result, shape=np.array([*outer, units], np.int32))
        outer = raw.Shape(input=x)[:-1]
        return raw.Reshape(
            tensor=result,
            shape=raw.ConcatV2(values=[outer, np.array([units], np.int32)], axis=np.int32(0)),
        )

    if call.is_quantized(1) and not call.is_quantized(0):
        return _hybrid_rows(call, depth, product, options)
    return _linear(call, 0, 1, 2, depth, product)


def _hybrid_rows(call: Call, depth: int, product: Product, options: Any) -> Any:
    """Each row of a hybrid product has a separate scale, so the other axes are joined first."""
    flat = _Flattened(call, depth)
    products = hybrid_product(flat, 0, 1, 2, depth, product, options.asymmetric_quantize_inputs)
    if not options.keep_num_dims or call.rank(0) == 2:
        return products
    outer = raw.Slice(
        input=raw.Shape(input=call.tensor(0)),
        begin=np.array([0], np.int32),
        size=np.array([call.rank(0) - 1], np.int32),
    )
    units = np.array(call.info(1).shape[:1], np.int32)
    shape = raw.ConcatV2(values=[outer, units], axis=np.int32(0))
    return raw.Reshape(tensor=products, shape=shape)


class _Flattened(Call):
    """A call whose first input is a matrix."""

    def __init__(self, call: Call, depth: int) -> None:
        super().__init__(call.translation, call.operation)
        self._rows = raw.Reshape(tensor=call.tensor(0), shape=np.array([-1, depth], np.int32))

    def tensor(self, i: int) -> Any:
        return self._rows if i == 0 else super().tensor(i)


@builtin("BATCH_MATMUL", options="BatchMatMulOptions")
def batch_matmul(call: Call) -> Any:
    options = call.options

    def product(x: Any, y: Any) -> Any:
        return raw.BatchMatMulV2(x=x, y=_operand(y), adj_x=options.adj_x, adj_y=options.adj_y)

    if call.is_quantized(0):
        shape = call.tensor(0).shape
        terms = shape[-2 if options.adj_x else -1] or 1 << 20
        return quantized_product(_WithoutActivation(call), 0, 1, 2, terms, product)
    if call.is_quantized(1):
        return _hybrid_batches(call, product)
    return product(call.tensor(0), call.tensor(1))


class _WithoutActivation(Call):
    """A call of an op without an activation in its options."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.translation, call.operation)

    @property
    def options(self) -> Any:
        return type("NoActivation", (), {"fused_activation_function": 0})


def _hybrid_batches(call: Call, product: Product) -> Any:
    """Each row of the first factor has a separate scale and zero point."""
    x = call.tensor(0)
    if call.options.adj_x:
        order = [*range(call.rank(0) - 2), call.rank(0) - 1, call.rank(0) - 2]
        x = raw.Transpose(x=x, perm=np.array(order, np.int32))
    shape = raw.Shape(input=x)
    depth = x.shape[-1]
    rows = raw.Reshape(tensor=x, shape=np.array([-1, depth or 1], np.int32))
    values, scales = quantized_rows(rows, asymmetric=call.options.asymmetric_quantize_inputs)
    kind = exact_type(dtypes.int8, call.info(1).dtype, depth or 1 << 20)
    outer = raw.ConcatV2(values=[shape[:-1], np.array([1], np.int32)], axis=np.int32(0))
    values = raw.Reshape(tensor=raw.Cast(x=values, DstT=kind), shape=shape)
    total = raw.BatchMatMulV2(
        x=values, y=centered_weights(call, 1, kind), adj_x=False, adj_y=call.options.adj_y
    )
    factors = raw.Mul(
        x=raw.Reshape(tensor=scales, shape=outer), y=np.float32(call.quantization(1).scale)
    )
    return raw.Mul(x=raw.Cast(x=total, DstT=dtypes.float32), y=factors)


@custom("Convolution2DTransposeBias")
def convolution_2d_transpose_bias(call: Call) -> Any:
    """A transposed convolution whose size follows from its input's, with a bias; the three numbers are padding, horizontal and vertical stride."""
    options = call.operation.custom_options
    if len(options) < 12:
        raise call.invalid(f"{len(options)} bytes of options; there must be 12.")
    padding, stride_w, stride_h = struct.unpack("<3i", options[:12])
    if padding not in _PADDINGS or stride_w < 1 or stride_h < 1:
        raise call.invalid(f"padding {padding} and strides {stride_h}, {stride_w}.")
    x, weights = call.tensor(0), call.tensor(1)
    channels, height, width, _ = call.info(1).shape
    strides = (stride_h, stride_w)
    shape = raw.Shape(input=x)
    sizes = raw.Mul(x=shape[1:3], y=np.array(strides, np.int32))
    if _PADDINGS[padding] == "VALID":
        more = [max(n - stride, 0) for n, stride in zip((height, width), strides)]
        sizes = raw.AddV2(x=sizes, y=np.array(more, np.int32))
    result = raw.Conv2DBackpropInput(
        input_sizes=raw.ConcatV2(
            values=[shape[:1], sizes, np.array([channels], np.int32)], axis=np.int32(0)
        ),
        filter=raw.Transpose(x=weights, perm=np.array([1, 2, 0, 3], np.int32)),
        out_backprop=x,
        strides=[1, *strides, 1],
        padding=_PADDINGS[padding],
    )
    return raw.AddV2(x=result, y=call.tensor(2)) if call.has(2) else result
