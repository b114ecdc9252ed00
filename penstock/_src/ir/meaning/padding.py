"""Padding of windows: is a padded copy of an array worth its memory?"""

from collections.abc import Sequence
from typing import Any

from penstock._src.ir.extents.dims import Extent

# An element is part of so many windows, or of one for each two channels. Measured on Zen 5 in November 2026.
OFTEN, CHANNELS_OFTEN = 8, 2


def is_padded_first(channels: Extent, sizes: Sequence[Any], strides: Sequence[Any]) -> bool:
    """True if a padded copy takes less time than to find out in each window whether an element is inside.

    Vectors of few channels span several places, for each of which that is found out.
    """
    if not all(isinstance(n, int) for n in (channels, *sizes, *strides)):
        return False
    windows = 1.0  # of which an element is part on average
    for size, stride in zip(sizes, strides, strict=True):
        windows *= size / stride
    return windows >= OFTEN or (windows > 1 and channels <= CHANNELS_OFTEN * windows)
