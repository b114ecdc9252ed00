"""Arithmetic on small integers that represent floats in a range."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op, at_least
from penstock._src.core.typesets import QUANTIZED
from penstock._src.ops.nn import convolution as cv
from penstock._src.ops.quantized.ranges import (
    from_floats,
    from_number,
    of_product,
    requantized,
    spread,
    to_floats,
    zero_of,
)
from penstock._src.ops.rules import show

F = np.float32
# Integers below it are exact in double precision.
_EXACT = 1 << 53


def wide(values, low, high, dtype):
    """The integers minus the zero point."""
    return values.astype(np.int64) - zero_of(low, high, dtype)


def exact_product(left, right):
    """The product of two int64 matrices."""
    terms = left.shape[1] * _largest(left) * _largest(right)
    if terms >= _EXACT:
        return left @ right
    # NumPy multiplies matrices of integers one element after the other; no sum rounds in double precision here.
    return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)


def _largest(values):
    """The largest magnitude, a number of Python."""
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


class _Product(Op):
    """Exact sums of products of integers; the result's range follows from the inputs'."""

    def ranged(self, product, a_type, b_type, *ranges):
        """The product as the output's type, and its range."""
        low, high = of_product(a_type, b_type, self.output_dtypes[0], *map(float, ranges))
        return product.astype(self.output_dtypes[0].np), F(low), F(high)


class QuantizedMul(_Product):
    """Elementwise products."""

    signature = """x: T1, y: T2, min_x: float32[], max_x: float32[], min_y: float32[], max_y: float32[]
        -> z: Toutput[x | y], min_z: float32[], max_z: float32[]"""
    T1 = QUANTIZED
    T2 = QUANTIZED
    Toutput: QUANTIZED = dtypes.qint32

    def eager(self, x, y, min_x, max_x, min_y, max_y):
        product = wide(x, min_x, max_x, self.T1) * wide(y, min_y, max_y, self.T2)
        return self.ranged(product, self.T1, self.T2, min_x, max_x, min_y, max_y)


class QuantizedMatMul(_Product):
    """The product of two matrices."""

    signature = """a: T1, b: T2, min_a: float32[], max_a: float32[], min_b: float32[], max_b: float32[]
        -> out: Toutput, min_out: float32, max_out: float32"""
    ranks = {"a": (2,), "b": (2,)}
    T1 = QUANTIZED
    T2 = QUANTIZED
    Toutput: QUANTIZED = dtypes.qint32
    transpose_a: bool = False
    transpose_b: bool = False
    Tactivation: QUANTIZED = dtypes.quint8

    def shape(self, a, b, *_ranges):
        rows, columns = a[1 if self.transpose_a else 0], b[0 if self.transpose_b else 1]
        return [rows, columns], (), ()

    def eager(self, a, b, min_a, max_a, min_b, max_b):
        left, right = wide(a, min_a, max_a, self.T1), wide(b, min_b, max_b, self.T2)
        left, right = left.T if self.transpose_a else left, right.T if self.transpose_b else right
        if left.shape[1] != right.shape[0]:
            raise self.invalid(f"Matrix size-incompatible: In[0]: {a.shape}, In[1]: {b.shape}")
        return self.ranged(exact_product(left, right), self.T1, self.T2, min_a, max_a, min_b, max_b)


class QuantizedConv2D(_Product):
    """A convolution of images."""

    signature = """input: Tinput, filter: Tfilter, min_input: float32[], max_input: float32[],
        min_filter: float32[], max_filter: float32[]
        -> output: out_type, min_output: float32, max_output: float32"""
    Tinput = QUANTIZED
    Tfilter = QUANTIZED
    out_type: QUANTIZED = dtypes.qint32
    strides: list[int]
    padding: Literal["SAME", "VALID"]
    dilations: list[int] = [1, 1, 1, 1]
    data_format, explicit_paddings = "NHWC", ()

    def shape(self, input, filter, *_ranges):
        return cv.output_shape(self, input, filter, 2), (), ()

    def eager(self, input, filter, min_input, max_input, min_filter, max_filter):
        for name, array in (("input", input), ("filter", filter)):
            if array.ndim != 4:
                raise self.invalid(f"{name} must be rank 4 but is rank {array.ndim}")
        c = cv.convolution(self, input.shape, filter.shape, 2)
        left = wide(input, min_input, max_input, self.Tinput).astype(np.float64)
        right = wide(filter, min_filter, max_filter, self.Tfilter).astype(np.float64)
        product = cv.forward(c, left, right)
        ranges = (min_input, max_input, min_filter, max_filter)
        return self.ranged(product, self.Tinput, self.Tfilter, *ranges)


