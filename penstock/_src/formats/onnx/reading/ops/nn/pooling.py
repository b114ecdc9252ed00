"""Pooling of windows, over any number of dimensions."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.convolution import first, last, per_dimension
from penstock._src.formats.onnx.reading.ops.nn.pads import (
    Pads,
    any_pads,
    are_known,
    explicit,
    known_pads,
    padded,
    rounded_up,
    window_pads,
)
from penstock._src.formats.onnx.reading.registry import Node, reads


class Window:
    """The windows of a pooling node over an input [batch, channels, spatial...].

    Attributes:
      kernel, strides, dilations: for each spatial dimension.
      pads: rows that are added before and after, those for `ceil_mode` included.
      real_pads: without those for `ceil_mode`.
    """

    def __init__(self, n: Node, x: Any) -> None:
        spatial = t.rank(x) - 2
        self.kernel: list[int] = n.attr("kernel_shape")
        if len(self.kernel) != spatial or any(k < 1 for k in self.kernel):
            raise InvalidArgumentError(f"kernel_shape {self.kernel} does not fit {x.shape}.")
        self.strides = per_dimension(n, "strides", spatial)
        self.dilations = per_dimension(n, "dilations", spatial)
        sizes = t.extents(x)[2:]
        self.real_pads = window_pads(n, sizes, self.kernel, self.strides, self.dilations)
        self.pads: Pads = self.real_pads
        if n.flag("ceil_mode"):
            settings = zip(sizes, self.pads, self.kernel, self.strides, self.dilations, strict=True)
            self.pads = [rounded_up(*each) for each in settings]

    @property
    def is_plain(self) -> bool:
        """True if raw ops have such windows: two dimensions without dilations."""
        return len(self.kernel) == 2 and all(d == 1 for d in self.dilations)

    def views(self, x: Any) -> list[Any]:
        """For every offset in a window the elements there, one of each window; x is padded."""
        windows = []
        for offsets in itertools.product(*(range(k) for k in self.kernel)):
            view = x
            for i, offset in enumerate(offsets):
                begin = offset * self.dilations[i]
                rest = (self.kernel[i] - 1 - offset) * self.dilations[i]
                view = t.slice_along(view, 2 + i, begin, -rest or None, self.strides[i])
            windows.append(view)
        return windows


def _lowest(x: Any) -> Any:
    if x.dtype.is_floating:
        return -math.inf
    return x.dtype.min


@reads("MaxPool")
def max_pool(n: Node, x: Any) -> Any:
    """The greatest elements of the node's windows, and where they are if that is wanted."""
    window = Window(n, x)
    if window.is_plain and x.dtype.is_floating and not n.wants(1):
        pads: Pads = window.pads
        if not are_known(pads):
            x, pads = padded(x, pads, _lowest(x)), [(0, 0), (0, 0)]
        size, steps = [1, *window.kernel, 1], [1, *window.strides, 1]
        return first(raw.MaxPool(last(x), ksize=size, strides=steps, **explicit(pads)))
    around = padded(x, window.pads, _lowest(x))
    if n.wants(1):
        return _max_with_places(n, x, around, window)
    dtype = x.dtype
    views = window.views(around)
    if dtype.is_integer and dtype.size < 4:
        views = [t.cast(v, dtypes.int32) for v in views]
    return t.cast(reduce(raw.Maximum, views), dtype)


