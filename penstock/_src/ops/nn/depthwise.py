"""Depthwise convolution and its gradients."""

from typing import Literal

import numpy as np

from penstock._src.core.calls.facts import HEAVY, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT
from penstock._src.ops.nn import convolution as cv
from penstock._src.ops.nn.window import (
    channel_axis,
    explicit_pairs,
    known_shape,
    out_extent,
    pad_axes,
    padded_shape,
    spatial_axes,
    taps,
    unpad_axes,
)
from penstock._src.ops.rules import dims_of, in_float32, quiet, shape_of, show
from penstock._src.ops.sums import add_up


class DepthwiseConv2dNative(Op):
    """Each channel convolved with its own filters [rows, columns, channels, multiplier]; the results are concatenated."""

    signature = "input: T, filter: T -> output: T"
    elements = Elements(vectorizes_one_by_one=True)
    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter")
    T = FLOAT
    strides: list[int]
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]
    vectorize = "examples, shared"

    def shape(self, input, filter):
        input, filter = input.with_rank(4), filter.with_rank(4)
        axes, channels = spatial_axes(self.data_format, 4), channel_axis(self.data_format, 4)
        depth = TensorShape([input[channels]]).merge_with([filter[2]])[0]
        pairs = explicit_pairs(self.explicit_paddings, axes)
        dims = [input[0]] * 4
        dims[channels] = None if depth is None or filter[3] is None else depth * filter[3]
        for i, a in enumerate(axes):
            dims[a] = out_extent(
                "DepthwiseConv2dNative",
                input[a],
                filter[i],
                self.strides[a],
                self.dilations[a],
                self.padding,
                pairs[i],
            )
        return TensorShape(dims)

    def gradient(self, input, filter, _output, dy):
        attrs = cv_attrs(self)
        return (
            raw.DepthwiseConv2dNativeBackpropInput(
                input_sizes=shape_of(input), filter=filter, out_backprop=dy, **attrs
            ),
            raw.DepthwiseConv2dNativeBackpropFilter(
                input=input, filter_sizes=shape_of(filter), out_backprop=dy, **attrs
            ),
        )

    @quiet
    def eager(self, input, filter):
        c = geometry(self, input.shape, filter.shape)
        x = pad_axes(np.moveaxis(in_float32(input), c.channels, -1), [1, 2], c.windows)
        w = in_float32(filter)
        out = np.zeros((x.shape[0], *(v.out for v in c.windows), *w.shape[2:]), x.dtype)
        for offsets in np.ndindex(*w.shape[:2]):
            out += x[taps([1, 2], c.windows, offsets)][..., None] * w[offsets]
        out = np.moveaxis(out.reshape(*out.shape[:3], w.shape[2] * w.shape[3]), -1, c.channels)
        return np.ascontiguousarray(out).astype(input.dtype, copy=False)

    def lower(self, p, input, filter):
        c = geometry(self, input.shape, filter.shape)
        if 0 in filter.shape[:2]:
            shape = c.output_shape(input.shape[0], filter.shape[2] * filter.shape[3])
            return p.full(shape, 0, input.dtype)
        last = cv.with_channels_last(c)
        patches = cv.view(p, _turned_last(p, input, c), last)
        y = cv.merge(p, p.contract("nxycij,ijcm->nxycm", patches, filter), last.channels)
        return _as_given(p, y, c)


class DepthwiseConv2dNativeBackpropInput(Op):
    """The gradient of DepthwiseConv2dNative with respect to its input."""

    ranks = {"input_sizes": (1,)}
    signature = "input_sizes: int32, filter: T, out_backprop: T -> output: T"
    elements = Elements(vectorizes_one_by_one=True)
    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter")
    T = FLOAT
    strides: list[int]
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]
    vectorize = "batch, shared, examples"

    def shape(self, input_sizes, filter, out_backprop):
        return known_shape(input_sizes, 4).with_rank(4)

    def gradient(self, _input_sizes, filter, out_backprop, _output, dy):
        attrs = cv_attrs(self)
        by_filter = raw.DepthwiseConv2dNativeBackpropFilter(
            input=dy, filter_sizes=shape_of(filter), out_backprop=out_backprop, **attrs
        )
        return None, by_filter, raw.DepthwiseConv2dNative(input=dy, filter=filter, **attrs)

    @quiet
    def eager(self, input_sizes, filter, out_backprop):
        shape = [int(s) for s in input_sizes]
        c = geometry(self, shape, filter.shape, out_backprop.shape)
        g = np.moveaxis(in_float32(out_backprop), c.channels, -1)
        w = in_float32(filter)
        g = g.reshape(*g.shape[:3], *w.shape[2:])
        last = [shape[0], *(shape[a] for a in c.axes), shape[c.channels]]
        out = np.zeros(padded_shape(last, [1, 2], c.windows), g.dtype)
        for offsets in np.ndindex(*w.shape[:2]):
            out[taps([1, 2], c.windows, offsets)] += (g * w[offsets]).sum(-1)
        out = np.moveaxis(unpad_axes(out, [1, 2], c.windows), -1, c.channels)
        return np.ascontiguousarray(out).astype(out_backprop.dtype, copy=False)

    def lower(self, p, input_sizes, filter, out_backprop):
        shape = dims_of(p, input_sizes, "input_sizes")
        c = geometry(self, shape, filter.shape, out_backprop.shape)
        if any(w.out == 0 or w.extent == 0 or w.size == 0 for w in c.windows):
            return p.full(shape, 0, out_backprop.dtype)
        last = cv.with_channels_last(c)
        dy = cv.split(p, _turned_last(p, out_backprop, c), last.channels, filter.shape[2])
        patches = cv.gradient_view(p, dy, cv.grouped_geometry(last))
        dx = p.contract("nxycmij,ijcm->nxyc", patches, p.reverse(filter, [0, 1]))
        return _as_given(p, dx, c)


