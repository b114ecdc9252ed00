"""Different whole numbers, found by hashing: their numbers in order of appearance, and which of them others are.

Source: Knuth, TAOCP vol. 3, 6.4: open addressing with linear probing, and multiplicative hashing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I32, I64, PTR
from ..language.value import Val

MOST = 1 << 29  # maximum number of values, so that table indices are 32-bit numbers
_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)  # 2**64 over the golden ratio, as a signed word


class _Functions(NamedTuple):
    """Builtins over arrays of int64, but for `slots`, of int32.

    number (values, count, slots, last, first [count], numbers [count]) -> the number of distinct values; writes the index of the
        first occurrence of each, and the number of each value
    find (wanted, count, keys, slots, last, numbers [count]) -> 0; writes the number of each, or -1
    """

    number: Callable[..., int]
    find: Callable[..., int]


class NumberIndex:
    """The numbers of different whole numbers.

    Args:
      keys: a vector of different int64.
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._keys = np.ascontiguousarray(keys, np.int64)
        self._slots = _empty_slots(len(keys))
        scratch = np.empty((2, len(keys)), np.int64)
        _functions().number(self._keys, len(keys), self._slots, len(self._slots) - 1, *scratch)

    def find(self, wanted: np.ndarray) -> np.ndarray:
        """The number of each value of a vector, -1 for those that are not there."""
        numbers = np.empty(len(wanted), np.int64)
        wanted = np.ascontiguousarray(wanted, np.int64)
        last = len(self._slots) - 1
        _functions().find(wanted, len(wanted), self._keys, self._slots, last, numbers)
        return numbers


def numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the first occurrence of each distinct value of an int64 vector, and for each element the number of its value."""
    count = len(values)
    first, numbers = np.empty(count, np.int64), np.empty(count, np.int64)
    values = np.ascontiguousarray(values, np.int64)
    slots = _empty_slots(count)
    different = _functions().number(values, count, slots, len(slots) - 1, first, numbers)
    return first[:different], numbers


def _empty_slots(count: int) -> np.ndarray:
    return np.full(1 << max(2 * count, 4).bit_length(), -1, np.int32)


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_number(m)
    _emit_find(m)
    py.emit_entry(m, "number", "ananaa")
    py.emit_entry(m, "find", "anaana")


def _probe(f: Fn, value: Val, key_of: Callable[[Val], Val]) -> tuple[Val, Val]:
    """The slot of a value, or the empty slot for it; and the number stored there, or -1."""
    product = value * _GOLDEN
    start = f.binary("lshr", product, 32) & f.last

    def at(place: Val) -> Val:
        return f.convert(f.load(f.slots, place, I32), I64)

    def differs(number: Val) -> Val:
        (other,) = f.when(
            number >= 0, lambda: (key_of(number).ne(value),), lambda: (f.const(0, "i1"),)
        )
        return other

    def step(place: Val, _: Val) -> tuple[Val, ...]:
        following = (place + 1) & f.last
        return following, at(following)

    place, number = f.loop_while(lambda _, number: differs(number), step, start, at(start))
    return place, number


def _emit_number(m: Module) -> None:
    arguments: Any = dict(values=PTR, count=I64, slots=PTR, last=I64, first=PTR, numbers=PTR)
    with m.fn("number", ret=I64, internal=True, **arguments) as f:

        def one(i: Val, different: Val) -> tuple[Val, ...]:
            value = f.load(f.values, i, I64)
            place, found = _probe(
                f, value, lambda n: f.load(f.values, f.load(f.first, n, I64), I64)
            )

            def new() -> tuple[Val, ...]:
                f.store(f.convert(different, I32), f.slots, place)
                f.store(i, f.first, different)
                return different, different + 1

            number, more = f.when(found >= 0, lambda: (found, different), new)
            f.store(number, f.numbers, i)
            return (more,)

        (different,) = f.loop(f.i64(0), f.count, 1, one, f.i64(0))
        f.give(different)


def _emit_find(m: Module) -> None:
    arguments: Any = dict(wanted=PTR, count=I64, keys=PTR, slots=PTR, last=I64, numbers=PTR)
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def one(i: Val) -> None:
            value = f.load(f.wanted, i, I64)
            _, place = _probe(f, value, lambda n: f.load(f.keys, n, I64))
            f.store(place, f.numbers, i)

        f.loop(f.i64(0), f.count, 1, one)
        f.give(f.i64(0))