def _max_with_places(n: Node, x: Any, around: Any, window: Window) -> tuple[Any, Any]:
    """The greatest elements, and where they are in the flat input."""
    sizes = t.extents(x)
    count = t.product(sizes)
    if n.flag("storage_order"):  # the first spatial dimension is the fastest
        order = [0, 1, *range(2, len(sizes))[::-1]]
        turned = t.reshape(t.numbers(count), [sizes[axis] for axis in order])
        numbers = t.transpose(turned, np.argsort(order).tolist())
    else:
        numbers = t.reshape(t.numbers(count), sizes)
    places = window.views(padded(numbers, window.pads, -1))
    best, where = None, None
    for value, place in zip(window.views(around), places):
        if best is None:
            best, where = value, place
            continue
        better = raw.LogicalOr(
            raw.Greater(value, best),
            raw.LogicalAnd(raw.Less(where, t.int64(0)), raw.GreaterEqual(place, t.int64(0))),
        )
        best, where = raw.SelectV2(better, value, best), raw.SelectV2(better, place, where)
    return best, where


@reads("AveragePool")
def average_pool(n: Node, x: Any) -> Any:
    """The means of the node's windows."""
    window = Window(n, x)
    if window.is_plain and not any_pads(window.pads):
        return first(_means(last(x), window))
    totals = _totals(x, window, window.pads)
    ones = raw.Fill(t.vector([1, 1, *t.extents(x)[2:]]), t.like(1, x))
    if n.flag("count_include_pad"):  # the pads count, those for ceil_mode do not
        ones = padded(ones, window.real_pads, 1)
        behind = [(0, b - a) for (_, a), (_, b) in zip(window.real_pads, window.pads)]
        counts = _totals(ones, window, behind)
    else:
        counts = _totals(ones, window, window.pads)
    return raw.RealDiv(totals, counts)


def _totals(x: Any, window: Window, pads: Pads) -> Any:
    """The sum of every window."""
    if window.is_plain:
        inner = last(x)
        inner = padded(inner, pads, channels_last=True)
        return first(raw.Mul(_means(inner, window), t.like(math.prod(window.kernel), x)))
    return reduce(raw.AddV2, window.views(padded(x, pads, 0)))


def _means(x: Any, window: Window) -> Any:
    """The mean of every window of images with channels last."""
    size, steps = [1, *window.kernel, 1], [1, *window.strides, 1]
    return raw.AvgPool(x, ksize=size, strides=steps, padding="VALID")


@reads("LpPool")
def _lp_pool(n: Node, x: Any) -> Any:
    p = n.attr("p", 2)
    window = Window(n, x)
    powers = raw.Pow(raw.Abs(x), t.like(p, x))
    return raw.Pow(_totals(powers, window, window.pads), t.like(1 / p, x))


def _over_all(x: Any, reduce_: Callable[..., Any]) -> Any:
    reduced = t.turned(x)
    if reduced is not None:  # over the dimensions of the transpose's source
        source, order = reduced
        axes = np.array([order[a] for a in range(2, t.rank(x))], np.int32)
        return t.transpose(reduce_(source, axes, keep_dims=True), order)
    return reduce_(x, np.arange(2, t.rank(x), dtype=np.int32), keep_dims=True)


@reads("GlobalAveragePool")
def _global_average_pool(n: Node, x: Any) -> Any:
    return _over_all(x, raw.Mean)


@reads("GlobalMaxPool")
def _global_max_pool(n: Node, x: Any) -> Any:
    return _over_all(x, raw.Max)


@reads("GlobalLpPool")
def _global_lp_pool(n: Node, x: Any) -> Any:
    p = n.attr("p", 2)
    total = _over_all(raw.Pow(raw.Abs(x), t.like(p, x)), raw.Sum)
    return raw.Pow(total, t.like(1 / p, x))


@reads("MaxUnpool", settings=(2,))
def _max_unpool(n: Node, x: Any, places: Any, shape: Any = None) -> Any:
    kernel = n.attr("kernel_shape")
    strides = per_dimension(n, "strides", len(kernel))
    pads = known_pads(n, window_pads(n, t.extents(x)[2:], kernel, strides, [1] * len(kernel)))
    sizes = t.extents(x)
    natural = _unpooled_sizes(sizes, kernel, strides, pads)
    grid = [*sizes[:2], *natural]
    if shape is None:
        return _placed(x, places, grid)
    # Indices refer to an image of natural size, which is in the corner of the output.
    small = _placed(x, places, grid)
    amounts = raw.Sub(shape, t.vector(grid))
    return raw.Pad(small, raw.Pack([raw.ZerosLike(amounts), amounts], axis=1))