class DepthwiseConv2dNativeBackpropFilter(Op):
    """The gradient of DepthwiseConv2dNative with respect to its filter."""

    ranks = {"filter_sizes": (1,)}
    signature = "input: T, filter_sizes: int32, out_backprop: T -> output: T"
    elements = Elements(vectorizes_one_by_one=True)
    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter_sizes")
    T = FLOAT
    strides: list[int]
    padding: Literal["SAME", "VALID", "EXPLICIT"]
    explicit_paddings: list[int] = []
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    dilations: list[int] = [1, 1, 1, 1]

    def shape(self, input, filter_sizes, out_backprop):
        return known_shape(filter_sizes, 4).with_rank(4)

    def gradient(self, input, _filter_sizes, out_backprop, _output, dy):
        attrs = cv_attrs(self)
        by_input = raw.DepthwiseConv2dNativeBackpropInput(
            input_sizes=shape_of(input), filter=dy, out_backprop=out_backprop, **attrs
        )
        return by_input, None, raw.DepthwiseConv2dNative(input=input, filter=dy, **attrs)

    @quiet
    def eager(self, input, filter_sizes, out_backprop):
        shape = [int(s) for s in filter_sizes]
        c = geometry(self, input.shape, shape, out_backprop.shape)
        x = pad_axes(np.moveaxis(in_float32(input), c.channels, -1), [1, 2], c.windows)
        g = np.moveaxis(in_float32(out_backprop), c.channels, -1)
        g = g.reshape(*g.shape[:3], *shape[2:])
        out = np.zeros(shape, g.dtype)
        for offsets in np.ndindex(*shape[:2]):
            part = x[taps([1, 2], c.windows, offsets)]
            out[offsets] = add_up(part[..., np.newaxis] * g, (0, 1, 2))
        return out.astype(input.dtype, copy=False)

    def lower(self, p, input, filter_sizes, out_backprop):
        shape = dims_of(p, filter_sizes, "filter_sizes")
        c = geometry(self, input.shape, shape, out_backprop.shape)
        if 0 in shape[:2]:
            return p.full(shape, 0, input.dtype)
        last = cv.with_channels_last(c)
        dy = cv.split(p, _turned_last(p, out_backprop, c), last.channels, shape[2])
        patches = cv.view(p, _turned_last(p, input, c), last)
        return p.contract("nxycij,nxycm->ijcm", patches, dy)


def _turned_last(p, x, c):
    """Images of a geometry with channels last."""
    return cv.turned_last(p, x) if c.channels == 1 else x


def _as_given(p, x, c):
    """Images with channels last in the order of a geometry."""
    return cv.turned_first(p, x) if c.channels == 1 else x


def cv_attrs(op):
    """The attributes shared by the three ops."""
    names = ("strides", "padding", "explicit_paddings", "data_format", "dilations")
    return {n: op.attrs[n] for n in names}


def geometry(op, input_shape, filter_shape, output_shape=None):
    """The geometry of one call, checked."""
    for what, shape in (("input", input_shape), ("filter", filter_shape)):
        if len(shape) != 4:
            raise op.invalid(f"{what} must be 4-dimensional: {show(shape)}")
    axes, channels = spatial_axes(op.data_format, 4), channel_axis(op.data_format, 4)
    if input_shape[channels] != filter_shape[2]:
        raise op.invalid(
            "input and filter must have the same depth: "
            f"{input_shape[channels]} vs {filter_shape[2]}"
        )
    windows = cv.windows_along(op, axes, input_shape, filter_shape)
    c = cv.Convolution(type(op).__name__, axes, channels, windows, 1)
    expected = c.output_shape(input_shape[0], filter_shape[2] * filter_shape[3])
    if output_shape is not None and list(output_shape) != expected:
        raise op.invalid(f"out_backprop must have shape {expected}. Received {list(output_shape)}")
    return c
