"""The union of two ascending vectors."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val


class Merging(NamedTuple):
    """Builtins over arrays of int64.

    merge (a, its size, b, its size, position of each element of a in the union [size of a], of b) -> the size of the union;
    both are strictly ascending
    """

    merge: Callable[..., int]


@compiled(Merging)
def merging(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(a=PTR, a_size=I64, b=PTR, b_size=I64, a_at=PTR, b_at=PTR)
    with m.fn("merge", ret=I64, internal=True, **arguments) as f:

        def step(i: Val, j: Val, count: Val) -> tuple[Val, ...]:
            x, y = f.load(f.a, i, I64), f.load(f.b, j, I64)
            # The larger one is written again at the next step: this has no branch that is hard to predict.
            f.store(count, f.a_at, i)
            f.store(count, f.b_at, j)
            i_step, j_step = (f.convert(taken, I64, signed=False) for taken in (x <= y, y <= x))
            return i + i_step, j + j_step, count + 1

        i, j, count = f.loop_while(
            lambda i, j, _: (i < f.a_size) & (j < f.b_size), step, f.i64(0), f.i64(0), f.i64(0)
        )

        def rest(size: Val, positions: Val, first: Val, count: Val) -> Val:
            f.loop(first, size, 1, lambda at: f.store(count + at - first, positions, at))
            return count + size - first

        count = rest(f.a_size, f.a_at, i, count)
        f.give(rest(f.b_size, f.b_at, j, count))
    py.emit_entry(m, "merge", "ananaa")
