"""Bilinear interpolation of images on the host."""

from typing import Any

import numpy as np

from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native.algorithms import interpolation as native
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.image.taps import bilinear_parts

_MOST = 2**31 - 1  # elements of a row: native code has places in rows as int32


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
    if images.dtype.name not in native.ELEMENTS:
        images = images.astype(np.float32)
    count, rows, columns, channels = images.shape
    resize = getattr(native.interpolation(), f"interpolate_{images.dtype.name}")
    centers = native.CENTERED if op.half_pixel_centers else native.PLAIN
    if op.align_corners:
        centers = native.ALIGNED
    found = empty_aligned((count, height, width, channels), np.dtype(np.float32))
    work = np.empty(native.room(columns, channels, width), np.float32)
    given = np.ascontiguousarray(images)
    resize(given, count, rows, columns, channels, centers, height, width, found, work)
    return found
