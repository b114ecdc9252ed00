"""Rows of a matrix combined by ids that never descend."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.values.arrays import name_of

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I32, I64, PTR, is_float, vec
from ...language.value import Val
from ...systems import runs_native_code

STRETCH = 128  # rows that one running sum adds up: its error grows with its steps
LANES = 16
TYPES = {"float32": F32, "float64": F64, "int32": I32, "int64": I64}
OPERATIONS = ("add", "mul", "max", "min")


class Segments(NamedTuple):
    """Builtins.

    combine (rows [count, width], width, first row of each segment int64 [segments + 1], segments, combined [segments, width]) -> 0
        A segment has a row at least; the last number is where the last one ends.
    ascending (rows [number, width], width, segments int64 [number], number, count, a number for empty segments, combined [count, width],
        sizes int64 [count]) -> the number of rows before the first whose segment is less than the one before, or outside of the count
    chosen (rows, width, row of each number int64 [number], segments int64 [number], ...) -> as ascending, for chosen rows
    scattered (rows [number, width], width, segments int64 [number], number, count, combined [count, width]) -> the number of rows
        before the first whose segment is too large; rows with negative segments are left out, others combined with what is there
    """

    combine: Callable[..., int]
    ascending: Callable[..., int]
    chosen: Callable[..., int]
    scattered: Callable[..., int]


def combine_at(operation: str, into: np.ndarray, ids: np.ndarray, rows: np.ndarray) -> bool:
    """Combines rows, one after the other, with those of a contiguous array at row numbers that it has.

    Args:
      operation: one of OPERATIONS, or "sub".
      into: [count, width].
      ids: a vector of row numbers.
      rows: [size of ids, width].

    Returns:
      False, and changes nothing, if there is no native code for the array.
    """
    dtype = name_of(into.dtype)
    if dtype not in TYPES or not into.flags.c_contiguous or not runs_native_code():
        return False
    if operation == "sub":
        # Exact, also for integers that wrap around.
        operation, rows = "add", -rows
    rows, ids = np.ascontiguousarray(rows, into.dtype), np.ascontiguousarray(ids, np.int64)
    count, width = into.shape
    segments(dtype, operation).scattered(rows, width, ids, len(ids), count, into)
    return True


@compiled(Segments)
def segments(m: Module, dtype: str, operation: str) -> None:
    """The functions for a dtype of TYPES and one of OPERATIONS, compiled."""
    ty = TYPES[dtype]
    _emit_combine(m, ty, operation)
    _emit_ascending(m, ty, operation, "ascending")
    _emit_ascending(m, ty, operation, "chosen")
    _emit_scattered(m, ty, operation)
    for name, parameters in (
        ("combine", "anana"),
        ("ascending", "anannaaa"),
        ("chosen", "anaannaaa"),
        ("scattered", "ananna"),
    ):
        py.emit_entry(m, name, parameters)


def _emit_combine(m: Module, ty: str, operation: str) -> None:
    arguments: Any = dict(rows=PTR, width=I64, begins=PTR, count=I64, combined=PTR)
    with m.fn("combine", ret=I64, internal=True, **arguments) as f:

        def segment(k: Val) -> None:
            begin, end = f.load(f.begins, k, I64), f.load(f.begins, k + 1, I64)
            _combine_rows(f, ty, operation, k, begin, end)

        f.loop(f.i64(0), f.count, 1, segment)
        f.give(f.i64(0))


def _emit_ascending(m: Module, ty: str, operation: str, name: str) -> None:
    arguments: Any = dict(rows=PTR, width=I64)
    if name == "chosen":
        arguments |= dict(indices=PTR)
    arguments |= dict(ids=PTR, number=I64, count=I64, empty=PTR, combined=PTR, sizes=PTR)
    with m.fn(name, ret=I64, internal=True, **arguments) as f:
        nothing = f.load(f.empty, 0, ty)

        def fill(begin: Val, end: Val) -> None:
            f.loop(begin * f.width, end * f.width, 1, lambda at: f.store(nothing, f.combined, at))
            f.loop(begin, end, 1, lambda k: f.store(f.i64(0), f.sizes, k))

        def run(begin: Val, following: Val, _: Val) -> tuple[Val, ...]:
            k = f.load(f.ids, begin, I64)
            is_right = (k >= following) & (k < f.count)

            def combine() -> tuple[Val, ...]:
                # The segments that were passed over have no rows.
                fill(following, k)
                end = _end_of_run(f, begin, k)
                _combine_rows(f, ty, operation, k, begin, end)
                f.store(end - begin, f.sizes, k)
                return end, k + 1

            return *f.when(is_right, combine, lambda: (begin, following)), is_right

        def goes_on(begin: Val, _: Val, is_right: Val) -> Val:
            return (begin < f.number) & is_right

        done, following, _ = f.loop_while(goes_on, run, f.i64(0), f.i64(0), f.const(1, "i1"))
        # Not after a wrong segment, which is an error: nobody reads the result.
        f.when(done.eq(f.number), lambda: fill(following, f.count))
        f.give(done)


def _end_of_run(f: Fn, begin: Val, k: Val) -> Val:
    """The first row after `begin` that is not of segment k."""

    def follow(at: Val, lanes: int) -> Val:
        def goes_on(at: Val) -> Val:
            def same() -> tuple[Val, ...]:
                if lanes == 1:
                    return (f.load(f.ids, at, I64).eq(k),)
                equal = f.load(f.ids, at, vec(I64, lanes)).eq(f.splat(k, lanes))
                return (f.reduce("and", equal),)

            return f.when(at + lanes <= f.number, same, lambda: (f.const(0, "i1"),))[0]

        return f.loop_while(goes_on, lambda at: (at + lanes,), at)[0]

    return follow(follow(begin + 1, LANES), 1)


def _emit_scattered(m: Module, ty: str, operation: str) -> None:
    arguments: Any = dict(rows=PTR, width=I64, ids=PTR, number=I64, count=I64, combined=PTR)
    with m.fn("scattered", ret=I64, internal=True, **arguments) as f:

        def row(i: Val, _: Val) -> tuple[Val, ...]:
            k = f.load(f.ids, i, I64)
            is_right = k < f.count

            def column(c: Val, kind: str) -> None:
                at = k * f.width + c
                total, x = f.load(f.combined, at, kind), f.load(f.rows, i * f.width + c, kind)
                f.store(combined(f, operation, total, x), f.combined, at)

            # TensorFlow leaves out rows of negative segments, and refuses those that are too large.
            f.when(is_right & (k >= 0), lambda: each_column(f, ty, column))
            return f.select(is_right, i + 1, i), is_right

        def goes_on(i: Val, is_right: Val) -> Val:
            return (i < f.number) & is_right

        done, _ = f.loop_while(goes_on, row, f.i64(0), f.const(1, "i1"))
        f.give(done)


def each_column(f: Fn, ty: str, body: Callable[[Val, str], None]) -> None:
    """Calls `body` for the first of several columns, with the type of a vector of them, and for each of the rest."""
    done = f.width // LANES * LANES
    f.loop(f.i64(0), done, LANES, lambda c: body(c, vec(ty, LANES)))
    # Rows of 4 to 15 numbers are common: a column each would read them with a stride.
    for lanes in (LANES // 2, LANES // 4):
        end = f.width // lanes * lanes
        f.loop(done, end, lanes, lambda c, lanes=lanes: body(c, vec(ty, lanes)))
        done = end
    f.loop(done, f.width, 1, lambda c: body(c, ty))


def _combine_rows(f: Fn, ty: str, operation: str, k: Val, begin: Val, end: Val) -> None:
    """Combines some rows to row k of the result."""

    def column(c: Val, kind: str) -> None:
        def at(row: Val) -> Val:
            if "indices" in f.args:
                row = f.load(f.indices, row, I64)
            return f.load(f.rows, row * f.width + c, kind)

        def stretch(first: Val) -> Val:
            # A stretch is summed by itself: its total, not each row, is added to the large one.
            last = f.min(first + STRETCH, end)

            def step(row: Val, total: Val) -> tuple[Val, ...]:
                return (combined(f, operation, total, at(row)),)

            return f.loop(first + 1, last, 1, step, at(first))[0]

        def more(first: Val, total: Val) -> tuple[Val, ...]:
            return (combined(f, operation, total, stretch(first)),)

        (total,) = f.loop(begin + STRETCH, end, STRETCH, more, stretch(begin))
        f.store(total, f.combined, k * f.width + c)

    if "indices" in f.args or (is_float(ty) and operation in ("add", "mul")):
        # Sums and products are rounded in the order of the rows, also in a vector.
        each_column(f, ty, column)
        return

    def vector() -> tuple[Val, ...]:
        total = _combined_lanes(f, ty, operation, begin, end)
        f.store(total, f.combined, k)
        # Equal zeros keep the sign of the first, and NaN their bits.
        return ((total < 0) | (total > 0) if is_float(ty) else f.const(1, "i1"),)

    is_long = f.width.eq(1) & (end - begin >= LANES)
    (is_done,) = f.when(is_long, vector, lambda: (f.const(0, "i1"),))
    f.when(is_done, lambda: (), lambda: each_column(f, ty, column))


def _combined_lanes(f: Fn, ty: str, operation: str, begin: Val, end: Val) -> Val:
    """The combination of at least LANES numbers of a vector, in any order."""
    wide = vec(ty, LANES)

    def step(row: Val, total: Val) -> tuple[Val, ...]:
        return (combined(f, operation, total, f.load(f.rows, row, wide)),)

    whole = begin + (end - begin) // LANES * LANES
    (total,) = f.loop(begin + LANES, whole, LANES, step, f.load(f.rows, begin, wide))
    half = LANES // 2
    while half:
        upper = f.shuffle(total, None, range(half, 2 * half))
        total = combined(f, operation, f.shuffle(total, None, range(half)), upper)
        half //= 2

    def rest(row: Val, total: Val) -> tuple[Val, ...]:
        return (combined(f, operation, total, f.load(f.rows, row, ty)),)

    return f.loop(whole, end, 1, rest, f.extract(total, 0))[0]


def combined(f: Fn, operation: str, x: Val, y: Val) -> Val:
    if operation in ("add", "mul"):
        return f.binary(operation, x, y)
    # On ties the earlier one, so that zeros keep the sign that came first.
    is_first = f.compare("ge" if operation == "max" else "le", x, y)
    if "float" in x.ty or "double" in x.ty:
        is_first = is_first | f.compare("uno", x, x)  # a NaN stays one
    return f.select(is_first, x, y)
