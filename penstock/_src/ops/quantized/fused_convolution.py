"""Convolutions of small integers with a bias and a fused epilogue; all zero points are zero."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import QUANTIZED
from penstock._src.ops.nn import convolution as cv
from penstock._src.ops.quantized.quantize import half_away, limits

F = np.float32
BIAS = frozenset({dtypes.float32, dtypes.qint32})


def _largest(dtype):
    """The largest integer of a type whose range is symmetric if it has negative integers."""
    return limits(dtype)[1]


def _step(low, high, dtype):
    """The float between integers, so that the range holds both ends."""
    ends = np.maximum(np.abs(np.asarray(low, F)), np.abs(np.asarray(high, F)))
    return ends.astype(np.float64) / _largest(dtype)


def _reported_step(low, high, dtype):
    """The same, from the width of the range: results in 32 bits report ranges by it."""
    least, most = limits(dtype)
    width = np.asarray(high, np.float64) - np.asarray(low, np.float64)
    return width / (2 * most if least < 0 else most)


class _Convolution(Op):
    """The convolution in 32 bits."""

    Tinput = QUANTIZED
    Tfilter = QUANTIZED
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    out_type: QUANTIZED = dtypes.qint32
    dilations: list[int] = [1, 1, 1, 1]
    data_format, explicit_paddings = "NHWC", ()

    depthwise = False
    relu = False

    def shape(self, input, filter, *_rest):
        if self.depthwise:
            filter = filter.with_rank(4)
            count = None if None in (filter[2], filter[3]) else filter[2] * filter[3]
            filter = TensorShape([*filter[:2], 1, count])
        return cv.output_shape(self, input, filter, 2), (), ()

    def eager(self, input, filter, *ranges):
        return self.wide(self.summed(input, filter, ranges[:4]), ranges[:4])

    def summed(self, input, filter, ranges, bias=None):
        """The sums: integers in int64."""
        if self.attrs.get("padding_list"):
            raise UnimplementedError(f"{self.op_type}: `padding_list` is not supported.")
        if self.depthwise:
            filter = filter.reshape(*filter.shape[:2], 1, -1)
        c = cv.convolution(self, input.shape, filter.shape, 2)
        total = cv.forward(c, input.astype(np.float64), filter.astype(np.float64)).astype(np.int64)
        if bias is not None:
            added = half_away(bias / self.step(ranges)) if bias.dtype == F else bias
            total = total + added.astype(np.int64)
        return np.maximum(total, 0) if self.relu else total

    def step(self, ranges):
        """The float between sums."""
        return _step(*ranges[:2], self.Tinput) * _step(*ranges[2:4], self.Tfilter)

    def wide(self, total, ranges):
        """The sums in 32 bits, and their range."""
        least, most = limits(dtypes.qint32)
        step = _reported_step(*ranges[:2], self.Tinput) * _reported_step(*ranges[2:], self.Tfilter)
        end = (step * (most + 1)).astype(F)
        return np.clip(total, least, most).astype(np.int32), -end, end


class _Biased(_Convolution):
    """The convolution with a bias, in 32 bits."""

    def eager(self, input, filter, bias, *ranges):
        return self.wide(self.summed(input, filter, ranges, bias), ranges)


class _Narrow(_Convolution):
    """The convolution in fewer bits over a given range."""

    def eager(self, input, filter, *ranges):
        return self.narrowed(self.summed(input, filter, ranges[:4]), *ranges)

    def narrowed(self, total, *ranges):
        """The sums in the output's type."""
        low, high = ranges[4:]
        least, most = limits(self.out_type)
        rounded = np.rint(total * (self.step(ranges) / _step(low, high, self.out_type)))
        return np.clip(rounded, least, most).astype(self.out_type.np), F(low), F(high)


class _NarrowBiased(_Narrow):
    """The convolution with a bias, in fewer bits over a given range."""

    Tbias = BIAS

    def eager(self, input, filter, bias, *ranges):
        return self.narrowed(self.summed(input, filter, ranges[:4], bias), *ranges)


class QuantizedConv2DPerChannel(_Convolution):
    """A convolution whose filter has a range for each channel."""

    signature = """input: Tinput, filter: Tfilter, min_input: float32, max_input: float32,
        min_filter: float32, max_filter: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    ranks = {"min_input": (0,), "max_input": (0,), "min_filter": (0, 1), "max_filter": (0, 1)}

    def shape(self, input, filter, *ranges):
        return cv.output_shape(self, input, filter, 2), ranges[2], ranges[3]

    def summed(self, input, filter, ranges, bias=None):
        """The sums in steps of the channel with the widest range."""
        total = super().summed(input, filter, ranges, bias)
        steps = _step(*ranges[2:], self.Tfilter)
        return np.rint(total * (steps / steps.max())).astype(np.int64)


class QuantizedConv2DAndRelu(_Convolution):
    """The convolution, negative sums set to zero."""

    signature = """input: Tinput, filter: Tfilter, min_input: float32, max_input: float32,
        min_filter: float32, max_filter: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    ranks = {"min_input": (0,), "max_input": (0,), "min_filter": (0, 1), "max_filter": (0, 1)}
    out_type: QUANTIZED = dtypes.qint32
    dilations: list[int] = [1, 1, 1, 1]
    padding_list: list[int] = []
    relu = True


