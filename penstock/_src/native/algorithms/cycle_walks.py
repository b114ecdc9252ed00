"""Walks along the cycles of a block cipher until a number of a range: positions in a random permutation of the range.

Sources: Beaulieu, Shors, Smith, Treatman-Clark, Weeks & Wingers, "The SIMON and SPECK families of lightweight block ciphers", 2013; cycle
walking: Black & Rogaway, 2002.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I64, PTR
from ..language.value import Val


class CycleWalks(NamedTuple):
    """Builtins over arrays of int64, the bits of uint64.

    walk (numbers [count], keys [rounds], rounds, bits of half a block, largest, count) -> 0; replaces each number by the next one on
        its cycle that is at most `largest`
    """

    walk: Callable[..., int]


@compiled(CycleWalks)
def cycle_walks(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(numbers=PTR, keys=PTR, rounds=I64, half=I64, largest=I64, count=I64)
    with m.fn("walk", ret=I64, internal=True, **arguments) as f:
        mask = f.binary("lshr", f.i64(-1), f.i64(64) - f.half)

        def one(i: Val) -> None:
            first = _encrypted(f, f.load(f.numbers, i, I64), mask)
            # It ends: the cycle returns to the number itself, which is in the range.
            (inside,) = f.loop_while(
                # two bits more than the range needs, so few steps are expected.
                lambda number: f.compare("ugt", number, f.largest),
                lambda number: (_encrypted(f, number, mask),),
                first,
            )
            f.store(inside, f.numbers, i)

        f.loop(f.i64(0), f.count, 1, one)
        f.give(f.i64(0))
    py.emit_entry(m, "walk", "aannnn")


def _encrypted(f: Fn, number: Val, mask: Val) -> Val:
    # Two rounds leave the halves in their places, so that none need be swapped.
    def two_rounds(i: Val, left: Val, right: Val) -> tuple[Val, Val]:
        left = left ^ _round(f, right, mask) ^ f.load(f.keys, i, I64)
        right = right ^ _round(f, left, mask) ^ f.load(f.keys, i + 1, I64)
        return left, right

    high = f.binary("lshr", number, f.half) & mask
    left, right = f.loop(f.i64(0), f.rounds, 2, two_rounds, high, number & mask)
    return f.binary("shl", left, f.half) | right


def _round(f: Fn, x: Val, mask: Val) -> Val:
    def turned(count: int) -> Val:
        return (f.binary("shl", x, count) | f.binary("lshr", x, f.half - count)) & mask

    return (turned(1) & turned(8)) ^ turned(2)
