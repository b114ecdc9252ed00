"""The non-increasing sequence closest to each row of a matrix: adjacent violators are pooled (Barlow, Bartholomew, Bremner & Brunk 1972)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F64, I32, I64, PTR
from ...language.value import Val


class Isotonic(NamedTuple):
    """Builtins.

    pool (rows float64 [count, width], count, width, results float64 [count, width], segments int32 [count, width],
        sums float64 [width], sizes int64 [width]) -> 0
    """

    pool: Callable[..., int]


@compiled(Isotonic)
def isotonic(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(
        rows=PTR, count=I64, width=I64, results=PTR, segments=PTR, sums=PTR, sizes=PTR
    )
    with m.fn("pool", ret=I64, internal=True, **arguments) as f:

        def row(k: Val) -> None:
            values = f.at(f.rows, k * f.width, F64)
            (blocks,) = f.loop(
                f.i64(0), f.width, 1, lambda i, n: (_enter(f, values, i, n),), f.i64(0)
            )
            _spread(f, k, blocks)

        f.loop(f.i64(0), f.count, 1, row)
        f.give(f.i64(0))
    py.emit_entry(m, "pool", "annaaaa")


def _enter(f: Fn, values: Val, i: Val, blocks: Val) -> Val:
    """Adds an element as a block, merged with those before it whose means are less; returns the number of blocks."""

    def mean_of(total: Val, size: Val) -> Val:
        return f.binary("div", total, f.convert(size, F64))

    def last_mean(last: Val) -> Val:
        return mean_of(f.load(f.sums, last - 1, F64), f.load(f.sizes, last - 1, I64))

    def is_violated(last: Val, total: Val, size: Val) -> Val:
        (less,) = f.when(
            last > 0,
            lambda: (last_mean(last) < mean_of(total, size),),
            lambda: (f.const(0, "i1"),),
        )
        return less

    def merge(last: Val, total: Val, size: Val) -> tuple[Val, ...]:
        before, more = f.load(f.sums, last - 1, F64), f.load(f.sizes, last - 1, I64)
        return last - 1, before + total, more + size

    # Sums and sizes, not means, are merged: a mean is rounded once, however many merged.
    value = f.load(values, i, F64)
    last, total, size = f.loop_while(is_violated, merge, blocks, value, f.i64(1))
    f.store(total, f.sums, last)
    f.store(size, f.sizes, last)
    return last + 1


def _spread(f: Fn, k: Val, blocks: Val) -> None:
    """Writes each block's mean and number to the elements of row k."""

    def block(number: Val, at: Val) -> tuple[Val, ...]:
        size = f.load(f.sizes, number, I64)
        mean = f.binary("div", f.load(f.sums, number, F64), f.convert(size, F64))
        end = at + size

        def element(i: Val) -> None:
            f.store(mean, f.results, i)
            f.store(f.convert(number, I32), f.segments, i)

        f.loop(at, end, 1, element)
        return (end,)

    f.loop(f.i64(0), blocks, 1, block, k * f.width)
