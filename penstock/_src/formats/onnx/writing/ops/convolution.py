"""Convolutions and pooling: with channels first, between transposes that `transposes.py` removes again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.writing.integer_operands import are_exact_as_floats, as_bytes
from penstock._src.formats.onnx.writing.taps import can_be_taps, sum_of_taps
from penstock._src.formats.onnx.writing.writer import (
    Writer,
    attribute_of,
    known,
    rank,
    sizes,
    writes,
)
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value


class Layout:
    """The axes of channels in the input and output of an operation.

    Args:
      op: the operation, with its attribute data_format.
      dimensions: of its images, with batch and channels.
    """

    def __init__(self, op: Operation, dimensions: int) -> None:
        form = attribute_of(op, "data_format", "NHWC")
        self.last = form in ("NHWC", "NDHWC", "NWC", "CHANNELS_LAST")
        self.dimensions = dimensions
        self.channel = dimensions - 1 if self.last else 1
        self.spatial = range(1, dimensions - 1) if self.last else range(2, dimensions)

    def inwards(self, w: Writer, x: str) -> str:
        """x with channels first."""
        return (
            w.transpose(x, [0, self.dimensions - 1, *range(1, self.dimensions - 1)])
            if self.last
            else x
        )

    def outwards(self, w: Writer, x: str) -> str:
        """A result in the operation's layout."""
        return w.transpose(x, [0, *range(2, self.dimensions), 1]) if self.last else x

    def of_spatial(self, op: Operation, name: str) -> list[int]:
        """An attribute with an entry for each dimension, of the spatial ones."""
        values = attribute_of(op, name)
        if not values:
            return [1] * len(self.spatial)
        return [int(values[axis]) for axis in self.spatial]


