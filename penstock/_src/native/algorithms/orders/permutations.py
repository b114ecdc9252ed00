"""Fisher and Yates's shuffle of whole numbers by given random words, and inverses of permutations."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import BITS, I32, I64, PTR
from ...language.value import Val


class Permutations(NamedTuple):
    """Builtins.

    shuffle (order int64 [count + 1], words uint32 [count], count) -> 0; order becomes 0, 1, 2 ..., then each element i is exchanged
        with one from there on, words[i] modulo their number after it
    """

    shuffle: Callable[..., int]


@compiled(Permutations)
def permutations(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(order=PTR, words=PTR, count=I64)
    with m.fn("shuffle", ret=I64, internal=True, **arguments) as f:

        def exchange(i: Val) -> None:
            left = f.convert(f.count + 1 - i, I32)
            step = f.binary("urem", f.load(f.words, i, I32), left)
            j = i + f.convert(step, I64, signed=False)
            here, there = f.load(f.order, i, I64), f.load(f.order, j, I64)
            f.store(there, f.order, i)
            f.store(here, f.order, j)

        f.loop(f.i64(0), f.count + 1, 1, lambda i: f.store(i, f.order, i))
        f.loop(f.i64(0), f.count, 1, exchange)
        f.give(f.i64(0))
    py.emit_entry(m, "shuffle", "aan")


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
