"""Fills up arrays of unequal extents, so that they can be joined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penstock._src.serving.batching.parameters import bucket
from penstock._src.serving.servables.servable import Shape


def padded(arrays: Sequence[np.ndarray], shape: Shape, lengths: Sequence[int]) -> tuple:
    """Returns the arrays with equal extents but for the first axis: zeros, or empty strings, are added at the end of axes.

    Args:
      arrays: of one rank and dtype.
      shape: the signature's; only axes that it does not know are filled up.
      lengths: see `bucket`.
    """
    rank = arrays[0].ndim
    known = shape if shape is not None else (None,) * rank
    target = [max(array.shape[axis] for array in arrays) for axis in range(1, rank)]
    target = [
        bucket(extent, lengths) if known[axis] is None else extent
        for axis, extent in enumerate(target, start=1)
    ]
    return tuple(_filled_up(array, target) for array in arrays)


def _filled_up(array: np.ndarray, target: Sequence[int]) -> np.ndarray:
    if list(array.shape[1:]) == list(target):
        return array
    padded = np.full((len(array), *target), b"" if array.dtype == object else 0, array.dtype)
    padded[tuple(map(slice, array.shape))] = array
    return padded