class QuantizedConv2DAndRequantize(_Narrow):
    """The convolution in fewer bits over a given range."""

    signature = """input: Tinput, filter: Tfilter, min_input: float32, max_input: float32,
        min_filter: float32, max_filter: float32, min_freezed_output: float32,
        max_freezed_output: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    ranks = {
        "min_input": (0,),
        "max_input": (0,),
        "min_filter": (0,),
        "max_filter": (0,),
        "min_freezed_output": (0,),
        "max_freezed_output": (0,),
    }
    out_type: QUANTIZED = dtypes.qint8
    dilations: list[int] = [1, 1, 1, 1]
    padding_list: list[int] = []


class QuantizedConv2DAndReluAndRequantize(QuantizedConv2DAndRequantize):
    """The convolution, negative sums set to zero, in fewer bits over a given range."""

    ranks = {"min_filter": (0, 1), "max_filter": (0, 1)}

    out_type: QUANTIZED = dtypes.quint8
    relu = True


class QuantizedConv2DWithBias(_Biased):
    """The convolution with a bias."""

    signature = """input: Tinput, filter: Tfilter, bias: float32, min_input: float32,
        max_input: float32, min_filter: float32, max_filter: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    ranks = {
        "bias": (1,),
        "min_input": (0,),
        "max_input": (0,),
        "min_filter": (0, 1),
        "max_filter": (0, 1),
    }
    out_type: QUANTIZED = dtypes.qint32
    dilations: list[int] = [1, 1, 1, 1]
    padding_list: list[int] = []


class QuantizedConv2DWithBiasAndRelu(QuantizedConv2DWithBias):
    """The convolution with a bias, negative sums set to zero."""

    relu = True


class QuantizedConv2DWithBiasAndRequantize(_NarrowBiased):
    """The convolution with a bias, in fewer bits over a given range."""

    signature = """input: Tinput, filter: Tfilter, bias: Tbias, min_input: float32,
        max_input: float32, min_filter: float32, max_filter: float32,
        min_freezed_output: float32, max_freezed_output: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    ranks = {
        "bias": (1,),
        "min_input": (0,),
        "max_input": (0,),
        "min_filter": (0, 1),
        "max_filter": (0, 1),
        "min_freezed_output": (0,),
        "max_freezed_output": (0,),
    }
    out_type: QUANTIZED = dtypes.qint8
    dilations: list[int] = [1, 1, 1, 1]
    padding_list: list[int] = []


class QuantizedConv2DWithBiasAndReluAndRequantize(QuantizedConv2DWithBiasAndRequantize):
    """The convolution with a bias, negative sums set to zero, in fewer bits over a given range."""

    out_type: QUANTIZED = dtypes.quint8
    relu = True


class QuantizedDepthwiseConv2D(_Convolution):
    """A convolution of each channel with its own filters."""

    signature = """input: Tinput, filter: Tfilter, min_input: float32, max_input: float32,
        min_filter: float32, max_filter: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    depthwise = True


class QuantizedDepthwiseConv2DWithBias(_Biased):
    """The depthwise convolution with a bias."""

    signature = """input: Tinput, filter: Tfilter, bias: float32, min_input: float32,
        max_input: float32, min_filter: float32, max_filter: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    depthwise = True


class QuantizedDepthwiseConv2DWithBiasAndRelu(QuantizedDepthwiseConv2DWithBias):
    """The depthwise convolution with a bias, negative sums set to zero."""

    out_type: QUANTIZED = dtypes.qint32
    dilations: list[int] = [1, 1, 1, 1]
    padding_list: list[int] = []
    relu = True


class QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize(_NarrowBiased):
    """The depthwise convolution with a bias, negative sums set to zero, in fewer bits over a given range."""

    signature = """input: Tinput, filter: Tfilter, bias: Tbias, min_input: float32,
        max_input: float32, min_filter: float32, max_filter: float32,
        min_freezed_output: float32, max_freezed_output: float32
        -> output: out_type, min_output: float32, max_output: float32"""
    out_type: QUANTIZED = dtypes.quint8
    dilations: list[int] = [1, 1, 1, 1]
    padding_list: list[int] = []
    depthwise = True
    relu = True
