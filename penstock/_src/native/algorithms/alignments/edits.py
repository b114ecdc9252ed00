"""Edit distances of many pairs of sequences: the row-by-row table of Wagner and Fischer."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val


class Edits(NamedTuple):
    """Builtins over arrays of int64.

    distances (first, begins [pairs + 1], second, begins [pairs + 1], pairs, row [longest second + 1], distances [pairs]) -> 0
    """

    distances: Callable[..., int]


@compiled(Edits)
def edits(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(a=PTR, a_begins=PTR, b=PTR, b_begins=PTR, pairs=I64, row=PTR, found=PTR)
    with m.fn("distances", ret=I64, internal=True, **arguments) as f:

        def pair(k: Val) -> None:
            begin, end = f.load(f.a_begins, k, I64), f.load(f.a_begins, k + 1, I64)
            other, count = f.load(f.b_begins, k, I64), f.load(f.b_begins, k + 1, I64)
            count = count - other
            # From an empty sequence it takes an insertion for each element.
            f.loop(f.i64(0), count + 1, 1, lambda j: f.store(j, f.row, j))

            def row(i: Val) -> None:
                x = f.load(f.a, i, I64)
                f.store(i - begin + 1, f.row, 0)

                # One row is enough: the diagonal is passed on before its cell is overwritten.
                def cell(j: Val, diagonal: Val, left: Val) -> tuple[Val, ...]:
                    differs = x.ne(f.load(f.b, other + j, I64))
                    above = f.load(f.row, j + 1, I64)
                    least = f.min(
                        f.min(above, left) + 1, diagonal + f.convert(differs, I64, signed=False)
                    )
                    f.store(least, f.row, j + 1)
                    return above, least

                f.loop(f.i64(0), count, 1, cell, i - begin, i - begin + 1)

            f.loop(begin, end, 1, row)
            f.store(f.load(f.row, count, I64), f.found, k)

        f.loop(f.i64(0), f.pairs, 1, pair)
        f.give(f.i64(0))
    py.emit_entry(m, "distances", "aaaanaa")
