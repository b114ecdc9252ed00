"""Different whole numbers, found by hashing: their numbers in order of appearance, and which of them others are.

Source: Knuth, TAOCP vol. 3, 6.4: open addressing with linear probing, and multiplicative hashing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.values.arrays import name_of

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I32, I64, OF_NUMPY, PTR
from ...language.value import Val

MOST = 1 << 29  # maximum number of values, so that table indices are 32-bit numbers
_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)  # 2**64 over the golden ratio, as a signed word
# Of a table that grows: it stays in the nearest cache while few values are distinct.
_FIRST_SLOTS = 1024
_GROWTH = 4
_NEAR = 4  # numbers for each value in a range whose numbers have slots of their own
_WIDTH = 8  # slots that are cleared at once


class _Functions(NamedTuple):
    """Builtins over arrays of whole numbers, `first` of int64 and `slots` of int32.

    number (values, count, slots, last, keys [count], first [count], numbers [count]) -> the number of distinct values; writes them,
        the index of the first occurrence of each, and the number of each value
    number_near (values, count, slots, last, least value, first [count], numbers [count]) -> the number of distinct values, between the
        least one and that plus `last`
    find (wanted, count, keys, slots, last, numbers [count]) -> 0; writes the number of each, or -1
    """

    number: Callable[..., int]
    number_near: Callable[..., int]
    find: Callable[..., int]


class NumberIndex:
    """The numbers of different whole numbers.

    Args:
      keys: a vector of different int64.
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._keys = np.ascontiguousarray(keys, np.int64)
        self._last, self._slots = _slots_for(len(keys))
        scratch = np.empty((3, len(keys)), np.int64)
        functions = _functions("int64", "int64")
        functions.number(self._keys, len(keys), self._slots, self._last, *scratch)
        self._last = _final_size(len(keys), self._last + 1) - 1

    def find(self, wanted: np.ndarray) -> np.ndarray:
        """The number of each value of a vector, -1 for those that are not there."""
        numbers = np.empty(len(wanted), np.int64)
        wanted = np.ascontiguousarray(wanted, np.int64)
        find = _functions("int64", "int64").find
        find(wanted, len(wanted), self._keys, self._slots, self._last, numbers)
        return numbers


def numbered(values: np.ndarray, dtype: Any = np.int64) -> tuple[np.ndarray, np.ndarray]:
    """The index of the first occurrence of each distinct value of a vector, and for each element the number of its value.

    Args:
      values: of int32 or int64.
      dtype: of the numbers: int32 or int64.
    """
    count = len(values)
    first, numbers = np.empty(count, np.int64), np.empty(count, dtype)
    values = np.ascontiguousarray(values)
    functions = _functions(name_of(values.dtype), name_of(numbers.dtype))
    least = int(values.min()) if count else 0
    span = int(values.max()) - least + 1 if count else 1
    # Values in a small range are their own slots: no hashing and no collisions.
    if span <= _NEAR * count:
        slots = np.full(span, -1, np.int32)
        different = functions.number_near(values, count, slots, span - 1, least, first, numbers)
    else:
        last, slots = _slots_for(count)
        keys = np.empty(count, values.dtype)
        different = functions.number(values, count, slots, last, keys, first, numbers)
    return first[:different], numbers


def _slots_for(count: int) -> tuple[int, np.ndarray]:
    """The number of the last slot of a table for as many values, and room for the slots."""
    # At most half full, so that probes stay short.
    size = max(1 << max(2 * count, 4).bit_length(), _WIDTH)
    return size - 1, np.empty(size, np.int32)


def _final_size(different: int, most: int) -> int:
    """The number of slots after as many distinct values; see `_grown`."""
    size = min(_FIRST_SLOTS, most)
    while different * 2 > size and size < most:
        size = min(size * _GROWTH, most)
    return size


@compiled(_Functions)
def _functions(m: Module, values: str, numbers: str) -> None:
    word, number = OF_NUMPY[values], OF_NUMPY[numbers]
    _emit_number(m, word, number)
    _emit_number_near(m, word, number)
    _emit_find(m, word)
    py.emit_entry(m, "number", "ananaaa")
    py.emit_entry(m, "number_near", "anannaa")
    py.emit_entry(m, "find", "anaana")


