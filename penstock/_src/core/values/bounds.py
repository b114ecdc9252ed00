"""Bounds of comparisons, which programs make among normal numbers and 0: they take denormal numbers for zeros."""

import numpy as np


def normal_bounds(bounds: np.ndarray, toward: float) -> np.ndarray:
    """Moves denormal bounds to the next number that is not.

    Args:
      bounds: floats; no comparison with one may tell other numbers apart.
      toward: an infinity, in whose direction they are moved.

    Returns:
      The bounds, with 0 or the least normal number of a sign in place of denormal ones.
    """
    tiny = np.finfo(bounds.dtype).tiny
    upwards = toward > 0
    positive = tiny if upwards else bounds.dtype.type(0)
    negative = bounds.dtype.type(0) if upwards else -tiny
    moved = np.where((bounds > 0) & (bounds < tiny), positive, bounds)
    return np.where((bounds < 0) & (bounds > -tiny), negative, moved)
