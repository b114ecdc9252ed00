"""Ranges of whole numbers, one after the other, as the rows of a ragged tensor."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I32, I64, PTR
from ...language.value import Val

NO_STEP, TOO_LONG, TOO_MANY = -1, -2, -3
_BOUNDS = ("starts", "limits", "deltas")


class Ranges(NamedTuple):
    """Builtins. `strides` has 0 for each of starts, limits and deltas that is a single number for all rows, and 1 for others.

    split (starts, limits, deltas, strides, rows, most, splits [rows + 1] of int64) -> 0, or the reason that a row cannot be counted:
        NO_STEP for a delta of 0, TOO_LONG for more numbers than int64 counts, TOO_MANY if there are more than `most` with those of the rows before
    fill (starts, deltas, strides, rows, splits, numbers) -> 0
    """

    split: Callable[..., int]
    fill: Callable[..., int]


@compiled(Ranges)
def ranges(m: Module, dtype: str) -> None:
    """The functions for bounds and numbers of int32 or int64, compiled."""
    element = {"int32": I32, "int64": I64}[dtype]
    arguments: Any = dict.fromkeys((*_BOUNDS, "strides"), PTR)
    with m.fn("split", ret=I64, internal=True, **arguments, rows=I64, most=I64, splits=PTR) as f:
        _write_split(f, element)
    arguments = dict(starts=PTR, deltas=PTR, strides=PTR, rows=I64, splits=PTR, numbers=PTR)
    with m.fn("fill", ret=I64, internal=True, **arguments) as f:
        _write_fill(f, element)
    py.emit_entry(m, "split", "aaaanna")
    py.emit_entry(m, "fill", "aaanaa")


def _bound(f: Fn, name: str, element: str) -> Callable[[Val], Val]:
    """A function from a row to its number in an argument."""
    stride = f.load(f.strides, _BOUNDS.index(name), I64)
    array = getattr(f, name)
    return lambda row: f.convert(f.load(array, row * stride, element), I64)


def _write_split(f: Fn, element: str) -> None:
    bounds = [_bound(f, name, element) for name in _BOUNDS]
    f.store(f.i64(0), f.splits, 0)

    def row(i: Val, total: Val, _: Val) -> tuple[Val, ...]:
        start, limit, delta = (bound(i) for bound in bounds)
        rises = delta > 0
        low, high = f.select(rises, start, limit), f.select(rises, limit, start)
        # Differences of int64 are exact as unsigned words.
        step = f.select(rises, delta, f.negative(delta))
        last = high - low - 1

        def divided() -> tuple[Val, ...]:
            return (f.binary("udiv", last, f.select(delta.eq(0), f.i64(1), step)),)

        (whole,) = f.when(step.eq(1), lambda: (last,), divided)
        count = f.select(low < high, whole + 1, f.i64(0))
        end = total + count
        is_over = (end < 0) | (end > f.most)
        reason = f.select(is_over, f.i64(TOO_MANY), f.i64(0))
        reason = f.select(count < 0, f.i64(TOO_LONG), reason)
        reason = f.select(delta.eq(0), f.i64(NO_STEP), reason)
        f.store(end, f.splits, i + 1)
        return i + 1, end, reason

    def goes_on(i: Val, _: Val, reason: Val) -> Val:
        return (i < f.rows) & reason.eq(0)

    f.give(f.loop_while(goes_on, row, f.i64(0), f.i64(0), f.i64(0))[2])


def _write_fill(f: Fn, element: str) -> None:
    start_of, delta_of = (_bound(f, name, element) for name in ("starts", "deltas"))

    def row(i: Val) -> None:
        begin, end = (f.load(f.splits, i + k, I64) for k in range(2))
        start, delta = start_of(i), delta_of(i)

        def one(at: Val) -> None:
            number = start + (at - begin) * delta
            f.store(f.convert(number, element), f.numbers, at)

        f.loop(begin, end, 1, one)

    f.loop(f.i64(0), f.rows, 1, row)
    f.give(f.i64(0))
