"""Lowers crops of boxes: pixels are gathered by sample positions, which are those of the host's kernel to the bit."""

from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.extents import dims

FLOAT = dtypes.float32
LARGEST = np.iinfo(np.int32).max


class _Samples(NamedTuple):
    """Sample positions along an axis, [boxes, count]: the pixels around each, how far it is between them, whether it is inside."""

    low: Any
    high: Any
    part: Any
    nearest: Any
    inside: Any


def cropped(
    p: Any,
    images: Any,
    boxes: Any,
    box_ind: Any,
    size: tuple[dims.Extent, dims.Extent],
    method: str,
    fill: float,
) -> Any:
    """float32[boxes, *size, channels], cut out of images [batch, rows, columns, channels]."""
    down, along = _both(p, boxes, images.shape[1:3], size)
    at = _reader(p, images, box_ind)
    if method == "nearest":
        crops = at(down.nearest, along.nearest)
    else:
        part = p.expand_dims(p.expand_dims(along.part, 1), 3)
        top = _between(at(down.low, along.low), at(down.low, along.high), part)
        bottom = _between(at(down.high, along.low), at(down.high, along.high), part)
        crops = _between(top, bottom, p.expand_dims(p.expand_dims(down.part, 2), 3))
    return _where_inside(p, down, along, crops, fill)


def image_gradient(
    p: Any, grads: Any, boxes: Any, box_ind: Any, size: tuple[dims.Extent, ...], method: str
) -> Any:
    """The gradient of crops with respect to images of a size, [batch, rows, columns, channels], in float32."""
    batch, height, width, channels = size
    count = boxes.shape[0], grads.shape[1], grads.shape[2]
    down, along = _both(p, boxes, (height, width), count[1:])
    grads = _where_inside(p, down, along, grads, 0.0)
    numbers = p.reshape(p.cast(box_ind, dtypes.int64), (boxes.shape[0], 1))
    total = p.full((batch * height * width, channels), 0, FLOAT)

    def places(row: Any, column: Any) -> Any:
        first = (numbers * height + p.cast(row, dtypes.int64)) * width
        return p.expand_dims(first, 2) + p.expand_dims(p.cast(column, dtypes.int64), 1)

    if method == "nearest":
        at = places(down.nearest, along.nearest)
        return p.reshape(p.scatter(total, p.expand_dims(at, 3), grads, "add"), size)
    # One scatter of all corners: each of several would copy the images.
    corners, parts = [], []
    for row, upright in ((down.low, 1 - down.part), (down.high, down.part)):
        for column, level in ((along.low, 1 - along.part), (along.high, along.part)):
            weight = p.expand_dims(upright, 2) * p.expand_dims(level, 1)
            corners.append(places(row, column))
            parts.append(grads * p.expand_dims(weight, 3))
    at = p.expand_dims(p.concat(corners, 0), 3)
    return p.reshape(p.scatter(total, at, p.concat(parts, 0), "add"), size)


def box_gradient(p: Any, grads: Any, images: Any, boxes: Any, box_ind: Any) -> Any:
    """The gradient of bilinear crops with respect to their boxes, float32[boxes, 4]."""
    height, width = images.shape[1:3]
    count = grads.shape[1], grads.shape[2]
    down, along = _both(p, boxes, (height, width), count)
    at = _reader(p, images, box_ind)
    top_left, top_right = at(down.low, along.low), at(down.low, along.high)
    low_left, low_right = at(down.high, along.low), at(down.high, along.high)
    level = p.expand_dims(p.expand_dims(along.part, 1), 3)
    upright = p.expand_dims(p.expand_dims(down.part, 2), 3)
    by_row = ((1 - level) * (low_left - top_left) + level * (low_right - top_right)) * grads
    by_column = ((1 - upright) * (top_right - top_left) + upright * (low_right - low_left)) * grads
    # Not the gradients: a pixel that no sample reads may be infinite.
    by_row, by_column = (_where_inside(p, down, along, x, 0.0) for x in (by_row, by_column))
    sums = p.reduce_sum(by_row, (2, 3)), p.reduce_sum(by_column, (1, 3))
    sides = zip(sums, (height, width), count, strict=True)
    (y1, y2), (x1, x2) = [_by_ends(p, *side) for side in sides]
    return p.cast(p.concat([y1, x1, y2, x2], 1), FLOAT)


