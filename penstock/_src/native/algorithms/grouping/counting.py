"""Counts of whole numbers in rows, or sums of their weights."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.values.arrays import name_of

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import F32, F64, I32, I64, PTR
from ...language.value import Val

_TYPES = {"int32": I32, "int64": I64, "float32": F32, "float64": F64}
_MOST = np.iinfo(np.int32).max  # numbers that are counted as int32


class _Functions(NamedTuple):
    """Builtins.

    count (numbers [rows, columns], weights [rows, columns], rows, columns, size, bins [rows, size] of zeros) -> the least number, or more
        if none is negative; numbers of at least `size` are left out, and those that are negative
    """

    count: Callable[..., int]


def counts_of(
    numbers: np.ndarray, size: int, weights: np.ndarray, dtype: Any, is_binary: bool
) -> np.ndarray | None:
    """Return how often each whole number below `size` occurs in a vector, or in each row of a matrix.

    Args:
      numbers: int32 or int64; those of at least `size` are left out.
      size: of the counts, not negative.
      weights: added up one after the other in place of ones if it has elements; as many as there are numbers, of `dtype`.
      dtype: of the counts, a dtype of NumPy.
      is_binary: gives 1 for each number that occurs.

    Returns:
      The counts, or None if a number is negative.
    """
    if numbers.size > _MOST:
        kind = name_of(np.dtype(dtype)) if weights.size and not is_binary else "wide"
    else:
        kind = name_of(np.dtype(dtype)) if weights.size else "ones"
    if is_binary:
        kind = "binary"
    columns = numbers.shape[-1]
    rows = numbers.size // columns if columns else 0
    shape = (*numbers.shape[:-1], size)
    bins = np.zeros(shape, _type_of_bins(kind))
    if not numbers.size:
        return bins.astype(dtype, copy=False)
    words = np.ascontiguousarray(numbers)
    factors = np.ascontiguousarray(weights) if kind in _TYPES else words
    count = _functions(name_of(words.dtype), kind).count
    if count(words, factors, rows, columns, size, bins) < 0:
        return None
    return bins.astype(dtype, copy=False)


def _type_of_bins(kind: str) -> str:
    return kind if kind in _TYPES else "int64" if kind == "wide" else "int32"


@compiled(_Functions)
def _functions(m: Module, dtype: str, kind: str) -> None:
    """The functions for numbers of a dtype: the kind is the dtype of weights, or "ones", "wide" (ones as int64) or "binary"."""
    word, ty = _TYPES[dtype], _TYPES[_type_of_bins(kind)]
    arguments: Any = dict(numbers=PTR, weights=PTR, rows=I64, columns=I64, size=I64, bins=PTR)
    with m.fn("count", ret=I64, internal=True, **arguments) as f:

        def row(i: Val, least: Val) -> tuple[Val, ...]:
            bins = f.at(f.bins, i * f.size, ty)

            def one(at: Val, least: Val) -> tuple[Val, ...]:
                number = f.load(f.numbers, at, word)
                number = f.cast("sext", number, I64) if word == I32 else number

                def add() -> None:
                    if kind == "binary":
                        f.store(f.const(1, ty), bins, number)
                        return
                    more = f.load(f.weights, at, ty) if kind in _TYPES else f.const(1, ty)
                    f.store(f.load(bins, number, ty) + more, bins, number)

                f.when((number >= 0) & (number < f.size), add)
                return (f.min(least, number),)

            first = i * f.columns
            return f.loop(first, first + f.columns, 1, one, least)

        (least,) = f.loop(f.i64(0), f.rows, 1, row, f.i64(0))
        f.give(least)
    py.emit_entry(m, "count", "aannna")
