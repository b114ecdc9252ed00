"""Inverses of permutations.

Not a kernel in Python, which would take twice as long: the memory is set at once here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import BITS, I64, PTR
from ...language.value import Val


class Inverses(NamedTuple):
    """Builtins over arrays of one type of integers.

    invert (order, its size, inverse) -> the number of elements that are outside of the array, or equal to one before
    """

    invert: Callable[..., int]


@compiled(Inverses)
def inverses(m: Module, element: str) -> None:
    """The function for a type, "i32" or "i64", compiled."""
    arguments: Any = dict(order=PTR, count=I64, inverse=PTR)
    with m.fn("invert", ret=I64, internal=True, **arguments) as f:
        f.memset(f.inverse, 255, f.count * (BITS[element] // 8))

        def one(i: Val, wrong: Val) -> tuple[Val, ...]:
            number = f.convert(f.load(f.order, i, element), I64)

            def place() -> tuple[Val, ...]:
                is_free = f.load(f.inverse, number, element) < 0
                f.store(f.convert(i, element), f.inverse, number)
                return (f.select(is_free, wrong, wrong + 1),)

            return f.when(f.compare("ult", number, f.count), place, lambda: (wrong + 1,))

        f.give(f.loop(f.i64(0), f.count, 1, one, f.i64(0))[0])
    py.emit_entry(m, "invert", "ana")
