"""Values of images between pixels: GridSample, AffineGrid, RoiAlign, DeformConv; and NonMaxSuppression."""

import itertools
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.convolution import per_dimension
from penstock._src.formats.onnx.reading.ops.nn.pads import known_pads, window_pads
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def _pixels(x: Any, places: Sequence[Any], inside_only: bool) -> Any:
    """x [N, C, spatial...] at integer indices, [N, points] for each spatial dimension: [N, points, C].

    Pixels outside are 0, or those at the border.
    """
    sizes = t.extents(x)
    number, valid = None, None
    for axis, place in enumerate(places):
        size = t.extent(x, 2 + axis)
        last = raw.Sub(size, t.int64(1))
        within = raw.LogicalAnd(raw.GreaterEqual(place, t.int64(0)), raw.LessEqual(place, last))
        valid = within if valid is None else raw.LogicalAnd(valid, within)
        row = raw.Minimum(raw.Maximum(place, t.int64(0)), last)
        number = row if number is None else raw.AddV2(raw.Mul(number, size), row)
    flat = t.reshape(x, [sizes[0], sizes[1], t.product(sizes[2:])])
    pixels = raw.GatherV2(t.transpose(flat, [0, 2, 1]), number, np.int32(1), batch_dims=1)
    return raw.SelectV2(t.expand_dims(valid, [2]), pixels, t.like(0, x)) if inside_only else pixels


def _linear(x: Any, places: Sequence[Any], inside_only: bool = True) -> Any:
    """x at fractional positions, by the nearest two pixels along every dimension."""
    bases = [raw.Floor(p) for p in places]
    total = None
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight, rows = None, []
        for side, base, place in zip(corner, bases, places):
            near = raw.AddV2(base, t.like(side, base))
            part = raw.Sub(t.like(1, place), raw.Abs(raw.Sub(place, near)))
            weight = part if weight is None else raw.Mul(weight, part)
            rows.append(t.cast(near, dtypes.int64))
        weighted = raw.Mul(
            _pixels(x, rows, inside_only), t.cast(t.expand_dims(weight, [2]), x.dtype)
        )
        total = weighted if total is None else raw.AddV2(total, weighted)
    return total


@reads("GridSample")
@reads("GridSample", domain=MICROSOFT)
def _grid_sample(n: Node, x: Any, grid: Any) -> Any:
    spatial = t.rank(x) - 2
    corners = n.flag("align_corners")
    sizes = t.extents(grid)
    points = t.reshape(grid, [sizes[0], t.product(sizes[1:-1]), spatial])
    places = []
    for axis in range(spatial):  # the grid has the last dimension first
        along = raw.Squeeze(t.slice_along(points, 2, spatial - 1 - axis, spatial - axis), axis=[2])
        size = t.cast(t.extent(x, 2 + axis), along.dtype)
        one, half = t.like(1, along), t.like(0.5, along)
        if corners:
            places.append(raw.Mul(raw.Mul(raw.AddV2(along, one), half), raw.Sub(size, one)))
        else:
            places.append(raw.Mul(raw.Sub(raw.Mul(raw.AddV2(along, one), size), one), half))
    y = _sampled(n, x, places, corners)
    channels = t.extents(x)[1]
    order = [0, spatial + 1, *range(1, spatial + 1)]
    return t.transpose(t.reshape(y, [sizes[0], *sizes[1:-1], channels]), order)


def _sampled(n: Node, x: Any, places: list[Any], corners: bool) -> Any:
    padding = n.attr("padding_mode", "zeros")
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(
        n.attr("mode", "linear"), n.attr("mode", "linear")
    )
    if padding not in ("zeros", "border", "reflection") or mode not in (
        "nearest",
        "linear",
        "cubic",
    ):
        raise InvalidArgumentError(f"the mode '{mode}' with '{padding}' is unknown.")
    sizes = [t.cast(t.extent(x, 2 + axis), p.dtype) for axis, p in enumerate(places)]

    def settled(place: Any, size: Any) -> Any:
        last = raw.Sub(size, t.like(1, size))
        if padding == "border":
            return raw.Minimum(raw.Maximum(place, t.like(0, place)), last)
        if padding == "reflection":
            return _reflected(place, size, corners)
        return place

    if mode == "nearest":
        rows = [settled(raw.Round(p), s) for p, s in zip(places, sizes)]
        return _pixels(x, [t.cast(raw.Round(r), dtypes.int64) for r in rows], padding == "zeros")
    if mode == "linear":
        return _linear(x, [settled(p, s) for p, s in zip(places, sizes)], padding == "zeros")
    total = None
    bases = [raw.Floor(p) for p in places]
    for offsets in itertools.product((-1, 0, 1, 2), repeat=len(places)):
        weight, rows = None, []
        for offset, base, place, size in zip(offsets, bases, places, sizes):
            near = raw.AddV2(base, t.like(offset, base))
            part = _cubic(raw.Abs(raw.Sub(place, near)))
            weight = part if weight is None else raw.Mul(weight, part)
            rows.append(t.cast(settled(near, size), dtypes.int64))
        samples = _pixels(x, rows, padding == "zeros")
        samples = raw.Mul(samples, t.cast(t.expand_dims(weight, [2]), x.dtype))
        total = samples if total is None else raw.AddV2(total, samples)
    return total


