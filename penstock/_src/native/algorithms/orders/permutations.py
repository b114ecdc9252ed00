"""Fisher and Yates's shuffle of whole numbers by given steps."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val


class Permutations(NamedTuple):
    """Builtins over arrays of int64.

    shuffle (order, steps, number of steps) -> 0; swaps element i with the element steps[i] after it
    """

    shuffle: Callable[..., int]


@compiled(Permutations)
def permutations(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(order=PTR, steps=PTR, count=I64)
    with m.fn("shuffle", ret=I64, internal=True, **arguments) as f:

        def exchange(i: Val) -> None:
            j = i + f.load(f.steps, i, I64)
            here, there = f.load(f.order, i, I64), f.load(f.order, j, I64)
            f.store(there, f.order, i)
            f.store(here, f.order, j)

        f.loop(f.i64(0), f.count, 1, exchange)
        f.give(f.i64(0))
    py.emit_entry(m, "shuffle", "aan")
