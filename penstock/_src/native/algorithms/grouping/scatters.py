"""Rows combined with those of an array at vectors of indices into its leading axes, in order."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.values.arrays import name_of

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I8, I16, I32, I64, PTR
from ...language.value import Val
from ...systems import runs_native_code
from .segments import TYPES, combined, each_column

_WORDS = {1: I8, 2: I16, 4: I32, 8: I64}  # types that elements of as many bytes are moved as
_INDICES = {np.dtype(np.int32): I32, np.dtype(np.int64): I64}


class _Functions(NamedTuple):
    """Builtins.

    scatter (rows [number, width], width, vectors [number, depth], number, depth, extents int64 [depth], into) -> the number of rows
        before the first whose vector is not one of the array's
    """

    scatter: Callable[..., int]


def scatter_rows(
    operation: str, into: np.ndarray, vectors: np.ndarray, rows: np.ndarray
) -> int | None:
    """Combines rows, one after the other, with those of a contiguous array at index vectors.

    Args:
      operation: "set", "add", "sub", "max" or "min".
      into: the array.
      vectors: [number, depth], `depth` at least 1.
      rows: [number, ...], of the array's dtype, with the extents of its remaining axes.

    Returns:
      The number of rows before the first whose index vector is out of range, to which the rows before it are done; or None, and nothing
      is done, if there is no native code for the array.
    """
    dtype = into.dtype
    if not runs_native_code() or not into.flags.c_contiguous or dtype.hasobject:
        return None
    number, depth = vectors.shape
    width = rows.size // number if number else 0
    if operation == "set":
        size = min(dtype.itemsize, 8)
        element, width = _WORDS[size], width * (dtype.itemsize // size)
    else:
        if (name := name_of(dtype)) not in TYPES:
            return None
        element = TYPES[name]
    kind = _INDICES.get(vectors.dtype)
    if kind is None:
        vectors, kind = vectors.astype(np.int64), I64
    extents = np.array(into.shape[:depth], np.int64)
    vectors, rows = np.ascontiguousarray(vectors), np.ascontiguousarray(rows)
    scatter = _functions(element, operation, kind).scatter
    return scatter(rows, width, vectors, number, depth, extents, into)


@compiled(_Functions)
def _functions(m: Module, element: str, operation: str, index: str) -> None:
    """The function for types of elements and indices, and an operation."""
    arguments: Any = dict(
        rows=PTR, width=I64, vectors=PTR, number=I64, depth=I64, extents=PTR, into=PTR
    )
    with m.fn("scatter", ret=I64, internal=True, **arguments) as f:

        def row(i: Val, _: Val) -> tuple[Val, ...]:
            k, is_inside = _row_of(f, i, index)

            def column(c: Val, kind: str) -> None:
                x = f.load(f.rows, i * f.width + c, kind)
                at = k * f.width + c
                if operation == "set":
                    new = x
                elif operation == "sub":
                    new = f.binary("sub", f.load(f.into, at, kind), x)
                else:
                    new = combined(f, operation, f.load(f.into, at, kind), x)
                f.store(new, f.into, at)

            f.when(is_inside, lambda: each_column(f, element, column))
            return f.select(is_inside, i + 1, i), is_inside

        done, _ = f.loop_while(
            lambda i, is_inside: (i < f.number) & is_inside, row, f.i64(0), f.const(1, "i1")
        )
        f.give(done)
    py.emit_entry(m, "scatter", "anannaa")


def _row_of(f: Fn, i: Val, index: str) -> tuple[Val, Val]:
    """The number of the row that vector i stands for, and a flag for a vector that is inside."""

    def step(axis: Val, row: Val, is_inside: Val) -> tuple[Val, ...]:
        at = f.convert(f.load(f.vectors, i * f.depth + axis, index), I64)
        extent = f.load(f.extents, axis, I64)
        return row * extent + at, is_inside & f.compare("ult", at, extent)

    row, is_inside = f.loop(f.i64(0), f.depth, 1, step, f.i64(0), f.const(1, "i1"))
    return row, is_inside