def _by_ends(p: Any, sums: Any, extent: dims.Extent, count: dims.Extent) -> list[Any]:
    """The gradients of the ends of boxes, float64[boxes, 1], from those of the sample positions, [boxes, count]."""
    wide, last = p.cast(sums, dtypes.float64), p.scalar(extent - 1, dtypes.float64)
    if count > 1:
        numbers = p.iota((1, count), 1, dtypes.float64)
        end = numbers * last / p.scalar(count - 1, dtypes.float64)
        shares = [last - end, end]
    else:
        shares = [last * 0.5] * 2
    return [p.expand_dims(p.reduce_sum(wide * share, (1,)), 1) for share in shares]


def _reader(p: Any, images: Any, box_ind: Any) -> Any:
    """A function of rows and columns, [boxes, count]: float32[boxes, rows, columns, channels] of the pixels there."""
    batch, height, width, channels = images.shape
    pixels = p.reshape(images, (batch * height * width, channels))
    kind = dtypes.int32 if pixels.shape[0] <= LARGEST else dtypes.int64
    numbers = p.reshape(p.cast(box_ind, kind), (box_ind.shape[0], 1))

    def at(row: Any, column: Any) -> Any:
        first = (numbers * height + p.cast(row, kind)) * width
        places = p.expand_dims(first, 2) + p.expand_dims(p.cast(column, kind), 1)
        return p.cast(p.gather(pixels, places), FLOAT)

    return at


def _where_inside(p: Any, down: _Samples, along: _Samples, x: Any, fill: float) -> Any:
    """x, [boxes, rows, columns, channels], where both positions are inside, `fill` elsewhere."""
    inside = p.and_(*_spread(p, p.expand_dims(down.inside, 2), p.expand_dims(along.inside, 1)))
    return p.select(p.expand_dims(inside, 3), x, p.constant(fill, FLOAT))


def _both(p: Any, boxes: Any, extents: tuple[Any, Any], counts: tuple[Any, Any]) -> list[_Samples]:
    return [
        _samples(
            p,
            p.slice_axis(boxes, 1, k, k + 1),
            p.slice_axis(boxes, 1, k + 2, k + 3),
            extent,
            count,
        )
        for k, (extent, count) in enumerate(zip(extents, counts, strict=True))
    ]


def _samples(p: Any, begin: Any, end: Any, extent: dims.Extent, count: dims.Extent) -> _Samples:
    """Return the coordinates of `count` samples between the ends of boxes, [boxes, 1]."""
    last = p.scalar(extent - 1, FLOAT)
    if count > 1:
        scale = (end - begin) * last / p.constant(count - 1, FLOAT)
        numbers = p.iota((1, count), 1, FLOAT)
        at = _sum(p, _product(p, begin, last), _product(p, numbers, scale))
    else:
        at = (begin + end) * 0.5 * last
    inside = p.and_(p.ge(at, 0), p.le(at, last))
    within = p.clip(p.select(p.is_nan(at), p.constant(0, FLOAT), at), 0.0, last)
    low = p.floor(within)
    whole = [p.cast(x, dtypes.int32) for x in (low, p.ceil(within))]
    # C's roundf: halves away from zero, and no sample is negative
    nearest = p.cast(p.floor(_sum(p, within, p.constant(0.5, FLOAT))), dtypes.int32)
    return _Samples(*whole, within - low, nearest, inside)


def _product(p: Any, x: Any, y: Any) -> Any:
    """A product that is rounded before something is added to it: a position at the image's edge may not move beyond."""
    return p.cast(p.cast(x, dtypes.float64) * p.cast(y, dtypes.float64), FLOAT)


def _sum(p: Any, x: Any, y: Any) -> Any:
    return p.cast(p.cast(x, dtypes.float64) + p.cast(y, dtypes.float64), FLOAT)


def _between(first: Any, second: Any, part: Any) -> Any:
    return first + (second - first) * part


def _spread(p: Any, x: Any, y: Any) -> list[Any]:
    shape = p.broadcast_shape(x.shape, y.shape)
    return [p.broadcast_to(v, shape) for v in (x, y)]
