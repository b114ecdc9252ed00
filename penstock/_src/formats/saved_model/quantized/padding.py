"""The padding of convolutions as numbers of elements before and after each axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.registry import raw


def edges_of(attrs: Mapping[str, Any], x: Any, sizes: Sequence[int]) -> Any:
    """Returns the padding `[rank, 2]` of channels-last input: an array, or a tensor if it depends on sizes that are not known.

    Args:
      attrs: of a convolution.
      x: its input.
      sizes: of the window.
    """
    if attrs["padding"] == "EXPLICIT":
        return np.array(attrs["explicit_paddings"], np.int32).reshape(-1, 2)
    rows: list[Any] = [[0, 0]]
    for axis, size in enumerate(sizes, 1):
        stride, reach = attrs["strides"][axis], (size - 1) * attrs["dilations"][axis]
        rows.append([0, 0] if attrs["padding"] == "VALID" else _same(x, axis, stride, reach))
    rows.append([0, 0])
    if all(isinstance(n, int) for row in rows for n in row):
        return np.array(rows, np.int32)
    packed = [raw.Pack(values=[_scalar(n) for n in row], axis=0) for row in rows]
    return raw.Pack(values=packed, axis=0)


def _scalar(n: Any) -> Any:
    return np.int32(n) if isinstance(n, int) else n


def _same(x: Any, axis: int, stride: int, reach: int) -> list[Any]:
    """Padding such that there are ceil(extent / stride) results; a window covers reach + 1 elements."""
    extent = x.shape[axis] if x.shape.rank is not None else None
    if stride == 1:
        return [reach // 2, reach - reach // 2]
    if extent is not None:
        total = max((-(-extent // stride) - 1) * stride + reach + 1 - extent, 0)
        return [total // 2, total - total // 2]
    sizes = raw.Shape(input=x, out_type=np.int32)
    length = raw.StridedSlice(
        input=sizes,
        begin=np.array([axis], np.int32),
        end=np.array([axis + 1], np.int32),
        strides=np.array([1], np.int32),
        shrink_axis_mask=1,
    )
    # The last window starts at the largest multiple of the stride below the extent.
    last = raw.FloorMod(x=raw.Sub(x=length, y=np.int32(1)), y=np.int32(stride))
    total = raw.Maximum(x=raw.Sub(x=np.int32(reach), y=last), y=np.int32(0))
    before = raw.FloorDiv(x=total, y=np.int32(2))
    return [before, raw.Sub(x=total, y=before)]
