"""Draws the arguments of functions."""

from typing import Any

import ml_dtypes
import numpy as np

from bench.errors.functions import TINY, Function, Interval

DTYPES = {
    "float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16,
}  # fmt: skip
Array = np.ndarray[Any, Any]


def magnitudes(random: np.random.Generator, high: float, count: int) -> Array:
    """Positive numbers up to `high`: half of them even, half of them even by their logarithm."""
    even = random.uniform(0, min(high, 100.0), count // 2)
    spread = np.exp(random.uniform(np.log(min(TINY, high)), np.log(high), count - count // 2))
    return np.concatenate([even, spread])


def between(random: np.random.Generator, interval: Interval, count: int) -> Array:
    """Numbers of an interval, dense around 0 or its lower end."""
    low, high = interval
    if low >= 0:
        return low + magnitudes(random, high - low, count)
    below = -magnitudes(random, -low, count // 2)
    return np.concatenate([below, magnitudes(random, high, count - count // 2)])


def arguments(function: Function, dtype: str, seed: int = 0) -> list[Array]:
    """Arrays of one length for each argument, of numbers that the type holds."""
    random = np.random.default_rng(seed)
    count = function.points
    columns = []
    for position, interval in enumerate(function.intervals):
        drawn = random.permutation(between(random, interval, count))
        if position in function.integers:
            drawn = np.ceil(drawn)
        with np.errstate(over="ignore"):
            columns.append(drawn.astype(DTYPES[dtype]))
    kept = np.ones(count, bool)
    for column, (low, high) in zip(columns, function.intervals, strict=True):
        wide = column.astype(np.float64)
        kept &= np.isfinite(wide) & (wide >= low) & (wide <= high) & (wide != 0)  # zeros have signs
    return [column[kept] for column in columns]
