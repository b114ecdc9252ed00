"""Numbers of rows that are among the largest of their row."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, I8, I32, I64, PTR, vec
from ...language.value import Val

LANES = 16


class _Functions(NamedTuple):
    """Builtins.

    top (rows float32 [number, columns], columns, a column of each int64 [number], number, k, result bool [number]) -> 0
    """

    top: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_top(m)
    py.emit_entry(m, "top", "ananna")


def are_among_largest(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    """True for each row with fewer than k numbers larger than the one in its column; False for rows with infinities or NaN.

    Args:
      rows: float32 [number, columns].
      columns: integers [number]; False if there is no such column.
      k: how many are the largest.
    """
    result = np.zeros(len(rows), np.bool_)
    if rows.size:
        numbers = np.ascontiguousarray(columns, np.int64)
        words = np.ascontiguousarray(rows)
        _functions().top(words, rows.shape[1], numbers, len(rows), k, result)
    return result


def _emit_top(m: Module) -> None:
    arguments: Any = dict(rows=PTR, columns=I64, chosen=PTR, number=I64, k=I64, result=PTR)
    with m.fn("top", ret=I64, internal=True, **arguments) as f:

        def row(i: Val) -> None:
            column = f.load(f.chosen, i, I64)
            is_there = (column >= 0) & (column < f.columns)
            f.when(is_there, lambda: f.store(_is_among(f, i, column), f.result, i))

        f.loop(f.i64(0), f.number, 1, row)
        f.give(f.i64(0))


def _is_among(f: Fn, i: Val, column: Val) -> Val:
    """1 if fewer than k numbers of row i are larger than that of a column, and all of it are finite; else 0."""
    row = f.at(f.rows, i * f.columns, F32)
    score = f.load(row, column, F32)

    def compared(at: Val, lanes: int) -> tuple[Val, Val]:
        """How many of some numbers are larger, and True if all are finite."""
        ty = vec(F32, lanes) if lanes > 1 else F32
        x = f.load(row, at, ty)
        larger, finite = (
            x > _all(f, score, lanes),
            f.intrinsic("fabs", x) < _all(f, _infinity(f), lanes),
        )
        if lanes == 1:
            return f.select(larger, f.i64(1), f.i64(0)), finite
        ones = f.select(larger, f.splat(f.const(1, I32), lanes), f.splat(f.const(0, I32), lanes))
        return f.cast("sext", f.reduce("add", ones), I64), f.reduce("and", finite)

    def run(end: Val, lanes: int, start: tuple[Val, ...]) -> tuple[Val, ...]:
        def goes_on(at: Val, larger: Val, is_finite: Val) -> Val:
            # Later numbers change nothing once k are larger, or one is not finite.
            return (at + lanes <= end) & (larger < f.k) & is_finite

        def step(at: Val, larger: Val, _: Val) -> tuple[Val, ...]:
            more, is_finite = compared(at, lanes)
            return at + lanes, larger + more, is_finite

        return f.loop_while(goes_on, step, *start)

    start = f.i64(0), f.i64(0), f.const(1, "i1")
    _, larger, is_finite = run(f.columns, 1, run(f.columns, LANES, start))
    return f.select((larger < f.k) & is_finite, f.const(1, I8), f.const(0, I8))


def _all(f: Fn, x: Val, lanes: int) -> Val:
    return f.splat(x, lanes) if lanes > 1 else x


def _infinity(f: Fn) -> Val:
    return f.const(float("inf"), F32)
