"""Sliding windows of convolutions and pooling: sizes, padding, layouts."""

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.ir.extents import dims

# Of a window: making them takes longer than what NumPy does to a small picture.
_MOST_KEPT_TAPS = 64
CHANNELS_FIRST = ("NCHW", "NCDHW", "NCW", "CHANNELS_FIRST")


class Window(NamedTuple):
    """A sliding window along one axis: `out` positions over `extent` inputs with `low`/`high` padding."""

    extent: int
    size: int
    stride: int
    dilation: int
    low: int
    high: int
    out: int

    @property
    def reach(self) -> int:
        """The number of inputs from the first to the last tap."""
        return (self.size - 1) * self.dilation + 1

    @property
    def gradient_padding(self) -> tuple[int, int]:
        """The padding of the stride-dilated output gradient for which its windows give the input's size."""
        low = (self.size - 1) * self.dilation - self.low
        high = self.extent - 1 - (self.out - 1) * self.stride + self.low
        return low, high

    def clipped(self) -> "Window":
        """The same positions of a pooling's window without the taps that only see padding, where these are most of it."""
        if self.size <= 2 * self.extent or self.extent == 0 or self.out == 0:
            return self
        last = (self.out - 1) * self.stride  # where the last position starts, before the padding
        front = max(self.low - last, 0)
        size = min(self.size, self.extent + self.low) - front
        low = self.low - front
        high = last + size - self.extent - low
        return self._replace(size=size, low=low, high=high)


def spatial_axes(data_format: str, rank: int) -> list[int]:
    """The spatial axes of a batch of images with `rank` axes in all."""
    return list(range(2, rank)) if data_format in CHANNELS_FIRST else list(range(1, rank - 1))


def channel_axis(data_format: str, rank: int) -> int:
    """The axis of the channels."""
    return 1 if data_format in CHANNELS_FIRST else rank - 1


# Longer strides are clamped to this one: there is one window, and indices stay within 64 bits.
LONGEST_STEP = 1 << 31


def window(
    op: str,
    extent: int,
    size: int,
    stride: int,
    dilation: int,
    padding: str,
    explicit: tuple[int, int] = (0, 0),
) -> Window:
    """The window along one axis under TensorFlow's paddings SAME, VALID and EXPLICIT."""
    if stride <= 0:
        raise InvalidArgumentError(f"{op}: Stride must be > 0, but got {stride}")
    if dilation <= 0:
        raise InvalidArgumentError(f"{op}: Dilation rate must be > 0, but got {dilation}")
    stride = min(stride, LONGEST_STEP)
    reach = (size - 1) * dilation + 1
    if padding == "SAME":
        out = (extent + stride - 1) // stride
        total = same_padding(extent, out, reach, stride)
        low, high = total // 2, total - total // 2
    else:
        low, high = explicit if padding == "EXPLICIT" else (0, 0)
        out = (extent + low + high - reach) // stride + 1
        if extent + low + high < reach:
            room = extent + low + high - reach + stride
            # Rounded towards 0, as TensorFlow's kernels do.
            out = room // stride if room > 0 else -(-room // stride)
            if out < 0:
                raise InvalidArgumentError(
                    f"{op}: Computed output size would be negative: {out} [input_size: {extent}, "
                    f"effective_filter_size: {reach}, stride: {stride}]"
                )
    return Window(extent, size, stride, dilation, low, high, out)


def same_padding(extent: int, out: int, reach: int, stride: int) -> int:
    """The padding of both sides together with which `out` = extent / stride, rounded up, windows of this reach fit."""
    # Above -stride and at most reach - 1, which settles most signs without a condition on the extent.
    total = (out - 1) * stride + reach - extent
    if reach >= stride:
        return total
    return 0 if reach == 1 else dims.maximum(total, 0)


def out_extent(
    op: str,
    extent: int | None,
    size: int | None,
    stride: int,
    dilation: int,
    padding: str,
    explicit: tuple[int, int] = (0, 0),
    refuse_wide: bool = True,
) -> int | None:
    """The output extent along one axis; None if the input's is unknown.

    With `refuse_wide` a window is refused that is wider than the input, though the op's kernel may give an empty result for it.
    """
    if extent is None or (size is None and padding != "SAME"):
        return None
    if refuse_wide and size is not None and padding != "SAME":
        reach, whole = (size - 1) * dilation + 1, extent + sum(explicit)
        if whole < reach:
            raise ValueError(f"Negative dimension size caused by subtracting {reach} from {whole}")
    return window(op, extent, 1 if size is None else size, stride, dilation, padding, explicit).out


