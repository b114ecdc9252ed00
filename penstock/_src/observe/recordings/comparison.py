"""Distances between two recorded values."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.observe.debugger.comparison import difference

# Rounding of a few operations, in units in the last place relative to the largest element.
_UNITS = 80
# The allowed distance of values computed from gradients, relative to the largest.
_GROWN = 1e-3


def rounding_of(value: Any) -> float:
    """The allowed rounding difference of two libraries for a value, relative to its largest element."""
    if not isinstance(value, np.ndarray):
        return 0.0
    if value.dtype.kind in "fc":
        return _UNITS * float(np.finfo(value.dtype).eps)
    if value.dtype.kind == "V":  # bfloat16 and narrower: results of sums in float32
        return 4 * float(ml_dtypes.finfo(value.dtype).eps)
    return 0.0


def allowed_for(value: Any, tolerance: float | None, is_grown: bool = False) -> float:
    """The tolerance for a value; None means rounding, which may have grown in gradients. Integers are exact."""
    if tolerance is not None:
        return tolerance
    rounding = rounding_of(value)
    return max(rounding, _GROWN) if is_grown and rounding else rounding


def apart(value: Any, other: Any, tolerance: float) -> str:
    """The difference of two values, in words; an empty string if it is within the tolerance."""
    if not isinstance(value, np.ndarray) or not isinstance(other, np.ndarray):
        return ""
    types = ""
    if value.dtype != other.dtype and value.dtype.kind not in "OSU" and value.dtype.kind != "b":
        types = f" ({value.dtype.name} and {other.dtype.name})"
        value, other = value.astype(np.float64), other.astype(np.float64)
    how = difference(value, other)
    if how and tolerance and value.shape == other.shape and value.dtype.kind in "fciuV":
        wide, changed = value.astype(np.complex128), other.astype(np.complex128)
        largest = max(np.abs(wide).max(initial=0.0), np.abs(changed).max(initial=0.0))
        if (np.abs(wide - changed) <= tolerance * largest).all():
            return ""
    return how + types if how else ""