class _Sum(Op):
    """Sums in a range wide enough for many terms."""

    headroom = 1 << 17
    T1 = QUANTIZED
    T2 = QUANTIZED

    def added(self, x, y, ranges, kinds, out):
        """The sum and its range."""
        most = max(abs(float(r)) for r in ranges) * self.headroom
        parts = [
            from_floats(to_floats(v, lo, hi, kind), -most, most, out, clamp=False)
            for v, lo, hi, kind in zip((x, y), ranges[::2], ranges[1::2], kinds)
        ]
        return (parts[0] + parts[1]).astype(out.np), F(-most), F(most)


class QuantizedAdd(_Sum):
    """Elementwise sums."""

    signature = """x: T1, y: T2, min_x: float32[], max_x: float32[], min_y: float32[], max_y: float32[]
        -> z: Toutput[x | y], min_z: float32[], max_z: float32[]"""
    Toutput: QUANTIZED = dtypes.qint32
    headroom = 1 << 14

    def eager(self, x, y, *ranges):
        return self.added(x, y, ranges, (self.T1, self.T2), self.Toutput)


class QuantizedBiasAdd(_Sum):
    """A vector added along the last axis."""

    signature = """input: T1, bias: T2, min_input: float32[], max_input: float32[], min_bias: float32[],
        max_bias: float32[] -> output: out_type[input], min_out: float32[], max_out: float32[]"""
    ranks = {"input": at_least(2), "bias": (1,)}
    out_type: QUANTIZED

    def eager(self, input, bias, *ranges):
        if input.ndim < 2:
            raise self.invalid(f"Input tensor must be at least 2D: {show(input.shape)}")
        if bias.shape != input.shape[-1:]:
            raise self.invalid(
                "Must provide as many biases as the last dimension of the input tensor: "
                f"{bias.shape} vs. {input.shape}"
            )
        return self.added(input, bias, ranges, (self.T1, self.T2), self.out_type)


class _Relu(Op):
    signature = """features: Tinput, min_features: float32[], max_features: float32[]
        -> activations: out_type[features], min_activations: float32[],
        max_activations: float32[]"""
    most = None
    Tinput = QUANTIZED
    out_type: QUANTIZED = dtypes.quint8

    def eager(self, features, low, high):
        return self.limited(features, low, high, self.most)

    def limited(self, features, low, high, most):
        """Features clipped to zero and `most`, with their range unchanged."""
        kind = self.Tinput
        zero = from_number(0.0, low, high, kind)
        top = None if most is None else from_number(float(most), low, high, kind)
        return np.clip(features, zero, top).astype(features.dtype), F(low), F(high)


class QuantizedRelu(_Relu):
    """max(x, 0)."""


class QuantizedRelu6(_Relu):
    """min(max(x, 0), 6)."""

    most = 6.0


class QuantizedReluX(_Relu):
    """min(max(x, 0), max_value)."""

    signature = """features: Tinput, max_value: float32[], min_features: float32[],
        max_features: float32[] -> activations: out_type[features], min_activations: float32[],
        max_activations: float32[]"""

    def eager(self, features, max_value, low, high):
        return self.limited(features, low, high, max_value)


class QuantizeDownAndShrinkRange(Op):
    """The integers in a smaller type, over their actual range."""

    signature = """input: Tinput, input_min: float32[], input_max: float32[]
        -> output: out_type[input], output_min: float32[], output_max: float32[]"""
    Tinput = QUANTIZED
    out_type: QUANTIZED

    def eager(self, input, input_min, input_max):
        low, high = spread(input, input_min, input_max, self.Tinput)
        requantized_values = requantized(
            input, input_min, input_max, self.Tinput, low, high, self.out_type
        )
        return requantized_values, F(low), F(high)


class RequantizationRange(Op):
    """The actual range of the integers."""

    signature = """input: Tinput, input_min: float32, input_max: float32
        -> output_min: float32[], output_max: float32[]"""
    ranks = {"input_min": (0,), "input_max": (0,)}
    Tinput = QUANTIZED

    def eager(self, input, input_min, input_max):
        low, high = spread(input, input_min, input_max, self.Tinput)
        return F(low), F(high)


class Requantize(Op):
    """The integers in another type and range."""

    signature = """input: Tinput, input_min: float32[], input_max: float32[],
        requested_output_min: float32[], requested_output_max: float32[]
        -> output: out_type[input], output_min: float32[], output_max: float32[]"""
    Tinput = QUANTIZED
    out_type: QUANTIZED

    def eager(self, input, input_min, input_max, requested_output_min, requested_output_max):
        low, high = requested_output_min, requested_output_max
        if low > 0 or high < low:
            raise self.invalid(
                f"requested_output_min must be <= 0 and <= max. Received {low}, {high}"
            )
        requantized_values = requantized(
            input, input_min, input_max, self.Tinput, low, high, self.out_type
        )
        return requantized_values, F(low), F(high)
