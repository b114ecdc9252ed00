"""Pooling, reductions, softmax and normalizations."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin, number, quantized
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import (
    multiplier_and_shift,
    rescale_by,
    round_away,
)
from penstock._src.formats.tflite.reading.quantized_kernels.int16_table import softmax_of_int16
from penstock._src.formats.tflite.reading.quantized_kernels.values import (
    activation_range,
    centered,
    dequantize,
    finish,
    limits,
    quantize,
    saturate,
)


def _window(call: Call) -> dict[str, Any]:
    options = call.options
    return {
        "ksize": [1, options.filter_height, options.filter_width, 1],
        "strides": [1, options.stride_h, options.stride_w, 1],
        "padding": call.padding(),
    }


@builtin("AVERAGE_POOL_2D", options="Pool2DOptions")
def average_pool(call: Call) -> Any:
    if not call.is_quantized():
        return call.activated(raw.AvgPool(value=call.tensor(0), **_window(call)))
    window = _window(call)
    values = raw.Cast(x=call.tensor(0), DstT=dtypes.float32)
    counts = _counts(call, window)
    # The mean is nearest to the sum over the count, so their product rounds to the sum.
    mean = raw.AvgPool(value=values, **window)
    total = raw.Cast(x=raw.Round(x=raw.Mul(x=mean, y=np.float32(counts))), DstT=dtypes.int32)
    half = raw.Mul(x=raw.Sign(x=total), y=np.int32(counts // 2))
    rounded = raw.TruncateDiv(x=raw.AddV2(x=total, y=half), y=np.int32(counts))
    low, high = activation_range(call, call.options.fused_activation_function)
    return saturate(rounded, call.output().dtype, low, high)


def _counts(call: Call, window: dict[str, Any]) -> np.ndarray:
    """The number of values in each window: fewer at the borders."""
    _, height, width, _ = call.tensor(0).shape.as_list()
    if window["padding"] == "VALID":
        return np.array(window["ksize"][1] * window["ksize"][2])
    if height is None or width is None:
        raise call.unimplemented("padded quantized pooling of images of unknown size")
    along = [
        _counts_along(extent, size, stride)
        for extent, size, stride in zip(
            (height, width), window["ksize"][1:3], window["strides"][1:3]
        )
    ]
    return (along[0][:, None] * along[1][None, :])[None, :, :, None]


def _counts_along(extent: int, size: int, stride: int) -> np.ndarray:
    outputs = -(-extent // stride)
    before = max((outputs - 1) * stride + size - extent, 0) // 2
    begins = np.arange(outputs) * stride - before
    return np.minimum(begins + size, extent) - np.maximum(begins, 0)


@builtin("MAX_POOL_2D", options="Pool2DOptions")
def max_pool(call: Call) -> Any:
    if not call.is_quantized():
        return call.activated(raw.MaxPool(input=call.tensor(0), **_window(call)))
    largest = raw.MaxPool(input=call.tensor(0), **_window(call))
    low, high = activation_range(call, call.options.fused_activation_function)
    if (low, high) == limits(call.output().dtype):
        return largest
    return saturate(largest, call.output().dtype, low, high)


@builtin("L2_POOL_2D", options="Pool2DOptions")
def l2_pool(call: Call) -> Any:
    squares = raw.AvgPool(value=raw.Square(x=call.tensor(0)), **_window(call))
    return call.activated(raw.Sqrt(x=squares))


@quantized("REDUCE_MAX", "REDUCE_MIN")
def extreme(call: Call) -> Any:
    """An order, which quantization keeps."""
    values = raw.Cast(x=call.tensor(0), DstT=dtypes.int32)
    return raw.Cast(x=call.by_row(values, call.tensor(1)), DstT=call.output().dtype)


def _sum(call: Call, x: Any) -> Any:
    return raw.Sum(input=x, axis=call.tensor(1), keep_dims=call.options.keep_dims)


@quantized("SUM")
def sum_(call: Call) -> Any:
    # TFLite's optimized kernel; its reference adds int8 values as int8.
    source, target = call.quantization(0), call.output_quantization()
    scale = np.float32(source.scale) / np.float32(target.scale)
    bias = np.float32(-source.zero_point) * scale * np.float32(_count(call))
    total = _sum(call, raw.Cast(x=call.tensor(0), DstT=dtypes.int32))
    scaled = raw.AddV2(x=raw.Mul(x=raw.Cast(x=total, DstT=dtypes.float32), y=scale), y=bias)
    return finish(call, raw.Cast(x=round_away(scaled), DstT=dtypes.int32))


def _count(call: Call) -> int:
    """The number of values that are reduced to one."""
    axes = {int(axis) % call.rank(0) for axis in call.array(1).reshape(-1)}
    return math.prod(call.extent(0, axis) for axis in axes)


@builtin("MEAN")
def mean(call: Call) -> Any:
    if not call.is_quantized():
        if call.tensor(0).dtype.is_integer:
            return _integer_mean(call)
        return call.by_row()
    count = _count(call)
    multiplier, shift = multiplier_and_shift(
        call.quantization(0).scale / call.output_quantization().scale
    )
    # The division by the count goes into the multiplier.
    extra = min(max(count, 1).bit_length() - 1, 32, 31 + shift)
    multiplier = (multiplier << extra) // max(count, 1)
    total = _sum(call, centered(call, 0))
    return finish(call, rescale_by(total, multiplier, shift - extra))


def _integer_mean(call: Call) -> Any:
    x = call.tensor(0)
    total = _sum(call, x)
    count = raw.Prod(
        input=raw.GatherV2(params=raw.Shape(input=x), indices=call.tensor(1), axis=np.int32(0)),
        axis=np.arange(call.rank(1), dtype=np.int32),
    )
    return raw.TruncateDiv(x=total, y=raw.Cast(x=count, DstT=x.dtype))


@builtin("ARG_MAX", "ARG_MIN")
def arg_extreme(call: Call) -> Any:
    return call.by_row(call.tensor(0), _scalar(call, 1))


def _scalar(call: Call, i: int) -> Any:
    return raw.Reshape(tensor=call.tensor(i), shape=np.zeros(0, np.int32))


@builtin("SOFTMAX", options="SoftmaxOptions")
def softmax(call: Call) -> Any:
    beta = call.options.beta
    if call.is_quantized():
        if call.info(0).dtype == dtypes.int16:
            return softmax_of_int16(call, beta)
        return _quantized_softmax(call, beta)
    x = call.tensor(0)
    return raw.Softmax(logits=x if beta == 1 else raw.Mul(x=x, y=number(beta, x)))


def _quantized_softmax(call: Call, beta: float) -> Any:
    """Exponentials of differences to the row's maximum, as TFLite's table of 256 floats has them."""
    x = raw.Cast(x=call.tensor(0), DstT=dtypes.float32)
    last = np.array([-1], np.int32)
    below = raw.Sub(x=x, y=raw.Max(input=x, axis=last, keep_dims=True))
    powers = raw.Exp(x=raw.Mul(x=below, y=np.float32(call.quantization(0).scale * beta)))
    total = raw.Sum(input=powers, axis=last, keep_dims=True)
    target, dtype = call.output_quantization(), call.output().dtype
    inverse = raw.RealDiv(x=np.float32(1), y=raw.Mul(x=total, y=np.float32(target.scale)))
    rounded = raw.Cast(x=round_away(raw.Mul(x=powers, y=inverse)), DstT=dtypes.int32)
    shifted = raw.AddV2(x=rounded, y=np.int32(target.zero_point))
    return saturate(shifted, dtype, *limits(dtype))


@builtin("L2_NORMALIZATION", options="L2NormOptions")
def l2_normalization(call: Call) -> Any:
    x = dequantize(call.tensor(0), call.quantization(0)) if call.is_quantized() else call.tensor(0)
    squares = raw.Sum(input=raw.Square(x=x), axis=np.array([-1], np.int32), keep_dims=True)
    norm = raw.Maximum(x=raw.Sqrt(x=squares), y=np.float32(1e-6))
    result = raw.RealDiv(x=x, y=norm)
    if call.is_quantized():
        return quantize(result, call.output_quantization(), call.output().dtype)
    return call.activated(result)
