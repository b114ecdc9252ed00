"""Convolutions of uniformly quantized integers, per tensor or per channel."""

import itertools
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.ops.nn.window import same_padding
from penstock._src.ops.quantized.uniform import counted_by_row, rescaled, steps
from penstock._src.proto.quantization import ConvolutionDimensions


class _Convolution(Op):
    """The layout, window and groups of XLA's convolution; by default batch, features, spatial axes."""

    def shape(self, lhs, rhs, *_parts):
        return None

    def layouts(self, rank):
        """The axes (batch, features, *space) of the left side and result, (out, in, *space) of the right."""
        if not self.dimension_numbers:
            return (tuple(range(rank)),) * 3
        named = ConvolutionDimensions.FromString(self.dimension_numbers)
        return (
            (
                named.input_batch_dimension,
                named.input_feature_dimension,
                *named.input_spatial_dimensions,
            ),
            (
                named.kernel_output_feature_dimension,
                named.kernel_input_feature_dimension,
                *named.kernel_spatial_dimensions,
            ),
            (
                named.output_batch_dimension,
                named.output_feature_dimension,
                *named.output_spatial_dimensions,
            ),
        )

    def convolved(self, lhs, rhs):
        """The sums of products of two arrays counted from their zero points, in the result's layout."""
        left, right, out = self.layouts(lhs.ndim)
        x, w = lhs.transpose(left), rhs.transpose(right)
        if x.shape[1] != w.shape[1] * self.feature_group_count:
            raise self.invalid(f"input features {x.shape[1]} do not fit the kernel's {w.shape[1]}")
        space = x.ndim - 2
        x = _stretched(x, self.lhs_dilation or [1] * space)
        w = _stretched(w, self.rhs_dilation or [1] * space)
        strides = self.window_strides or [1] * space
        x = np.pad(x, [(0, 0), (0, 0), *self._margins(x.shape[2:], w.shape[2:], strides)])
        pieces = [_correlated(part, kernel, strides) for part, kernel in self._groups(x, w)]
        return np.concatenate(pieces, axis=1).transpose(np.argsort(out))

    def _groups(self, x, w):
        """Pairs of input parts and kernels, for feature groups or batch groups."""
        features, batches = self.feature_group_count, self.batch_group_count
        count = max(features, batches)
        parts = np.split(x, count, axis=0 if batches > 1 else 1)
        return zip(parts, np.split(w, count, axis=0), strict=True)

    def _margins(self, extents, sizes, strides):
        if self.padding == "VALID":
            return [(0, 0)] * len(extents)
        if self.padding == "EXPLICIT":
            flat = self.explicit_padding
            return list(zip(flat[::2], flat[1::2], strict=True))
        totals = [
            same_padding(n, -(-n // step), size, step)
            for n, size, step in zip(extents, sizes, strides, strict=True)
        ]
        return [(total // 2, total - total // 2) for total in totals]


def _stretched(x, dilations):
    """An array dilated with zeros along its spatial axes."""
    if all(d == 1 for d in dilations):
        return x
    extents = [(n - 1) * d + 1 for n, d in zip(x.shape[2:], dilations, strict=True)]
    out = np.zeros((*x.shape[:2], *extents), x.dtype)
    out[(slice(None), slice(None), *(slice(None, None, d) for d in dilations))] = x
    return out


def _correlated(x, w, strides):
    """Sums over features and window: `[batch, kernels, *space]`."""
    extents = [
        (n - size) // step + 1
        for n, size, step in zip(x.shape[2:], w.shape[2:], strides, strict=True)
    ]
    total = np.zeros((x.shape[0], w.shape[0], *extents), np.result_type(x, w))
    for place in itertools.product(*map(range, w.shape[2:])):
        window = tuple(
            slice(at, at + (n - 1) * step + 1, step)
            for at, n, step in zip(place, extents, strides, strict=True)
        )
        seen = x[(slice(None), slice(None), *window)]
        total += np.einsum("bf...,of->bo...", seen, w[(slice(None), slice(None), *place)])
    return total


class UniformQuantizedConvolution(_Convolution):
    """The convolution of integers with integers, with its own output scale."""

    signature = """lhs: Tin, rhs: Tin, lhs_scales: float32, lhs_zero_points: int32,
        rhs_scales: float32, rhs_zero_points: int32, output_scales: float32,
        output_zero_points: int32 -> output: Tout"""
    Tin = frozenset({dtypes.qint8})
    Tout: {dtypes.qint32}
    window_strides: list[int] = []
    padding: Literal["EXPLICIT", "SAME", "VALID"]
    explicit_padding: list[int] = []
    lhs_dilation: list[int] = []
    rhs_dilation: list[int] = []
    batch_group_count: int = 1
    feature_group_count: int = 1
    dimension_numbers: bytes = b""
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
        left = steps(self, lhs, *parts[:2], self.lhs_quantization_axis)
        right = steps(self, rhs, *parts[2:4], self.rhs_quantization_axis)
        counted = self.convolved(lhs.astype(np.int64) - left[1], rhs.astype(np.int64) - right[1])
        out = steps(self, counted, *parts[4:], self.output_quantization_axis)
        scale = left[0] * by_features(self, right[0], counted.ndim)
        ends = self.output_quantization_min_val, self.output_quantization_max_val
        return rescaled(counted, scale, *out, *ends).astype(self.Tout.np)


class UniformQuantizedConvolutionHybrid(_Convolution):
    """The convolution of floats, quantized dynamically by batch, with integers."""

    signature = "lhs: Tlhs, rhs: Trhs, rhs_scales: float32, rhs_zero_points: int32 -> output: Tout"
    Tlhs = frozenset({dtypes.float32})
    Trhs = frozenset({dtypes.qint8})
    Tout: {dtypes.float32}
    window_strides: list[int] = []
    padding: Literal["EXPLICIT", "SAME", "VALID"]
    explicit_padding: list[int] = []
    lhs_dilation: list[int] = []
    rhs_dilation: list[int] = []
    batch_group_count: int = 1
    feature_group_count: int = 1
    dimension_numbers: bytes = b""
    rhs_quantization_axis: int = -1
    rhs_quantization_min_val: int
    rhs_quantization_max_val: int

    def eager(self, lhs, rhs, rhs_scales, rhs_zero_points):
        scale, zero = steps(self, rhs, rhs_scales, rhs_zero_points, self.rhs_quantization_axis)
        axes = tuple(a for a in range(lhs.ndim) if a != self.layouts(lhs.ndim)[0][0])
        left, step = counted_by_row(lhs, axes)
        weights = rhs.astype(np.int64) - zero
        counted = self.convolved(left, weights)
        return (counted * (step * by_features(self, scale, counted.ndim))).astype(self.Tout.np)


def by_features(op, scales, rank):
    """The kernels' scales, reshaped to broadcast along the result's features."""
    if op.rhs_quantization_axis < 0:
        return scales
    features = op.layouts(rank)[2][1]
    return scales.reshape([-1 if axis == features else 1 for axis in range(rank)])
