"""Errors in units in the last place."""

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

from bench.errors.drawing import DTYPES

DIGITS = {"float32": 24, "float64": 53, "float16": 11, "bfloat16": 8}
LOWEST = {"float32": -126, "float64": -1022, "float16": -14, "bfloat16": -126}  # exponents of 2


@dataclass(frozen=True)
class Error:
    """How far a library's results are from the true ones.

    largest   in units in the last place of the true result
    usual     that 99 of 100 results stay below
    missed    how many results are NaN or infinite where there is a number, or the other way round
    where     the arguments with the largest error
    """

    largest: float
    usual: float
    missed: int
    where: tuple[float, ...]


def unit(value: Any, dtype: str) -> Any:
    """The distance of neighbouring numbers of a type around a value."""
    exponent = mpmath.frexp(value)[1] - 1
    return mpmath.ldexp(1, max(exponent, LOWEST[dtype]) - DIGITS[dtype] + 1)


def error(got: Any, want: list[Any], arguments: list[Any], dtype: str) -> Error | None:
    """The error of results; None where no true result is within the type's normal numbers."""
    largest = float(np.finfo(DTYPES[dtype]).max) if dtype != "bfloat16" else 3.38e38
    smallest = mpmath.ldexp(1, LOWEST[dtype])
    distances, places, missed = [], [], 0
    for place, (ours, true) in enumerate(zip(got.astype(np.float64), want, strict=True)):
        if mpmath.isnan(true) or not (true == 0 or smallest < abs(true) < largest):
            continue
        if not np.isfinite(ours):
            missed += 1
            continue
        distances.append(float(abs(mp.mpf(float(ours)) - true) / unit(true, dtype)))
        places.append(place)
    if not distances:
        return None
    worst = places[int(np.argmax(distances))]
    where = tuple(float(column[worst]) for column in arguments)
    return Error(max(distances), float(np.quantile(distances, 0.99)), missed, where)