def explicit_pairs(explicit_paddings: Sequence[int], axes: Sequence[int]) -> list[tuple[int, int]]:
    """The (low, high) paddings of `axes` in TensorFlow's flat list; zeros when the list is empty."""
    if not explicit_paddings:
        return [(0, 0)] * len(axes)
    return [(explicit_paddings[2 * axis], explicit_paddings[2 * axis + 1]) for axis in axes]


def pad_axes(
    x: np.ndarray, axes: Sequence[int], windows: Sequence[Window], value: Any = 0
) -> np.ndarray:
    """`x` padded along `axes` for its windows, cropped where a padding is negative."""
    if not any([w.low or w.high for w in windows]):
        return x
    shape, inside = list(x.shape), [slice(None)] * x.ndim
    for axis, w in zip(axes, windows, strict=True):
        if w.low < 0 or w.high < 0:
            return _cropped_or_padded(x, axes, windows, value)
        shape[axis] += w.low + w.high
        inside[axis] = slice(w.low, w.low + x.shape[axis])
    # For small pictures np.pad costs more than a convolution.
    padded = np.empty(shape, x.dtype)
    padded[...] = value
    padded[tuple(inside)] = x
    return padded


def _cropped_or_padded(
    x: np.ndarray, axes: Sequence[int], windows: Sequence[Window], value: Any
) -> np.ndarray:
    pads = [(0, 0)] * x.ndim
    for axis, w in zip(axes, windows, strict=True):
        pads[axis] = (w.low, w.high)
    return np.pad(x, pads, constant_values=value)


def taps(
    axes: Sequence[int], windows: Sequence[Window], offsets: Sequence[int]
) -> tuple[slice, ...]:
    """The index of the padded input under the tap at `offsets`, for every output position."""
    index = [slice(None)] * (max(axes) + 1)
    for axis, w, offset in zip(axes, windows, offsets, strict=True):
        begin = offset * w.dilation
        index[axis] = slice(begin, begin + (w.out - 1) * w.stride + 1 if w.out else begin, w.stride)
    return tuple(index)


def every_tap(axes: Sequence[int], windows: Sequence[Window]) -> Iterable[tuple[slice, ...]]:
    """`taps` at all offsets, row by row."""
    if math.prod([w.size for w in windows]) <= _MOST_KEPT_TAPS:
        return _kept_taps(tuple(axes), tuple(windows))
    return _made_taps(axes, windows)


@functools.lru_cache(maxsize=256)
def _kept_taps(axes: tuple[int, ...], windows: tuple[Window, ...]) -> tuple[tuple[slice, ...], ...]:
    return tuple(_made_taps(axes, windows))


def _made_taps(axes: Sequence[int], windows: Sequence[Window]) -> Iterator[tuple[slice, ...]]:
    for offsets in itertools.product(*(range(w.size) for w in windows)):
        yield taps(axes, windows, offsets) if axes else ()


def unpad_axes(x: np.ndarray, axes: Sequence[int], windows: Sequence[Window]) -> np.ndarray:
    """The part of a padded array without the padding."""
    index = [slice(None)] * x.ndim
    for axis, w in zip(axes, windows, strict=True):
        index[axis] = slice(w.low, w.low + w.extent)
    return x[tuple(index)]


def padded_shape(shape: Sequence[int], axes: Sequence[int], windows: Sequence[Window]) -> list[int]:
    """The shape with padding along `axes`."""
    out = list(shape)
    for axis, w in zip(axes, windows, strict=True):
        out[axis] = w.extent + w.low + w.high
    return out


def known_shape(value: Any, rank: int | None = None) -> TensorShape:
    """The static shape in a shape vector input of a shape rule."""
    shape = value.as_shape()
    if shape is None or shape.rank is None:
        return TensorShape([None] * rank) if rank is not None else TensorShape(None)
    return shape
