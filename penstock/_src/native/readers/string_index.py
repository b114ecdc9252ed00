"""Numbers of strings, found for whole arrays: a hash table with open addressing over an array of bytes objects.

`slots` has a power of two of entries, each with the number of a key or -1; a key is in the first free entry starting at its hash.
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


class _Functions(NamedTuple):
    """Builtins.

    fill (keys, number, hashes [number], slots, mask) -> 0; writes hashes and slots
    number (strings, count, slots, mask, hashes, first, numbers [count]) -> the number of distinct strings; writes the hash and the
        index of the first occurrence of each, and the number of each string
    find (strings, count, keys, hashes, slots, mask, numbers [count]) -> 0; writes the number of each string, or -1
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
        self._hashes = np.empty(len(keys), np.int64)
        self._slots, self._mask = _empty_slots(len(keys))
        self._native.fill(self._keys, len(keys), self._hashes, self._slots, self._mask)

    def find(self, strings: np.ndarray) -> np.ndarray:
        """The number of each string of a vector, -1 for those that are not there."""
        numbers = np.empty(len(strings), np.int64)
        strings = np.ascontiguousarray(strings)
        table = self._keys, self._hashes, self._slots, self._mask
        self._native.find(strings, len(strings), *table, numbers)
        return numbers


def numbered(strings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the first occurrence of each distinct string of a vector, and for each element the number of its string."""
    count, strings = len(strings), np.ascontiguousarray(strings)
    hashes, first, numbers = np.empty((3, count), np.int64)
    different = _functions().number(strings, count, *_empty_slots(count), hashes, first, numbers)
    return first[:different].copy(), numbers


def _empty_slots(count: int) -> tuple[np.ndarray, int]:
    # At most half full, so that probes are short and always meet an empty slot.
    places = 1 << max(2 * count, 4).bit_length()
    return np.full(places, -1, np.int64), places - 1


@compiled(_Functions)
def _functions(m: Module) -> None:
    fingerprints.emit(m)
    _emit_hash(m)
    _emit_fill(m)
    _emit_number(m)
    _emit_find(m)
    py.emit_entry(m, "number", "ananaaa", holds_gil=True)
    py.emit_entry(m, "fill", "anaan", holds_gil=True)
    py.emit_entry(m, "find", "anaaana", holds_gil=True)


def _emit_hash(m: Module) -> None:
    """The hash of a string: that of its size and its last bytes, if it is long."""
    with m.fn("hash", ret=I64, internal=True, data=PTR, count=I64) as f:
        used = f.min(f.count, _HASHED)
        end = f.at(f.data, f.count - used)
        f.give(f.call("fingerprint", end, used, ret=I64) ^ f.count)


def _string(f: Fn, array: Val, at: Val) -> tuple[Val, Val]:
    """The bytes of an object in an array, and their number."""
    item = f.load(array, at, PTR)
    return f.call("PyBytes_AsString", item, ret=PTR), f.call("PyBytes_Size", item, ret=I64)


def _emit_fill(m: Module) -> None:
    arguments: Any = dict(keys=PTR, number=I64, hashes=PTR, slots=PTR, places=I64)
    with m.fn("fill", ret=I64, internal=True, **arguments) as f:

        def key(i: Val) -> None:
            value = f.call("hash", *_string(f, f.keys, i), ret=I64)
            f.store(value, f.hashes, i)
            (place,) = f.loop_while(
                lambda place: f.load(f.slots, place, I64) >= 0,
                lambda place: ((place + 1) & f.places,),
                value & f.places,
            )
            f.store(i, f.slots, place)

        f.loop(f.i64(0), f.number, 1, key)
        f.give(f.i64(0))


def _probe(
    f: Fn, string: tuple[Val, Val], value: Val, candidate_of: Callable[[Val], tuple[Val, Val, Val]]
) -> tuple[Val, Val]:
    """The slot of a string with a hash, or the empty slot for it; and the number stored there, or -1.

    Args:
      candidate_of: returns the bytes, size and hash of a number's string.
    """
    data, count = string

    def differs(number: Val) -> tuple[Val, ...]:
        key, size, known = candidate_of(number)

        def compared() -> tuple[Val, ...]:
            order = f.call("memcmp", data, key, f.min(count, size), ret=I32)
            return (order.ne(0) | size.ne(count),)

        # Different hashes save a look at the key's bytes, which are anywhere in memory.
        return f.when(known.eq(value), compared, lambda: (f.const(1, "i1"),))

    def goes_on(_: Val, number: Val) -> Val:
        (other,) = f.when(number >= 0, lambda: differs(number), lambda: (f.const(0, "i1"),))
        return other

    def step(place: Val, _: Val) -> tuple[Val, ...]:
        following = (place + 1) & f.places
        return following, f.load(f.slots, following, I64)

    start = value & f.places
    place, number = f.loop_while(goes_on, step, start, f.load(f.slots, start, I64))
    return place, number


def _emit_number(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, slots=PTR, places=I64, hashes=PTR, first=PTR, numbers=PTR
    )
    with m.fn("number", ret=I64, internal=True, **arguments) as f:

        def candidate(at: Val) -> tuple[Val, Val, Val]:
            data, size = _string(f, f.strings, f.load(f.first, at, I64))
            return data, size, f.load(f.hashes, at, I64)

        def one(i: Val, different: Val) -> tuple[Val, ...]:
            string = _string(f, f.strings, i)
            value = f.call("hash", *string, ret=I64)
            place, known = _probe(f, string, value, candidate)

            def new() -> tuple[Val, ...]:
                f.store(different, f.slots, place)
                f.store(value, f.hashes, different)
                f.store(i, f.first, different)
                return different, different + 1

            number, more = f.when(known >= 0, lambda: (known, different), new)
            f.store(number, f.numbers, i)
            return (more,)

        (different,) = f.loop(f.i64(0), f.number, 1, one, f.i64(0))
        f.give(different)


def _emit_find(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, keys=PTR, hashes=PTR, slots=PTR, places=I64, numbers=PTR
    )
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def candidate(at: Val) -> tuple[Val, Val, Val]:
            return *_string(f, f.keys, at), f.load(f.hashes, at, I64)

        def one(i: Val) -> None:
            string = _string(f, f.strings, i)
            value = f.call("hash", *string, ret=I64)
            _, number = _probe(f, string, value, candidate)
            f.store(number, f.numbers, i)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))
