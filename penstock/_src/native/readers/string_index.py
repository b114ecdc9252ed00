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

_HASHED = 64  # bytes at the end of a key that its hash is of


class _Functions(NamedTuple):
    """Builtins.

    fill (keys, number, hashes [number], slots, mask) -> 0; writes hashes and slots
    find (strings, count, keys, hashes, slots, mask, numbers [count]) -> 0; writes the number of each string, or -1
    """

    fill: Callable[..., int]
    find: Callable[..., int]


class StringIndex:
    """The numbers of different strings.

    Args:
      keys: a vector of bytes objects, which stay as they are.
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._keys, self._native = np.ascontiguousarray(keys), _functions()
        places = 1 << max(2 * len(keys), 4).bit_length()
        self._hashes = np.empty(len(keys), np.int64)
        self._slots, self._mask = np.full(places, -1, np.int64), places - 1
        self._native.fill(self._keys, len(keys), self._hashes, self._slots, self._mask)

    def find(self, strings: np.ndarray) -> np.ndarray:
        """The number of each string of a vector, -1 for those that are not there."""
        numbers = np.empty(len(strings), np.int64)
        strings = np.ascontiguousarray(strings)
        table = self._keys, self._hashes, self._slots, self._mask
        self._native.find(strings, len(strings), *table, numbers)
        return numbers


@compiled(_Functions)
def _functions(m: Module) -> None:
    fingerprints.emit(m)
    _emit_hash(m)
    _emit_fill(m)
    _emit_find(m)
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


def _emit_find(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, keys=PTR, hashes=PTR, slots=PTR, places=I64, numbers=PTR
    )
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def string(i: Val) -> None:
            data, count = _string(f, f.strings, i)
            value = f.call("hash", data, count, ret=I64)

            def differs(candidate: Val) -> tuple[Val, ...]:
                def compared() -> tuple[Val, ...]:
                    key, size = _string(f, f.keys, candidate)
                    used = f.min(count, size)
                    order = f.call("memcmp", data, key, used, ret=I32)
                    return (order.ne(0) | size.ne(count),)

                is_near = f.load(f.hashes, candidate, I64).eq(value)
                return f.when(is_near, compared, lambda: (f.const(1, "i1"),))

            def step(place: Val, _: Val, __: Val) -> tuple[Val, ...]:
                candidate = f.load(f.slots, place, I64)
                (goes_on,) = f.when(
                    candidate >= 0, lambda: differs(candidate), lambda: (f.const(0, "i1"),)
                )
                return (place + 1) & f.places, candidate, f.convert(goes_on, I64)

            _, number, _ = f.loop_while(
                lambda _, __, goes_on: goes_on.ne(0), step, value & f.places, f.i64(-1), f.i64(1)
            )
            f.store(number, f.numbers, i)

        f.loop(f.i64(0), f.number, 1, string)
        f.give(f.i64(0))
