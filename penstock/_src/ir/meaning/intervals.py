"""Interval arithmetic: the least and the largest number of a node, from those of its arguments.

Ends are computed in the node's own type and rounded as its elements are, as rounding is monotone.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims

Range = tuple[Any, Any]  # both included


def whole(dtype: DType) -> Range | None:
    """The range of an integer type or bool; None for other types."""
    if dtype.is_bool:
        return 0, 1
    if not dtype.is_integer:
        return None
    return limits(dtype) if dtype.np.kind in "iu" else None


@functools.cache
def limits(dtype: DType) -> tuple[int, int]:
    """The least and the largest number of an integer type."""
    info = ml_dtypes.iinfo(dtype.np)
    return int(info.min), int(info.max)


def number_of(value: Any, dtype: DType) -> Any:
    """An end as a Python number."""
    if dtype.is_floating:
        return float(value)
    return value if dims.is_symbolic(value) else int(value)


def union(ranges: Iterable[Range | None]) -> Range | None:
    """The least range that contains all; None if one is unknown, or there is none."""
    low = high = None
    for ends in ranges:
        if ends is None:
            return None
        low = ends[0] if low is None else dims.minimum(low, ends[0])
        high = ends[1] if high is None else dims.maximum(high, ends[1])
    return None if low is None else (low, high)


def fitting(dtype: DType, ends: Range) -> Range | None:
    """A range of integers; None if it leaves the type, as numbers wrap around."""
    all_of_type = whole(dtype)
    fits = all_of_type is not None and all_of_type[0] <= ends[0] <= ends[1] <= all_of_type[1]
    return ends if fits else None


def finite(low: Any, high: Any) -> Range | None:
    """A range of floats, unless an end is infinite: products with infinity may be NaN, which no range contains.

    Ends that are denormal numbers are taken for zeros when a program runs.
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    least = float(np.finfo(np.float64 if isinstance(low, np.float64) else np.float32).tiny)
    low, high = float(low), float(high)
    return (0.0 if 0 < low < least else low, 0.0 if -least < high < 0 else high)


def _modulus(x: Range, y: Range) -> Range | None:
    if y[0] <= 0:
        return None
    return x if x[0] >= 0 and x[1] < y[0] else (0, y[1] - 1)


def _remainder(x: Range, y: Range) -> Range | None:
    return _modulus(x, y) if x[0] >= 0 else None


def _quotient(x: Range, y: Range) -> Range | None:
    if y[0] <= 0:
        return None
    ends = [a // b for a in x for b in y]
    return functools.reduce(dims.minimum, ends), functools.reduce(dims.maximum, ends)


# Operations on integers that are not monotone.
INTEGER_RULES: dict[str, Callable[[Range, Range], Range | None]] = {
    "mod": _modulus,
    "truncmod": _remainder,
    "floordiv": _quotient,
    "truncdiv": lambda x, y: _quotient(x, y) if x[0] >= 0 else None,
    "and": lambda x, y: (
        (0, min(end for low, end in (x, y) if low >= 0)) if x[0] >= 0 or y[0] >= 0 else None
    ),
}
