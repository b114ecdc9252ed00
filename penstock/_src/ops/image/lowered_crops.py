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
    batch, height, width, channels = images.shape
    down, along = _both(p, boxes, (height, width), size)
    pixels = p.reshape(images, (batch * height * width, channels))
    kind = dtypes.int32 if pixels.shape[0] <= LARGEST else dtypes.int64
    numbers = p.reshape(p.cast(box_ind, kind), (boxes.shape[0], 1))

    def at(row: Any, column: Any) -> Any:
        first = (numbers * height + p.cast(row, kind)) * width
        places = p.expand_dims(first, 2) + p.expand_dims(p.cast(column, kind), 1)
        return p.cast(p.gather(pixels, places), FLOAT)

    if method == "nearest":
        crops = at(down.nearest, along.nearest)
    else:
        part = p.expand_dims(p.expand_dims(along.part, 1), 3)
        top = _between(at(down.low, along.low), at(down.low, along.high), part)
        bottom = _between(at(down.high, along.low), at(down.high, along.high), part)
        crops = _between(top, bottom, p.expand_dims(p.expand_dims(down.part, 2), 3))
    inside = p.and_(*_spread(p, p.expand_dims(down.inside, 2), p.expand_dims(along.inside, 1)))
    return p.select(p.expand_dims(inside, 3), crops, p.constant(fill, FLOAT))


def image_gradient(
    p: Any, grads: Any, boxes: Any, box_ind: Any, size: tuple[dims.Extent, ...], method: str
) -> Any:
    """The gradient of crops with respect to images of a size, [batch, rows, columns, channels], in float32."""
    batch, height, width, channels = size
    count = boxes.shape[0], grads.shape[1], grads.shape[2]
    down, along = _both(p, boxes, (height, width), count[1:])
    inside = p.and_(*_spread(p, p.expand_dims(down.inside, 2), p.expand_dims(along.inside, 1)))
    grads = p.select(p.expand_dims(inside, 3), grads, p.constant(0, FLOAT))
    numbers = p.reshape(p.cast(box_ind, dtypes.int64), (boxes.shape[0], 1))
    total = p.full((batch * height * width, channels), 0, FLOAT)

    def added(total: Any, row: Any, column: Any, part: Any) -> Any:
        first = (numbers * height + p.cast(row, dtypes.int64)) * width
        places = p.expand_dims(first, 2) + p.expand_dims(p.cast(column, dtypes.int64), 1)
        return p.scatter(total, p.expand_dims(places, 3), part, "add")

    if method == "nearest":
        total = added(total, down.nearest, along.nearest, grads)
    else:
        for row, upright in ((down.low, 1 - down.part), (down.high, down.part)):
            for column, level in ((along.low, 1 - along.part), (along.high, along.part)):
                weight = p.expand_dims(upright, 2) * p.expand_dims(level, 1)
                total = added(total, row, column, grads * p.expand_dims(weight, 3))
    return p.reshape(total, size)


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
