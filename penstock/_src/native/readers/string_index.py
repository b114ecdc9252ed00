"""Numbers of strings, found for whole arrays: a hash table with open addressing over an array of bytes objects.

`slots` has a power of two of entries. One is -1, or the number of a key in its low half and a part of the key's hash in its
high half; a key is in the first free entry starting at its hash.
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
from . import fingerprints

# Ends differ more often than beginnings, which are prefixes or directories in many vocabularies.
_HASHED = 64  # bytes at the end of a key that its hash is of
_TOGETHER = 256  # strings that are hashed before they are searched
_NUMBER = (1 << 32) - 1  # the bits of a slot that are a number


class _Functions(NamedTuple):
    """Builtins.

    fill (keys, number, slots, mask) -> 0; writes slots
    number (strings, count, slots, mask, first, numbers [count]) -> the number of distinct strings; writes the index of the first
        occurrence of each, and the number of each string
    find (strings, count, keys, slots, mask, numbers [count]) -> 0; writes the number of each string, or -1
    """

    fill: Callable[..., int]
    number: Callable[..., int]
    find: Callable[..., int]


class StringIndex:
    """The numbers of different strings.

    Args:
      keys: a vector of bytes objects, which stay as they are.
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._keys, self._native = np.ascontiguousarray(keys), _functions()
        self._slots, self._mask = _empty_slots(len(keys))
        self._native.fill(self._keys, len(keys), self._slots, self._mask)

    def find(self, strings: np.ndarray) -> np.ndarray:
        """The number of each string of a vector, -1 for those that are not there."""
        numbers = np.empty(len(strings), np.int64)
        strings = np.ascontiguousarray(strings)
        self._native.find(strings, len(strings), self._keys, self._slots, self._mask, numbers)
        return numbers


def numbered(strings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the first occurrence of each distinct string of a vector, and for each element the number of its string."""
    count, strings = len(strings), np.ascontiguousarray(strings)
    first, numbers = np.empty((2, count), np.int64)
    different = _functions().number(strings, count, *_empty_slots(count), first, numbers)
    return first[:different].copy(), numbers


def _empty_slots(count: int) -> tuple[np.ndarray, int]:
    # At most a fourth full, so that most searches end at the first slot, and all meet an empty one.
    places = 1 << max(4 * count, 4).bit_length()
    return np.full(places, -1, np.int64), places - 1


@compiled(_Functions)
def _functions(m: Module) -> None:
    fingerprints.emit(m)
    _emit_hash(m)
    _emit_fill(m)
    _emit_number(m)
    _emit_find(m)
    py.emit_entry(m, "number", "ananaa", holds_gil=True)
    py.emit_entry(m, "fill", "anan", holds_gil=True)
    py.emit_entry(m, "find", "anaana", holds_gil=True)


def _emit_hash(m: Module) -> None:
    """The hash of a string: that of its size and its last bytes, if it is long."""
    with m.fn("hash", ret=I64, internal=True, data=PTR, count=I64) as f:
        used = f.min(f.count, _HASHED)
        end = f.at(f.data, f.count - used)
        f.give(f.call("fingerprint", end, used, ret=I64) ^ f.count)


def _string(f: Fn, array: Val, at: Val) -> tuple[Val, Val]:
    """The bytes of an object in an array, and their number."""
    return py.bytes_parts(f, f.load(array, at, PTR))


def _mark(f: Fn, value: Val) -> Val:
    """The part of a hash that a slot has; no slot is negative for it."""
    return f.binary("lshr", value, 33) << 32


def _emit_fill(m: Module) -> None:
    arguments: Any = dict(keys=PTR, number=I64, slots=PTR, places=I64)
    with m.fn("fill", ret=I64, internal=True, **arguments) as f:

        def key(i: Val) -> None:
            value = f.call("hash", *_string(f, f.keys, i), ret=I64)
            (place,) = f.loop_while(
                lambda place: f.load(f.slots, place, I64) >= 0,
                lambda place: ((place + 1) & f.places,),
                value & f.places,
            )
            f.store(_mark(f, value) | i, f.slots, place)

        f.loop(f.i64(0), f.number, 1, key)
        f.give(f.i64(0))


def _probe(
    f: Fn, string: tuple[Val, Val], value: Val, candidate_of: Callable[[Val], tuple[Val, Val]]
) -> tuple[Val, Val]:
    """The slot of a string with a hash, or the empty slot for it; and the number stored there, or -1.

    Args:
      candidate_of: returns the bytes and the size of a number's string.
    """
    (data, count), mark = string, _mark(f, value)

    def differs(slot: Val) -> tuple[Val, ...]:
        key, size = candidate_of(slot & _NUMBER)
        order = f.call("memcmp", data, key, f.min(count, size), ret=I32)
        return (order.ne(0) | size.ne(count),)

    def goes_on(_: Val, slot: Val) -> Val:
        # Different hashes save a look at the key's bytes, which are anywhere in memory.
        is_marked = (slot & ~_NUMBER).eq(mark)
        (other,) = f.when(is_marked, lambda: differs(slot), lambda: (slot >= 0,))
        return other

    def step(place: Val, _: Val) -> tuple[Val, ...]:
        following = (place + 1) & f.places
        return following, f.load(f.slots, following, I64)

    start = value & f.places
    place, slot = f.loop_while(goes_on, step, start, f.load(f.slots, start, I64))
    return place, f.select(slot >= 0, slot & _NUMBER, slot)


def _emit_number(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, slots=PTR, places=I64, first=PTR, numbers=PTR)
    with m.fn("number", ret=I64, internal=True, **arguments) as f:

        def candidate(at: Val) -> tuple[Val, Val]:
            return _string(f, f.strings, f.load(f.first, at, I64))

        def one(i: Val, different: Val) -> tuple[Val, ...]:
            string = _string(f, f.strings, i)
            value = f.call("hash", *string, ret=I64)
            place, known = _probe(f, string, value, candidate)

            def new() -> tuple[Val, ...]:
                f.store(_mark(f, value) | different, f.slots, place)
                f.store(i, f.first, different)
                return different, different + 1

            number, more = f.when(known >= 0, lambda: (known, different), new)
            f.store(number, f.numbers, i)
            return (more,)

        (different,) = f.loop(f.i64(0), f.number, 1, one, f.i64(0))
        f.give(different)


def _emit_find(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, keys=PTR, slots=PTR, places=I64, numbers=PTR)
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def hashed(i: Val) -> None:
            f.store(f.call("hash", *_string(f, f.strings, i), ret=I64), f.numbers, i)

        def found(i: Val) -> None:
            value = f.load(f.numbers, i, I64)
            string = _string(f, f.strings, i)
            _, number = _probe(f, string, value, lambda at: _string(f, f.keys, at))
            f.store(number, f.numbers, i)

        # All hashes of some strings first: none of them waits for the branches of a search.
        def some(start: Val) -> None:
            end = f.min(start + _TOGETHER, f.number)
            f.loop(start, end, 1, hashed)
            f.loop(start, end, 1, found)

        f.loop(f.i64(0), f.number, _TOGETHER, some)
        f.give(f.i64(0))