def _probe(f: Fn, value: Val, last: Val, key_of: Callable[[Val], Val]) -> tuple[Val, Val]:
    """The slot of a value, or the empty slot for it; and the number stored there, or -1."""
    product = value * _GOLDEN
    # The upper bits of the product depend on all bits of the value.
    start = f.binary("lshr", product, 32) & last

    def at(place: Val) -> Val:
        return f.convert(f.load(f.slots, place, I32), I64)

    def differs(number: Val) -> Val:
        (other,) = f.when(
            number >= 0, lambda: (key_of(number).ne(value),), lambda: (f.const(0, "i1"),)
        )
        return other

    def step(place: Val, _: Val) -> tuple[Val, ...]:
        following = (place + 1) & last
        return following, at(following)

    place, number = f.loop_while(lambda _, number: differs(number), step, start, at(start))
    return place, number


def _emit_number(m: Module, word: str, number: str) -> None:
    arguments: Any = dict(
        values=PTR, count=I64, slots=PTR, last=I64, keys=PTR, first=PTR, numbers=PTR
    )
    with m.fn("number", ret=I64, internal=True, **arguments) as f:

        def key_of(n: Val) -> Val:
            return f.convert(f.load(f.keys, n, word), I64)

        def one(i: Val, different: Val, last: Val) -> tuple[Val, ...]:
            value = f.convert(f.load(f.values, i, word), I64)
            place, existing = _probe(f, value, last, key_of)

            def new() -> tuple[Val, ...]:
                f.store(f.convert(different, I32), f.slots, place)
                f.store(i, f.first, different)
                f.store(_as(f, value, word), f.keys, different)
                more = different + 1
                # At most half full, as the room that the caller has given allows.
                is_full = (more * 2 > last + 1) & (last < f.last)
                grown = f.when(is_full, lambda: (_grown(f, last, more, key_of),), lambda: (last,))
                return different, more, *grown

            own, *state = f.when(existing >= 0, lambda: (existing, different, last), new)
            f.store(_as(f, own, number), f.numbers, i)
            return tuple(state)

        first_last = f.min(f.last, _FIRST_SLOTS - 1)
        _clear(f, first_last)
        different, _ = f.loop(f.i64(0), f.count, 1, one, f.i64(0), first_last)
        f.give(different)


def _as(f: Fn, value: Val, kind: str) -> Val:
    return value if kind == I64 else f.convert(value, kind)


def _clear(f: Fn, last: Val) -> None:
    """Makes the slots up to the last one empty."""
    empty = f.splat(f.const(-1, I32), _WIDTH)
    f.loop(f.i64(0), last + 1, _WIDTH, lambda at: f.store(empty, f.slots, at))


def _grown(f: Fn, last: Val, different: Val, key_of: Callable[[Val], Val]) -> Val:
    """The number of the last slot of a larger table with the same values."""
    new_last = f.min((last + 1) * _GROWTH - 1, f.last)
    _clear(f, new_last)

    def enter(n: Val) -> None:
        start = f.binary("lshr", key_of(n) * _GOLDEN, 32) & new_last

        def is_taken(place: Val) -> Val:
            # Values are different here: the first free slot is right without comparing keys.
            return f.load(f.slots, place, I32) >= 0

        (place,) = f.loop_while(is_taken, lambda place: ((place + 1) & new_last,), start)
        f.store(f.convert(n, I32), f.slots, place)

    f.loop(f.i64(0), different, 1, enter)
    return new_last


def _emit_number_near(m: Module, word: str, number: str) -> None:
    arguments: Any = dict(
        values=PTR, count=I64, slots=PTR, last=I64, least=I64, first=PTR, numbers=PTR
    )
    with m.fn("number_near", ret=I64, internal=True, **arguments) as f:

        def one(i: Val, different: Val) -> tuple[Val, ...]:
            place = f.convert(f.load(f.values, i, word), I64) - f.least
            existing = f.convert(f.load(f.slots, place, I32), I64)

            def new() -> tuple[Val, ...]:
                f.store(f.convert(different, I32), f.slots, place)
                f.store(i, f.first, different)
                return different, different + 1

            own, more = f.when(existing >= 0, lambda: (existing, different), new)
            f.store(_as(f, own, number), f.numbers, i)
            return (more,)

        (different,) = f.loop(f.i64(0), f.count, 1, one, f.i64(0))
        f.give(different)


def _emit_find(m: Module, word: str) -> None:
    arguments: Any = dict(wanted=PTR, count=I64, keys=PTR, slots=PTR, last=I64, numbers=PTR)
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def one(i: Val) -> None:
            value = f.convert(f.load(f.wanted, i, word), I64)
            _, place = _probe(f, value, f.last, lambda n: f.convert(f.load(f.keys, n, word), I64))
            f.store(place, f.numbers, i)

        f.loop(f.i64(0), f.count, 1, one)
        f.give(f.i64(0))
