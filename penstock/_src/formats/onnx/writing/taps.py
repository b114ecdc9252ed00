"""Convolutions of float64 as sums of products, one for each tap of the window: ONNX has such convolutions, and ONNX Runtime no kernel.

Quantized TFLite models have them, where float32 would not hold the sums of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from penstock._src.formats.onnx.writing.writer import Writer

_LAST = np.iinfo(np.int64).max


class Axes(Protocol):
    """The position of an operation's channel axis, and the number of its spatial dimensions."""

    last: bool
    dimensions: int


def can_be_taps(w: Writer, filters: str, channels: int) -> bool:
    """True if filters are constant, and for all channels at once or for each on its own.

    Args:
      w: the writer.
      filters: the name of filters [spatial..., in, out].
      channels: of the images.
    """
    value = w.shared.constants.get(filters)
    if value is None:
        return False
    inner, outer = value.shape[-2:]
    return inner == channels or (inner == 1 and outer == channels)


def sum_of_taps(
    w: Writer,
    axes: Axes,
    x: str,
    filters: str,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Any,
) -> str:
    """The convolution of x, in the operation's layout.

    Args:
      w: the writer.
      axes: the layout.
      x: images.
      filters: filters [spatial..., in, out], which `can_be_taps` has seen.
      strides, dilations: one for each spatial dimension.
      pads: rows of zeros before and after, `[2, spatial]`.
    """
    value = w.shared.constants[filters]
    kernel, count = value.shape[:-2], axes.dimensions
    if not axes.last:
        x = w.transpose(x, [0, *range(2, count), 1])
    if np.any(pads):
        around = [0, *map(int, pads[0]), 0, 0, *map(int, pads[1]), 0]
        x = w.node("Pad", x, w.ints(*around))
    by_channel = value.shape[-2] == 1
    total = ""
    for tap in np.ndindex(*kernel):
        first = [at * step for at, step in zip(tap, dilations, strict=True)]
        # The last window ends at the end of the input, so its earlier taps end this many rows before.
        beyond = [at - (k - 1) * step for at, k, step in zip(first, kernel, dilations, strict=True)]
        ends = [_LAST if end == 0 else end for end in beyond]
        spatial = w.ints(*range(1, count - 1))
        part = w.node("Slice", x, w.ints(*first), w.ints(*ends), spatial, w.ints(*strides))
        weights = w.constant(value[tap].reshape(-1) if by_channel else value[tap])
        product = w.node("Mul" if by_channel else "MatMul", part, weights)
        total = w.node("Add", total, product) if total else product
    return total if axes.last else w.transpose(total, [0, count - 1, *range(1, count - 1)])