def _unpooled_sizes(
    sizes: Sequence[Any], kernel: Sequence[int], strides: Sequence[int], pads: Pads
) -> list[Any]:
    unpooled = []
    for size, k, stride, (before, after) in zip(sizes[2:], kernel, strides, pads):
        if not isinstance(size, int):
            raise UnimplementedError("sizes that are not known are not supported.")
        unpooled.append((size - 1) * stride + k - before - after)
    return unpooled


def _placed(x: Any, places: Any, sizes: Sequence[Any]) -> Any:
    count = t.product(sizes)
    total = t.int64(count) if isinstance(count, int) else count
    flat = raw.ScatterNd(
        t.reshape(places, [-1, 1]), t.reshape(x, [-1]), raw.Reshape(total, t.int64([1]))
    )
    return t.reshape(flat, list(sizes))


@reads("MaxRoiPool", settings=(1,))
def _max_roi_pool(n: Node, x: Any, rois: Any) -> Any:
    """The greatest element of each cell of boxes: a mask of rows and one of columns for every cell."""
    height, width = n.attr("pooled_shape")
    scale = n.attr("spatial_scale", 1.0)
    owners = t.cast(t.slice_along(rois, 1, 0, 1), dtypes.int64)
    corners = _rounded(raw.Mul(t.slice_along(rois, 1, 1, 5), t.like(scale, rois)))
    left, top, right, bottom = raw.Unpack(corners, num=4, axis=1)
    rows = _cells(top, bottom, height, t.extents(x)[2])  # [boxes, height, H]
    columns = _cells(left, right, width, t.extents(x)[3])
    images = t.batched_gather(x, raw.Squeeze(owners, axis=[1]), 0)  # [boxes, C, H, W]
    lowest = t.like(-math.inf, x)
    by_row = raw.SelectV2(t.expand_dims(rows, [1, 4]), t.expand_dims(images, [2]), lowest)
    tall = raw.Max(by_row, np.int32(3))  # [boxes, C, height, W]
    by_column = raw.SelectV2(t.expand_dims(columns, [1, 2]), t.expand_dims(tall, [3]), lowest)
    maxima = raw.Max(by_column, np.int32(4))
    return raw.SelectV2(raw.IsFinite(maxima), maxima, t.like(0, x))


def _rounded(x: Any) -> Any:
    """x as whole numbers; halves go away from zero, unlike those of `Round`."""
    size = raw.Abs(x)
    whole = raw.Floor(size)
    is_above = raw.GreaterEqual(raw.Sub(size, whole), t.like(0.5, x))
    return raw.Mul(raw.Sign(x), raw.AddV2(whole, t.cast(is_above, x.dtype)))


def _cells(low: Any, high: Any, count: int, size: Any) -> Any:
    """True if each of `size` rows is in each of `count` cells of boxes: [boxes, count, size]."""
    length = raw.Maximum(raw.AddV2(raw.Sub(high, low), t.like(1, low)), t.like(1, low))
    part = t.expand_dims(raw.RealDiv(length, t.like(count, low)), [1])
    cells = t.like(np.arange(count), low)
    begin = raw.AddV2(raw.Floor(raw.Mul(part, cells)), t.expand_dims(low, [1]))
    end = raw.AddV2(
        raw.Ceil(raw.Mul(part, raw.AddV2(cells, t.like(1, low)))), t.expand_dims(low, [1])
    )
    rows = t.cast(t.numbers(size), low.dtype)
    after = raw.GreaterEqual(rows, t.expand_dims(begin, [2]))
    return raw.LogicalAnd(after, raw.Less(rows, t.expand_dims(end, [2])))
