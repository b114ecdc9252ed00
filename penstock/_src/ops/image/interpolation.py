"""Resizing of images on the host: bilinear interpolation, and sums over taps."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native.algorithms import interpolation as native
from penstock._src.native.algorithms import resampling
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.image.taps import AXES, Taps, bilinear_parts

_NAMES = {np.dtype(name): name for name in native.ELEMENTS}  # NumPy looks long for a type's name
_MOST = 2**31 - 1  # elements of a row: native code has indices in rows as int32


def interpolated(op: Any, images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Images [count, rows, columns, channels] in another size, in float32.

    Args:
      op: says where pixels are: `align_corners`, `half_pixel_centers`.
      images: at least one, of at least one pixel.
      height: the new number of rows.
      width: the new number of columns.
    """
    if runs_native_code() and images.shape[2] * images.shape[3] <= _MOST:
        return _natively(op, images, height, width)
    x = images.astype(np.float32)
    top, bottom, down = bilinear_parts(op, x.shape[1], height)
    left, right, along = bilinear_parts(op, x.shape[2], width)
    along, down = along[:, None], down[:, None, None]
    upper, lower = x[:, top], x[:, bottom]
    upper = upper[:, :, left] + (upper[:, :, right] - upper[:, :, left]) * along
    lower = lower[:, :, left] + (lower[:, :, right] - lower[:, :, left]) * along
    return upper + (lower - upper) * down


def _natively(op: Any, images: np.ndarray, height: int, width: int) -> np.ndarray:
    if images.dtype not in _NAMES:
        images = images.astype(np.float32)
    count, rows, columns, channels = images.shape
    resize = getattr(native.interpolation(), f"interpolate_{_NAMES[images.dtype]}")
    centers = native.CENTERED if op.half_pixel_centers else native.PLAIN
    if op.align_corners:
        centers = native.ALIGNED
    resized = empty_aligned((count, height, width, channels), np.dtype(np.float32))
    work = np.empty(native.room(columns, channels, width), np.float32)
    source = np.ascontiguousarray(images)
    resize(source, count, rows, columns, channels, centers, height, width, resized, work)
    return resized


class TapTable(NamedTuple):
    """Taps as native code reads them.

    Fields:
      taps: what it was made of.
      index, weight: arrays [outputs, taps] of int32 and float32.
      counts: how many taps each output has, int32.
    """

    taps: Taps
    index: np.ndarray
    weight: np.ndarray
    counts: np.ndarray

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.index)


def table_of(taps: Taps) -> TapTable:
    """The taps of an axis for `resampled`: existing taps of an output come before missing ones."""
    index = np.ascontiguousarray(taps.index, np.int32)
    counts = np.count_nonzero(index >= 0, axis=1).astype(np.int32)
    return TapTable(taps, index, np.ascontiguousarray(taps.weight, np.float32), counts)


_tables: dict[Any, TapTable] = {}
_MOST_KEPT = 1 << 24  # bytes of cached tables


def kept_table(make: Callable[..., Taps], *arguments: Any) -> TapTable:
    """The table of the taps that a function gives for hashable arguments: the pictures of a folder
    have the sizes that they had in the pass before.
    """
    key = make, *arguments
    table = _tables.get(key)
    if table is None:
        table = table_of(make(*arguments))
        size = sum(each.nbytes for each in (*table.taps, *table[1:]))
        if size * (len(_tables) + 1) > _MOST_KEPT:  # as if all were as large
            _tables.clear()
        _tables[key] = table
    return table


def resampled(x: np.ndarray, rows: Taps | TapTable, columns: Taps | TapTable) -> np.ndarray:
    """Images [n, height, width, channels] resampled along both axes, in their own type; those of uint8 in float32.

    Args:
      x: the images.
      rows: the taps of the rows of the result.
      columns: those of its columns.
    """
    if _is_native(x) and rows.outputs and columns.outputs:
        rows, columns = (t if isinstance(t, TapTable) else table_of(t) for t in (rows, columns))
        return _resampled_natively(x, rows, columns)
    x = x.astype(np.float32) if x.dtype == np.uint8 else x
    for axis, each in zip(AXES, (rows, columns), strict=True):
        x = _along(x, axis, each.taps if isinstance(each, TapTable) else each)
    return x


def _is_native(x: np.ndarray) -> bool:
    is_small = x.shape[1] <= _MOST and x.shape[2] * x.shape[3] <= _MOST
    return bool(x.size) and is_small and x.dtype in _NAMES and runs_native_code()


def _resampled_natively(x: np.ndarray, rows: TapTable, columns: TapTable) -> np.ndarray:
    count, height, width, channels = x.shape
    images_out = empty_aligned(
        (count, rows.outputs, columns.outputs, channels), np.dtype(np.float32)
    )
    work = np.empty(resampling.room(width, channels, columns.outputs), np.float32)
    resample = getattr(resampling.resampling(), f"resample_{_NAMES[x.dtype]}")
    places = columns.index * np.int32(channels)  # of first channels in rows
    resample(
        np.ascontiguousarray(x), count, height, width, channels,
        rows.index, rows.weight, rows.counts, rows.index.shape[1], rows.outputs,
        places, columns.weight, columns.counts, columns.index.shape[1], columns.outputs,
        images_out, work,
    )  # fmt: skip
    return images_out


def _along(x: np.ndarray, axis: int, taps: Taps) -> np.ndarray:
    shape = (*x.shape[:axis], len(taps.index), *x.shape[axis + 1 :])
    if axis == 2:  # pixels and channels as one axis: long rows are many times as fast
        taps, x = _of_channels(taps, x.shape[3]), x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
    total: np.ndarray | None = None
    for index, weight in zip(taps.index.T, taps.weight.T):
        part = np.take(x, index, axis)
        part *= weight.astype(x.dtype).reshape(len(weight), *[1] * (x.ndim - axis - 1))
        part[(*[slice(None)] * axis, index < 0)] = 0
        total = part if total is None else np.add(total, part, out=total)
    return np.zeros(shape, x.dtype) if total is None else total.reshape(shape)


def _of_channels(taps: Taps, channels: int) -> Taps:
    """The taps of the axis that pixels and their channels are together."""
    index = taps.index[:, None] * channels + np.arange(channels)[:, None]
    index = np.where(taps.index[:, None] < 0, -1, index)
    rows, count = taps.index.shape
    return Taps(index.reshape(rows * channels, count), np.repeat(taps.weight, channels, axis=0))
