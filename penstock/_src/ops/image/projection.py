"""Lowers projective transformations of images: arithmetic for coordinates, gathers for pixels."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import Extent

FLOAT = dtypes.float32


def transformed(
    p: Any,
    images: Any,
    transforms: Any,
    size: Sequence[Extent],
    fill: Any,
    interpolation: str,
    fill_mode: str,
) -> Any:
    """[batch, *size, channels] of images [batch, rows, columns, channels].

    Args:
      transforms: float32[batch or 1, 8], from output to input pixels.
      fill: a float32 scalar for pixels outside the input.
      interpolation: "NEAREST" or "BILINEAR".
      fill_mode: "CONSTANT", "REFLECT", "WRAP" or "NEAREST".
    """
    batch, rows, columns, channels = images.shape
    x, y, valid = _sources(p, transforms, size)
    points = (batch, size[0] * size[1])
    x, y, valid = (
        p.reshape(p.broadcast_to(v, (batch, *size)), points)
        for v in (_mapped(p, x, columns, fill_mode), _mapped(p, y, rows, fill_mode), valid)
    )
    wide = images if images.dtype == dtypes.float64 else p.cast(images, FLOAT)
    pixels = p.reshape(wide, (batch, rows * columns, channels))
    fill = p.reshape(p.cast(fill, wide.dtype), (1, 1, 1))

    ends = p.scalar(rows, FLOAT), p.scalar(columns, FLOAT)
    width = p.scalar(columns, dtypes.int32)

    def at(row: Any, column: Any) -> Any:
        inside = _all(p, p.ge(row, 0), p.lt(row, ends[0]), p.ge(column, 0), p.lt(column, ends[1]))
        place = _clipped(p, row, rows) * width + _clipped(p, column, columns)
        pixels_read = p.gather(pixels, place, 1, batch_dims=1)
        return p.select(p.expand_dims(inside, 2), pixels_read, fill)

    if interpolation == "NEAREST":
        pixels_read = at(_rounded(p, y), _rounded(p, x))
    else:
        pixels_read = _bilinear(p, at, x, y, wide.dtype)
    pixels_read = p.select(p.expand_dims(valid, 2), pixels_read, fill)
    return p.cast(p.reshape(pixels_read, (batch, *size, channels)), images.dtype)


def _bilinear(p: Any, at: Any, x: Any, y: Any, dtype: Any) -> Any:
    row, column = p.floor(y), p.floor(x)
    down, along = (p.cast(p.expand_dims(v, 2), dtype) for v in (y - row, x - column))
    top = (1 - along) * at(row, column) + along * at(row, column + 1)
    bottom = (1 - along) * at(row + 1, column) + along * at(row + 1, column + 1)
    return (1 - down) * top + down * bottom


def _all(p: Any, first: Any, *others: Any) -> Any:
    for other in others:
        first = p.and_(first, other)
    return first


def _clipped(p: Any, at: Any, extent: Extent) -> Any:
    """Whole coordinates as indices of an axis."""
    return p.cast(p.clip(at, 0.0, p.scalar(extent - 1, FLOAT)), dtypes.int32)


def _rounded(p: Any, x: Any) -> Any:
    """Halves away from zero."""
    return p.sign(x) * p.floor(p.abs(x) + 0.5)


def _sources(p: Any, transforms: Any, size: Sequence[Extent]) -> tuple[Any, Any, Any]:
    """The source of each output pixel: (x, y, whether they are finite), [batch or 1, *size]."""
    x = p.iota((1, 1, size[1]), 2, FLOAT)
    y = p.iota((1, size[0], 1), 1, FLOAT)
    t = [p.expand_dims(p.slice_axis(transforms, 1, i, i + 1), 2) for i in range(8)]
    depth = t[6] * x + t[7] * y + 1
    valid = p.ne(depth, 0)
    depth = p.select(valid, depth, 1.0)
    return (t[0] * x + t[1] * y + t[2]) / depth, (t[3] * x + t[4] * y + t[5]) / depth, valid


def _mapped(p: Any, at: Any, extent: Extent, mode: str) -> Any:
    """Coordinates mapped into the image by the fill mode."""
    if mode == "CONSTANT":
        return at
    if mode == "WRAP":
        at = at * 0 if extent <= 1 else _wrapped(p, at, extent)
    elif mode == "REFLECT":
        at = at * 0 if extent <= 1 else _reflected(p, at, extent)
    return p.clip(at, 0.0, p.scalar(extent - 1, FLOAT))


def _wrapped(p: Any, at: Any, extent: Extent) -> Any:
    size, steps = p.scalar(extent, FLOAT), p.scalar(extent - 1, FLOAT)
    low = at + size * (p.floor(-at / steps) + 1)
    high = at - size * p.floor(at / steps)
    return p.select(p.lt(at, 0), low, p.select(p.gt(at, steps), high, at))


def _reflected(p: Any, at: Any, extent: Extent) -> Any:
    size, steps, period = (p.scalar(n, FLOAT) for n in (extent, extent - 1, 2 * extent))
    low = p.select(p.lt(at, p.neg(period)), period * p.floor(-at / period) + at, at)
    low = p.select(p.lt(low, p.neg(size)), low + period, -low - 1)
    high = at - period * p.floor(at / period)
    high = p.select(p.ge(high, size), period - high - 1, high)
    return p.select(p.lt(at, 0), low, p.select(p.gt(at, steps), high, at))