def window(
    op: Operation,
    layout: Layout,
    kernel: Sequence[int | None],
    strides: Sequence[int],
    dilations: Any = None,
) -> dict[str, Any]:
    """The padding attributes of a node."""
    padding = attribute_of(op, "padding")
    if padding == "SAME":
        pairs = []
        for i, axis in enumerate(layout.spatial):
            size, k, stride = sizes(op.inputs[0])[axis], kernel[i], strides[i]
            if k is None or (size is None and stride > 1):
                if dilations is not None and any(d > 1 for d in dilations):
                    raise UnimplementedError("dilated strides over a size that is not known.")
                return {"auto_pad": "SAME_UPPER"}
            reach = (k - 1) * (1 if dilations is None else dilations[i]) + 1
            total = (
                reach - 1
                if size is None
                else max((-(-size // stride) - 1) * stride + reach - size, 0)
            )
            pairs.append((total // 2, total - total // 2))
        return {"pads": np.array(pairs).T.reshape(-1).tolist()}
    if padding == "EXPLICIT":
        pairs = np.reshape(attribute_of(op, "explicit_paddings"), (-1, 2))
        chosen = pairs[list(layout.spatial)] if len(pairs) == layout.dimensions else pairs
        return {"pads": chosen.T.reshape(-1).tolist()}
    return {}


def filters_first(w: Writer, name: str, spatial: int) -> str:
    """Filters [spatial..., in, out] as [out, in, spatial...]."""
    return w.transpose(name, [spatial + 1, spatial, *range(spatial)])


def _convolved(
    w: Writer, op: Operation, layout: Layout, x: str, filters: str, channels: int, **settings: Any
) -> str:
    """The convolution of images with filters [spatial..., in, out]: a Conv of floats, or a ConvInteger of int32 that fit bytes.

    Args:
      w, op: the writer, and what it writes.
      layout: the operation's.
      x, filters: names.
      channels: of the images.
      **settings: the node's attributes.

    Raises:
      UnimplementedError: ONNX convolves no such numbers.
    """
    dtype = op.outputs[0].dtype
    if not dtype.is_floating and dtype is not dtypes.int32:
        raise UnimplementedError(f"a convolution of {dtype.name} cannot be written.")
    doubles = dtype is dtypes.float64 and "auto_pad" not in settings
    if doubles and can_be_taps(w, filters, channels):
        pads = np.reshape(settings.get("pads", [0] * 2 * len(layout.spatial)), (2, -1))
        return sum_of_taps(w, layout, x, filters, settings["strides"], settings["dilations"], pads)
    images, weights = layout.inwards(w, x), filters_first(w, filters, len(layout.spatial))
    if dtype.is_floating:
        return layout.outwards(w, w.node("Conv", images, weights, **settings))
    one, other = as_bytes(w, images, op.inputs[0]), as_bytes(w, weights, op.inputs[1])
    y = w.node("ConvInteger", one.values, other.values, one.zero, other.zero, **settings)
    return layout.outwards(w, y)


@writes("Conv2D", "Conv3D", "Conv")
def _conv(w: Writer, op: Operation, x: str, filters: str) -> str:
    layout = Layout(op, rank(op.inputs[0]))
    if op.type == "Conv" and attribute_of(op, "batch_dims") != 1:
        raise UnimplementedError("several dimensions of batches cannot be written.")
    channels, per_group = sizes(op.inputs[0])[layout.channel], sizes(op.inputs[1])[-2]
    if channels is None or per_group is None:
        raise UnimplementedError("channels must be known.")
    strides, dilations = layout.of_spatial(op, "strides"), layout.of_spatial(op, "dilations")
    around = window(op, layout, sizes(op.inputs[1])[:-2], strides, dilations)
    settings = {"strides": strides, "dilations": dilations, "group": channels // per_group}
    return _convolved(w, op, layout, x, filters, channels, **settings, **around)


@writes("DepthwiseConv2dNative")
def _depthwise(w: Writer, op: Operation, x: str, filters: str) -> str:
    layout = Layout(op, 4)
    height, width, channels, multiplier = sizes(op.inputs[1])
    if height is None or width is None or channels is None or multiplier is None:
        raise UnimplementedError("the sizes of filters must be known.")
    flat = w.reshape(filters, height, width, 1, channels * multiplier)
    strides, dilations = layout.of_spatial(op, "strides"), layout.of_spatial(op, "dilations")
    around = window(op, layout, [height, width], strides, dilations)
    settings = {"strides": strides, "dilations": dilations, "group": channels}
    return _convolved(w, op, layout, x, flat, channels, **settings, **around)


@writes("Conv2DBackpropInput", "Conv3DBackpropInputV2")
def _transposed(w: Writer, op: Operation, shape: str, filters: str, x: str) -> str:
    layout = Layout(op, rank(op.inputs[2]))
    kernel = sizes(op.inputs[1])[:-2]
    floats = _floats_of_transposed(op)
    x, filters = (
        w.cast(name, tensor.dtype, floats)
        for name, tensor in zip((x, filters), op.inputs[:0:-1], strict=True)
    )
    rows = [sizes(op.inputs[2])[axis] for axis in layout.spatial]
    value = constant_value(op.inputs[0])
    outputs = [
        sizes(op.outputs[0])[axis] if value is None else int(value[axis]) for axis in layout.spatial
    ]
    strides, dilations = layout.of_spatial(op, "strides"), layout.of_spatial(op, "dilations")
    reach = [(int(k or 0) - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads, extra = [], []
    explicit = None
    if attribute_of(op, "padding") == "EXPLICIT":
        explicit = window(op, layout, kernel, strides)["pads"]
    for i, stride in enumerate(strides):
        before, after, more = _cut(op, rows[i], outputs[i], stride, reach[i], explicit, i)
        pads.append((before, after))
        extra.append(more)
    groups = _groups_of_transposed(op, layout)
    y = w.node(
        "ConvTranspose",
        layout.inwards(w, x),
        filters_first(w, filters, len(kernel)),
        strides=strides,
        dilations=dilations,
        pads=[p[0] for p in pads] + [p[1] for p in pads],
        output_padding=extra if any(extra) else None,
        group=groups,
    )
    return layout.outwards(w, w.cast(y, floats, op.outputs[0].dtype))


def _floats_of_transposed(op: Operation) -> DType:
    """The type in which a transposed convolution is computed: integers in float32, if it holds all their sums.

    Raises:
      UnimplementedError: it does not.
    """
    dtype = op.outputs[0].dtype
    if dtype.is_floating:
        return dtype
    filters = sizes(op.inputs[1])
    terms = None if None in filters else math.prod(n for n in filters if n) // (filters[-2] or 1)
    if terms is None or not are_exact_as_floats(op.inputs[2], op.inputs[1], terms):
        raise UnimplementedError(
            f"a transposed convolution of {dtype.name} cannot be written: ONNX's takes floats, and sums here may not fit float32."
        )
    return dtypes.float32


def _groups_of_transposed(op: Operation, layout: Layout) -> int:
    channels, inner = sizes(op.outputs[0])[layout.channel], sizes(op.inputs[1])[-2]
    return 1 if channels is None or not inner else max(channels // inner, 1)


def _cut(
    op: Operation,
    rows: int | None,
    output: int | None,
    stride: int,
    reach: int,
    explicit: Any,
    i: int,
) -> tuple[int, int, int]:
    """The rows that a transposed convolution removes before and after, and those that it adds at the end."""
    padding = attribute_of(op, "padding")
    if rows is None or output is None:
        # The usual output has `stride` rows for each of the input, and in VALID what its last window reaches beyond.
        rows = 1
        output = stride if padding == "SAME" else stride + max(reach - stride, 0)
    if explicit is not None:
        before = explicit[i]
    elif padding == "SAME":
        before = max((-(-output // stride) - 1) * stride + reach - output, 0) // 2
    else:
        before = 0
    after = (rows - 1) * stride + reach - before - output
    return before, max(after, 0), max(-after, 0)


@writes("MaxPool", "MaxPool3D", "AvgPool", "AvgPool3D")
def _pool(w: Writer, op: Operation, x: str) -> str:
    layout = Layout(op, rank(op.outputs[0]))
    return _pooled(w, op, x, layout, attribute_of(op, "ksize"), attribute_of(op, "strides"))


@writes("MaxPoolV2")
def _pool_of_inputs(w: Writer, op: Operation, x: str, size: str, strides: str) -> str:
    layout = Layout(op, 4)
    ksize, steps = (known(t, "the window").tolist() for t in op.inputs[1:])
    return _pooled(w, op, x, layout, ksize, steps)


def _pooled(
    w: Writer, op: Operation, x: str, layout: Layout, size: Sequence[int], strides: Sequence[int]
) -> str:
    if size[0] != 1 or size[layout.channel] != 1:
        raise UnimplementedError("windows over batches or channels cannot be written.")
    dtype, held = op.inputs[0].dtype, op.inputs[0].dtype
    if dtype.is_integer and dtype.size > 1:
        if dtype.size > 4:
            raise UnimplementedError(f"windows of {dtype.name} cannot be written.")
        # ONNX has maxima of bytes and floats; these hold the other integers.
        held = dtypes.float32 if dtype.size == 2 else dtypes.float64
    kernel = [int(size[axis]) for axis in layout.spatial]
    steps = [int(strides[axis]) for axis in layout.spatial]
    y = w.node(
        "MaxPool" if op.type.startswith("Max") else "AveragePool",
        layout.inwards(w, w.cast(x, dtype, held)),
        kernel_shape=kernel,
        strides=steps,
        **window(op, layout, kernel, steps),
    )
    return w.cast(layout.outwards(w, y), held, dtype)


@writes("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def _batch_norm(w: Writer, op: Operation, x: str, *statistics: str) -> Any:
    if attribute_of(op, "is_training"):
        raise UnimplementedError("batch normalization in training cannot be written.")
    layout = Layout(op, rank(op.inputs[0]))
    epsilon = float(attribute_of(op, "epsilon"))
    y = w.node("BatchNormalization", layout.inwards(w, x), *statistics, epsilon=epsilon)
    # The other outputs are the statistics as they came.
    return (layout.outwards(w, y), statistics[2], statistics[3], statistics[2], statistics[3])


@writes("LRN")
def _lrn(w: Writer, op: Operation, x: str) -> str:
    layout = Layout(op, 4)
    size = 2 * int(attribute_of(op, "depth_radius")) + 1
    y = w.node(
        "LRN",
        layout.inwards(w, x),
        size=size,
        alpha=float(attribute_of(op, "alpha")) * size,
        beta=float(attribute_of(op, "beta")),
        bias=float(attribute_of(op, "bias")),
    )
    return layout.outwards(w, y)


@writes("SpaceToDepth", "DepthToSpace")
def _blocks(w: Writer, op: Operation, x: str) -> str:
    layout = Layout(op, 4)
    block = int(attribute_of(op, "block_size"))
    y = w.node(op.type, layout.inwards(w, x), blocksize=block)
    return layout.outwards(w, y)


def resized(w: Writer, op: Operation, x: str, size: str, **attributes: Any) -> str:
    """A Resize of images with channels last to a height and width."""
    value = constant_value(op.inputs[1])
    shape = sizes(op.inputs[0])
    images = w.transpose(x, [0, 3, 1, 2])
    if value is not None and None not in shape:
        goal = w.ints(shape[0], shape[3], *value.tolist())  # type: ignore[arg-type]
    else:
        goal = w.vector([w.node("Shape", images, start=0, end=2), w.int64(size, op.inputs[1])])
    y = w.node("Resize", images, "", "", goal, **attributes)
    return w.transpose(y, [0, 2, 3, 1])


@writes("ResizeBilinear", "ResizeBicubic", "ResizeNearestNeighbor")
def _resize(w: Writer, op: Operation, x: str, size: str) -> str:
    corners, half = attribute_of(op, "align_corners"), attribute_of(op, "half_pixel_centers")
    mode = {"ResizeBilinear": "linear", "ResizeBicubic": "cubic"}.get(op.type, "nearest")
    attributes: dict[str, Any] = {"mode": mode}
    transform = "align_corners" if corners else "half_pixel" if half else "asymmetric"
    if mode == "nearest":
        attributes["nearest_mode"] = "round_prefer_ceil" if corners else "floor"
        if half:  # floor((i + 0.5) * scale), without half a pixel back
            transform, attributes["nearest_mode"] = "half_pixel", "round_prefer_ceil"
    elif mode == "cubic":
        attributes["cubic_coeff_a"] = -0.5 if half else -0.75
        attributes["exclude_outside"] = 1 if half else None
    attributes["coordinate_transformation_mode"] = transform
    source = op.inputs[0].dtype
    if mode != "nearest" and source is not op.outputs[0].dtype:
        x = w.cast(x, source, op.outputs[0].dtype)
    return resized(w, op, x, size, **attributes)
