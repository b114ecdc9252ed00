"""Images: resizing."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin


@builtin("RESIZE_BILINEAR")
def resize_bilinear(call: Call) -> Any:
    return call.by_row() if call.tensor(0).dtype == dtypes.float32 else _resized_integers(call)


def _resized_integers(call: Call) -> Any:
    """Interpolation with weights of 10 bits along each axis."""
    options, sizes = call.options, call.array(1).tolist()
    x = raw.Cast(x=call.tensor(0), DstT=dtypes.int64)
    for axis, size in zip((1, 2), sizes):
        low, high, weight = _places(call.extent(0, axis), size, options)
        shape = [1] * 4
        shape[axis] = size
        weight = weight.reshape(shape)
        parts = [
            raw.Mul(x=raw.GatherV2(params=x, indices=place, axis=np.int32(axis)), y=share)
            for place, share in ((low, 1024 - weight), (high, weight))
        ]
        x = raw.AddV2(x=parts[0], y=parts[1])
    positive = raw.Greater(x=x, y=np.int64(0))
    half = raw.SelectV2(condition=positive, t=np.int64(1 << 19), e=np.int64(-(1 << 19)))
    rounded = raw.TruncateDiv(x=raw.AddV2(x=x, y=half), y=np.int64(1 << 20))
    return raw.Cast(x=rounded, DstT=call.output().dtype)


def _places(extent: int, size: int, options: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each index of the result, two indices and the second's weight of 1024 parts."""
    if options.align_corners and size > 1:
        scale = (1024 * (extent - 1) + (size - 1) // 2) // (size - 1)
    else:
        scale = (1024 * extent + size // 2) // size
    place = np.arange(size, dtype=np.int64) * scale
    if options.half_pixel_centers:
        place += scale // 2 - 512
    low = np.maximum(np.trunc(place / 1024).astype(np.int64), 0)
    high = np.minimum(np.trunc((place + 1023) / 1024).astype(np.int64), extent - 1)
    return low, high, place - 1024 * low
