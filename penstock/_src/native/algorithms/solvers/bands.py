"""Bands of matrices: their elements near the main diagonal, and zeros elsewhere."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val


class _Functions(NamedTuple):
    """Builtins.

    band (matrices, their number, rows, columns, bytes of an element, diagonals below and above the main one that are kept,
        result) -> 0
    """

    band: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_band(m)
    py.emit_entry(m, "band", "annnnnna")


def band(matrices: np.ndarray, below: int, above: int) -> np.ndarray:
    """Return matrices of numbers with zeros outside of some diagonals.

    Args:
      matrices: [..., rows, columns].
      below: how many diagonals are kept below the main one.
      above: how many are kept above it.
    """
    source = np.ascontiguousarray(matrices)
    result = np.empty(source.shape, source.dtype)
    rows, columns = source.shape[-2:]
    if source.size:
        number = source.size // (rows * columns)
        size = source.dtype.itemsize
        _functions().band(source, number, rows, columns, size, below, above, result)
    return result


def _emit_band(m: Module) -> None:
    arguments: Any = dict(source=PTR, number=I64, rows=I64, columns=I64, size=I64)
    arguments |= dict(below=I64, above=I64, result=PTR)
    with m.fn("band", ret=I64, internal=True, **arguments) as f:
        f.loop(
            f.i64(0),
            f.number,
            1,
            lambda k: f.loop(f.i64(0), f.rows, 1, lambda row: _copy_row(f, k, row)),
        )
        f.give(f.i64(0))


def _copy_row(f: Fn, k: Val, row: Val) -> None:
    """Write a row of matrix k: zeros, the elements within the band, and zeros."""
    first = f.min(f.max(row - f.below, 0), f.columns)
    end = f.max(f.min(row + f.above + 1, f.columns), first)
    start = (k * f.rows + row) * f.columns * f.size
    begin, last = start + first * f.size, start + end * f.size
    f.memset(f.at(f.result, start), 0, first * f.size)
    f.memcpy(f.at(f.result, begin), f.at(f.source, begin), (end - first) * f.size)
    f.memset(f.at(f.result, last), 0, (f.columns - end) * f.size)