def _cubic(x: Any, a: float = -0.75) -> Any:
    """Keys' cubic kernel of distances."""

    def polynomial(*factors: float) -> Any:
        return reduce(
            lambda total, f: raw.AddV2(raw.Mul(total, x), t.like(f, x)),
            factors[1:],
            t.like(factors[0], x),
        )

    near, far = polynomial(a + 2, -(a + 3), 0.0, 1.0), polynomial(a, -5 * a, 8 * a, -4 * a)
    outer = raw.SelectV2(raw.Less(x, t.like(2, x)), far, t.like(0, x))
    return raw.SelectV2(raw.LessEqual(x, t.like(1, x)), near, outer)


def _reflected(place: Any, size: Any, corners: bool) -> Any:
    """Positions outside mirrored at the border: at the centers of the outer pixels, or at their edges."""
    low = t.like(0 if corners else -0.5, place)
    span = raw.Sub(size, t.like(1, size)) if corners else size
    span = raw.Maximum(span, t.like(1e-6, span))
    distance = raw.FloorMod(raw.Sub(place, low), raw.Mul(span, t.like(2, span)))
    mirrored = raw.Minimum(distance, raw.Sub(raw.Mul(span, t.like(2, span)), distance))
    inside = raw.AddV2(mirrored, low)
    return raw.Minimum(raw.Maximum(inside, t.like(0, inside)), raw.Sub(size, t.like(1, size)))


@reads("AffineGrid", settings=(1,))
def _affine_grid(n: Node, theta: Any, size: Any) -> Any:
    dimensions = theta.shape.as_list()[1]
    corners = n.flag("align_corners")
    rows = []
    for axis in range(dimensions):
        extent = t.element(t.cast(size, dtypes.int64), 2 + axis)
        known = t.known(extent)
        steps = t.cast(t.numbers(int(known) if known is not None else extent), theta.dtype)
        count = t.cast(extent, theta.dtype)
        one, two = t.like(1, steps), t.like(2, steps)
        if corners:
            spread = raw.Maximum(raw.Sub(count, one), one)
            rows.append(raw.Sub(raw.RealDiv(raw.Mul(steps, two), spread), one))
        else:
            rows.append(raw.Sub(raw.RealDiv(raw.AddV2(raw.Mul(steps, two), one), count), one))
    sizes = [t.extents(row)[0] for row in rows]
    grid = []
    for axis in range(dimensions)[::-1]:  # the last dimension comes first
        grid.append(raw.BroadcastTo(t.aligned(rows[axis], dimensions, axis), t.vector(sizes)))
    grid.append(raw.OnesLike(grid[0]))
    flat = t.reshape(raw.Pack(grid, axis=dimensions), [t.product(sizes), dimensions + 1])
    positions = t.matmul(t.expand_dims(flat, [0]), theta, adj_y=True)
    return t.reshape(positions, [t.extents(theta)[0], *sizes, dimensions])


