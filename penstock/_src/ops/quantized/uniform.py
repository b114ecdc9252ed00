"""Uniform quantization: an integer q represents (q - zero_point) * scale, per tensor or per channel."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.ops.quantized.arithmetic import exact_product
from penstock._src.ops.quantized.quantize import half_away
from penstock._src.ops.rules import show


def along(values, rank, axis):
    """Reshapes scales or zero points to broadcast along their axis."""
    return values if axis < 0 else values.reshape([-1 if i == axis else 1 for i in range(rank)])


def steps(op, values, scales, zero_points, axis):
    """Scales and zero points for an array, checked.

    Raises:
      InvalidArgumentError: they do not fit it.
    """
    if scales.shape != zero_points.shape:
        raise op.invalid(
            f"scales and zero_points must have same shape. scales: {show(scales.shape)}, "
            f"zero_points: {show(zero_points.shape)}"
        )
    wanted = () if axis < 0 else values.shape[axis : axis + 1]
    if scales.shape != wanted:
        raise op.invalid(f"expected scales of shape {show(wanted)}. Received {show(scales.shape)}")
    if (scales <= 0).any():
        raise op.invalid("scales elements must be all positive.")
    rank = values.ndim
    return along(scales.astype(np.float64), rank, axis), along(
        zero_points.astype(np.int64), rank, axis
    )


def quantized(floats, scale, zero_point, least, most):
    """The integers next to floats."""
    inverse = 1 / scale.astype(np.float32)
    integers = np.floor(floats.astype(np.float32) * inverse + np.float32(0.5)) + zero_point
    return np.clip(integers, least, most)


def rescaled(counted, scale, out_scale, out_zero, least, most):
    """Integers with zero point 0, converted to another scale."""
    integers = np.floor(counted * (scale / out_scale) + 0.5) + out_zero
    return np.clip(integers, least, most)


def counted_by_row(floats, axes):
    """Quantizes floats with zero point 0, in 255 steps over the range along `axes`; returns the integers and scales."""
    low = np.minimum(floats.min(axes, keepdims=True), 0).astype(np.float64)
    high = np.maximum(floats.max(axes, keepdims=True), 0).astype(np.float64)
    step = np.where(high > low, (high - low) / 255, 1.0)
    shift = np.clip(half_away(-128 - low / step), -128, 127)
    return np.clip(np.floor(floats / step + 0.5) + shift, -128, 127) - shift, step


class UniformQuantize(Op):
    """Floats as integers."""

    signature = "input: Tin, scales: float32, zero_points: int32 -> output: Tout[input]"
    Tin = frozenset({dtypes.float32})
    Tout: {dtypes.qint32, dtypes.qint8, dtypes.quint8}
    quantization_axis: int = -1
    quantization_min_val: int
    quantization_max_val: int

    def eager(self, input, scales, zero_points):
        parts = steps(self, input, scales, zero_points, self.quantization_axis)
        ends = self.quantization_min_val, self.quantization_max_val
        return quantized(input, *parts, *ends).astype(self.Tout.np)


class UniformDequantize(Op):
    """Integers as floats."""

    signature = "input: Tin, scales: float32, zero_points: int32 -> output: Tout[input]"
    Tin = frozenset({dtypes.qint32, dtypes.qint8, dtypes.quint8})
    Tout: {dtypes.float32}
    quantization_axis: int = -1
    quantization_min_val: int
    quantization_max_val: int

    def eager(self, input, scales, zero_points):
        scale, zero = steps(self, input, scales, zero_points, self.quantization_axis)
        return ((input.astype(np.int64) - zero) * scale.astype(np.float32)).astype(self.Tout.np)


class UniformRequantize(Op):
    """Integers of one scale as those of another."""

    signature = """input: Tin, input_scales: float32, input_zero_points: int32,
        output_scales: float32, output_zero_points: int32 -> output: Tout[input]"""
    Tin = frozenset({dtypes.qint32, dtypes.qint8})
    Tout: {dtypes.qint32, dtypes.qint8}
    input_quantization_axis: int = -1
    input_quantization_min_val: int
    input_quantization_max_val: int
    output_quantization_axis: int = -1
    output_quantization_min_val: int
    output_quantization_max_val: int

    def eager(self, input, input_scales, input_zero_points, output_scales, output_zero_points):
        scale, zero = steps(
            self, input, input_scales, input_zero_points, self.input_quantization_axis
        )
        out = steps(self, input, output_scales, output_zero_points, self.output_quantization_axis)
        ends = self.output_quantization_min_val, self.output_quantization_max_val
        return rescaled(input.astype(np.int64) - zero, scale, *out, *ends).astype(self.Tout.np)


class UniformQuantizedClipByValue(Op):
    """Integers between two others."""

    signature = """operand: T, min: T, max: T, scales: float32, zero_points: int32
        -> output: T[operand]"""
    T = frozenset({dtypes.qint32})
    quantization_axis: int = -1
    quantization_min_val: int
    quantization_max_val: int

    def eager(self, operand, min, max, scales, zero_points):
        steps(self, operand, scales, zero_points, self.quantization_axis)
        low, high = (along(v, operand.ndim, self.quantization_axis) for v in (min, max))
        return np.clip(operand, low, high)


class UniformQuantizedAdd(Op):
    """Sums of integers of two scales, in a third."""

    signature = """lhs: T, rhs: T, lhs_scales: float32, lhs_zero_points: int32, rhs_scales: float32,
        rhs_zero_points: int32, output_scales: float32, output_zero_points: int32
        -> output: T[lhs | rhs]"""
    lhs_quantization_axis: int = -1
    lhs_quantization_min_val: int
    lhs_quantization_max_val: int
    rhs_quantization_axis: int = -1
    rhs_quantization_min_val: int
    rhs_quantization_max_val: int
    output_quantization_axis: int = -1
    output_quantization_min_val: int
    output_quantization_max_val: int
    T = frozenset({dtypes.qint32})

    def eager(self, lhs, rhs, *parts):
        names = ("lhs", "rhs", "output")
        axes = [self.attrs[f"{name}_quantization_axis"] for name in names]
        sizes = (lhs, rhs, lhs if lhs.ndim >= rhs.ndim else rhs)
        by = [steps(self, v, s, z, a) for v, s, z, a in zip(sizes, parts[::2], parts[1::2], axes)]
        (scale, zero) = by[2]
        limits = np.iinfo(np.int64)
        total = sum(
            rescaled(v.astype(np.int64) - z, s, scale, 0, limits.min, limits.max)
            for v, (s, z) in zip((lhs, rhs), by)
        )
        ends = self.output_quantization_min_val, self.output_quantization_max_val
        return np.clip(total + zero, *ends).astype(self.T.np)


class UniformQuantizedDot(Op):
    """The product of two matrices of integers."""

    signature = """lhs: Tin, rhs: Tin, lhs_scales: float32, lhs_zero_points: int32,
        rhs_scales: float32, rhs_zero_points: int32, output_scales: float32,
        output_zero_points: int32 -> output: Tout[lhs[0], rhs[1]]"""
    ranks = {
        "lhs": (2,),
        "rhs": (2,),
        "lhs_scales": (0,),
        "lhs_zero_points": (0,),
        "rhs_scales": (0, 1),
        "rhs_zero_points": (0, 1),
        "output_scales": (0, 1),
        "output_zero_points": (0, 1),
    }
    Tin = frozenset({dtypes.qint8})
    Tout: {dtypes.qint32}
    lhs_quantization_axis: int = -1
    lhs_quantization_min_val: int
    lhs_quantization_max_val: int
    rhs_quantization_axis: int = -1
    rhs_quantization_min_val: int
    rhs_quantization_max_val: int
    output_quantization_axis: int = -1
    output_quantization_min_val: int
    output_quantization_max_val: int

    def eager(self, lhs, rhs, *parts):
        left, right = (
            steps(self, v, s, z, a)
            for v, s, z, a in zip(
                (lhs, rhs),
                parts[::2],
                parts[1::2],
                (self.lhs_quantization_axis, self.rhs_quantization_axis),
            )
        )
        product = exact_product(lhs.astype(np.int64) - left[1], rhs.astype(np.int64) - right[1])
        out = steps(self, product, parts[4], parts[5], self.output_quantization_axis)
        ends = self.output_quantization_min_val, self.output_quantization_max_val
        return rescaled(product, left[0] * right[0], *out, *ends).astype(self.Tout.np)


class UniformQuantizedDotHybrid(Op):
    """The product of a float matrix, quantized dynamically by row, with an integer matrix."""

    signature = """lhs: Tlhs, rhs: Trhs, rhs_scales: float32, rhs_zero_points: int32
        -> output: Tout[lhs[0], rhs[1]]"""
    ranks = {"lhs": (2,), "rhs": (2,), "rhs_scales": (0, 1), "rhs_zero_points": (0, 1)}
    Tlhs = frozenset({dtypes.float32})
    Trhs = frozenset({dtypes.qint8})
    Tout: {dtypes.float32}
    rhs_quantization_axis: int = -1
    rhs_quantization_min_val: int
    rhs_quantization_max_val: int

    def eager(self, lhs, rhs, rhs_scales, rhs_zero_points):
        scale, zero = steps(self, rhs, rhs_scales, rhs_zero_points, self.rhs_quantization_axis)
        left, step = counted_by_row(lhs, (1,))
        return ((left @ (rhs.astype(np.int64) - zero)) * (step * scale)).astype(self.Tout.np)