@reads("RoiAlign")
def _roi_align(n: Node, x: Any, rois: Any, owners: Any) -> Any:
    height, width = n.attr("output_height", 1), n.attr("output_width", 1)
    ratio, scale = n.attr("sampling_ratio", 0), n.attr("spatial_scale", 1.0)
    default = "half_pixel" if n.version >= 16 else "output_half_pixel"
    half = n.attr("coordinate_transformation_mode", default) == "half_pixel"
    corners = raw.Sub(raw.Mul(rois, t.like(scale, rois)), t.like(0.5 if half else 0.0, rois))
    left, top, right, bottom = raw.Unpack(corners, num=4, axis=1)
    rows, row_counts = _bins(top, bottom, height, ratio, half)
    columns, column_counts = _bins(left, right, width, ratio, half)
    images = t.batched_gather(x, t.cast(owners, dtypes.int64), 0)
    boxes, (_, ys), (_, xs) = t.extents(rois)[0], t.extents(rows)[1:], t.extents(columns)[1:]
    shape = [boxes, height, ys, width, xs]
    down = raw.BroadcastTo(t.expand_dims(rows, [3, 4]), t.vector(shape))
    across = raw.BroadcastTo(t.expand_dims(columns, [1, 2]), t.vector(shape))
    flat = [boxes, t.product(shape[1:])]
    places = [t.reshape(down, flat), t.reshape(across, flat)]
    averaged = n.attr("mode", "avg") == "avg"
    values = _roi_values(images, places, averaged)
    channels = t.extents(x)[1]
    values = t.reshape(values, [*shape, channels])
    alive = raw.LogicalAnd(
        t.reshape(raw.Less(t.numbers(ys), t.expand_dims(row_counts, [1])), [boxes, 1, ys, 1, 1, 1]),
        t.reshape(
            raw.Less(t.numbers(xs), t.expand_dims(column_counts, [1])), [boxes, 1, 1, 1, xs, 1]
        ),
    )
    samples = np.array([2, 4], np.int32)
    if averaged:
        total = raw.Sum(raw.SelectV2(alive, values, t.like(0, values)), samples)
        count = t.cast(raw.Mul(row_counts, column_counts), x.dtype)
        y = raw.RealDiv(total, t.aligned(raw.Maximum(count, t.like(1, count)), 4, 0))
    else:
        y = raw.Max(raw.SelectV2(alive, values, t.like(-np.inf, values)), samples)
    return t.transpose(y, [0, 3, 1, 2])


def _bins(low: Any, high: Any, count: int, ratio: int, half: bool) -> tuple[Any, Any]:
    """Positions of samples [boxes, count, samples] along one dimension, and the number of samples of each box."""
    length = raw.Sub(high, low)
    if not half:
        length = raw.Maximum(length, t.like(1, length))
    part = raw.RealDiv(length, t.like(count, length))
    if ratio > 0:
        counts = raw.Fill(t.shape(low), t.int64(ratio))
        most: Any = ratio
    else:
        counts = raw.Maximum(t.cast(raw.Ceil(part), dtypes.int64), t.int64(0))
        most = raw.Maximum(raw.Max(counts, np.int32(0)), t.int64(1))
    samples = raw.AddV2(t.cast(t.numbers(most), low.dtype), t.like(0.5, low))
    step = raw.RealDiv(part, raw.Maximum(t.cast(counts, low.dtype), t.like(1, low)))
    inner = raw.Mul(t.expand_dims(step, [1]), samples)
    cells = raw.Mul(t.expand_dims(part, [1]), t.like(np.arange(count), low))
    places = raw.AddV2(t.expand_dims(cells, [2]), t.expand_dims(inner, [1]))
    return raw.AddV2(places, t.expand_dims(low, [1, 2])), counts


def _roi_values(x: Any, places: Sequence[Any], averaged: bool) -> Any:
    """x at positions; those more than a pixel outside give 0, those at the border the outer pixels."""
    outside, settled = None, []
    for axis, place in enumerate(places):
        size = t.cast(t.extent(x, 2 + axis), place.dtype)
        beyond = raw.LogicalOr(raw.Less(place, t.like(-1, place)), raw.Greater(place, size))
        outside = beyond if outside is None else raw.LogicalOr(outside, beyond)
        last = raw.Sub(size, t.like(1, size))
        settled.append(raw.Minimum(raw.Maximum(place, t.like(0, place)), last))
    if averaged:
        samples = _linear(x, settled, inside_only=False)
    else:  # the greatest of the four weighted pixels
        parts = []
        for corner in itertools.product((0, 1), repeat=2):
            weight, rows = None, []
            for side, place in zip(corner, settled):
                near = raw.AddV2(raw.Floor(place), t.like(side, place))
                part = raw.Sub(t.like(1, place), raw.Abs(raw.Sub(place, near)))
                weight = part if weight is None else raw.Mul(weight, part)
                rows.append(t.cast(near, dtypes.int64))
            parts.append(raw.Mul(_pixels(x, rows, False), t.expand_dims(weight, [2])))
        samples = reduce(raw.Maximum, parts)
    return raw.SelectV2(t.expand_dims(outside, [2]), t.like(0, x), samples)


@reads("DeformConv")
def _deform_conv(n: Node, x: Any, w: Any, offset: Any, b: Any = None, mask: Any = None) -> Any:
    kernel = w.shape.as_list()[2:]
    spatial, points = len(kernel), int(np.prod(kernel))
    strides = per_dimension(n, "strides", spatial)
    dilations = per_dimension(n, "dilations", spatial)
    pads = known_pads(n, window_pads(n, t.extents(x)[2:], kernel, strides, dilations))
    groups, shared = n.attr("group", 1), n.attr("offset_group", 1)
    batch, channels = t.extents(x)[:2]
    out = t.extents(offset)[2:]
    count = t.product(out)
    moves = t.reshape(offset, [batch, shared, points, spatial, *out])
    places = []
    for axis in range(spatial):
        taps = np.indices(kernel)[axis].reshape(-1) * dilations[axis] - pads[axis][0]
        grid = raw.Mul(t.cast(t.numbers(out[axis]), x.dtype), t.like(strides[axis], x))
        base = raw.AddV2(
            t.aligned(t.like(taps, x), spatial + 3, 2), t.aligned(grid, spatial + 3, 3 + axis)
        )
        own = raw.Squeeze(t.slice_along(moves, 3, axis, axis + 1), axis=[3])
        places.append(
            t.reshape(
                raw.AddV2(own, base), [t.product([batch, shared]), t.product([points, count])]
            )
        )
    images = t.reshape(x, [t.product([batch, shared]), channels // shared, *t.extents(x)[2:]])
    samples = _linear(images, places)  # [batch * shared, points * count, channels / shared]
    if mask is not None:
        samples = raw.Mul(
            samples, t.reshape(mask, [t.product([batch, shared]), t.product([points, count]), 1])
        )
    samples = t.reshape(samples, [batch, shared, points, count, channels // shared])
    columns = t.reshape(
        t.transpose(samples, [0, 1, 4, 2, 3]),
        [batch, groups, channels // groups * points, count],
    )
    outputs = w.shape.as_list()[0]
    filters = t.reshape(w, [groups, outputs // groups, channels // groups * points])
    y = t.reshape(t.matmul(filters, columns), [batch, outputs, *out])
    return y if b is None else raw.AddV2(y, t.aligned(b, t.rank(y), 1))


@reads("NonMaxSuppression", settings=(2, 3, 4))
def _non_max_suppression(
    n: Node, boxes: Any, scores: Any, most: Any = None, overlap: Any = None, least: Any = None
) -> Any:
    batch, classes = t.extents(scores)[:2]

    def scalar(value: Any, default: Any, dtype: Any) -> Any:
        if value is None:
            return t.constant(default, dtype)
        return t.cast(raw.Reshape(value, np.zeros(0, np.int32)), dtype)

    most = scalar(most, 0, dtypes.int64)
    largest = t.int64(np.iinfo(np.int32).max)
    most = t.cast(raw.Minimum(most, largest), dtypes.int32)
    overlap = scalar(overlap, 0.0, dtypes.float32)
    least = scalar(least, -np.inf, dtypes.float32)
    if n.flag("center_point_box"):
        x, y, width, height = raw.Unpack(boxes, num=4, axis=2)
        dx, dy = raw.Mul(width, t.like(0.5, x)), raw.Mul(height, t.like(0.5, x))
        sides = [raw.Sub(y, dy), raw.Sub(x, dx), raw.AddV2(y, dy), raw.AddV2(x, dx)]
        boxes = raw.Pack(sides, axis=2)

    def selected(image: Any, label: Any) -> Any:
        own = t.batched_gather(boxes, image, 0)
        row = t.batched_gather(t.batched_gather(scores, image, 0), label, 0)
        kept = raw.NonMaxSuppressionV3(own, row, most, overlap, least)
        kept = t.expand_dims(t.cast(kept, dtypes.int64), [1])
        head = raw.Mul(raw.OnesLike(kept), raw.Pack([image, label], axis=0))
        return t.concat([head, kept], 1)

    nothing = t.int64(np.zeros((0, 3)))
    if isinstance(batch, int) and isinstance(classes, int):
        pairs = itertools.product(range(batch), range(classes))
        found = [selected(t.int64(image), t.int64(label)) for image, label in pairs]
        return t.concat(found, 0) if found else nothing
    return _for_each_pair(batch, classes, selected, nothing)


def _for_each_pair(batch: Any, classes: Any, rows: Callable[[Any, Any], Any], start: Any) -> Any:
    """The rows of each image and class one after the other, of numbers that a run knows.

    Args:
      batch: the number of images.
      classes: the number of classes.
      rows: returns the rows of an image and a class.
      start: no rows.
    """
    classes = t.int64(classes) if isinstance(classes, int) else classes
    count = t.product([batch, classes])

    def step(i: Any, found: Any) -> Any:
        added = rows(raw.FloorDiv(i, classes), raw.FloorMod(i, classes))
        return raw.AddV2(i, t.int64(1)), t.concat([found, added], 0)

    _, found = while_loop(
        lambda i, _: raw.Less(i, count),
        step,
        (t.int64(0), start),
        shape_invariants=(TensorShape([]), TensorShape([None, start.shape.as_list()[1]])),
    )
    return found
