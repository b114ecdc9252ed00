"""Makes bytes objects of parts of strings; equal short ones share an object, which takes less time than a new one."""

from typing import Any

from ...language.function import Fn
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val

_WORD = 8  # the bytes of a part that is compared as one number
_SLOTS = 512  # a power of two
_FACTOR = 0x9E3779B97F4A7C15 - (1 << 64)  # 2**64 divided by the golden ratio, odd, as a signed word
_ENTRY = 3  # words of a slot: the object, its bytes, and its size
# The word after the slots: short parts that were shared, less those that were new.
_SURPLUS = _SLOTS * _ENTRY
# Below it most parts differ, and a search for an equal one does not pay.
_LEAST_SURPLUS = -2 * _SLOTS


class SharedParts:
    """Code that makes parts within one function, which must hold the GIL and keep a reference to each part while it runs.

    The module must have the function of `emit`.
    """

    def __init__(self, f: Fn) -> None:
        self._f, self._slots = f, f.alloca(I64, _SLOTS * _ENTRY + 1)
        f.store(f.i64(0), self._slots, _SURPLUS)
        f.loop(f.i64(0), f.i64(_SLOTS), 1, lambda at: f.store(f.i64(0), self._slots, at * _ENTRY))

    def make(self, address: Val, size: Val) -> Val:
        """A reference to a bytes object of `size` bytes at an address in another bytes object."""
        f = self._f
        # CPython shares objects of no byte and of one byte itself.
        is_short = (size > 1) & (size <= _WORD)
        is_short = is_short & (f.load(self._slots, _SURPLUS, I64) >= _LEAST_SURPLUS)

        def shared() -> tuple[Val, ...]:
            return (f.call("shared_part", address, size, self._slots, ret=PTR),)

        def new() -> tuple[Val, ...]:
            return (f.call("PyBytes_FromStringAndSize", address, size, ret=PTR),)

        return f.when(is_short, shared, new)[0]


def emit(m: Module) -> None:
    """`shared_part` (address, size of 2 to 8, slots) -> a reference to a bytes object, which is new or of a slot."""
    arguments: Any = dict(data=PTR, size=I64, slots=PTR)
    with m.fn("shared_part", ret=PTR, internal=True, **arguments) as f:
        f.give(_short_part(f))


def _short_part(f: Fn) -> Val:
    # The header of the bytes object is before its bytes: eight bytes before any end can be read.
    word = f.alloca(I64)
    f.memcpy(word, f.at(f.data, f.size - _WORD), _WORD)
    bytes_ = f.binary("lshr", f.load(word, 0, I64), (_WORD - f.size) << 3)
    slot = _ENTRY * f.binary("lshr", (bytes_ ^ f.size) * _FACTOR, 64 - _SLOTS.bit_length() + 1)
    item = f.load(f.slots, slot, I64)

    def same() -> tuple[Val, ...]:
        same_bytes = f.load(f.slots, slot + 1, I64).eq(bytes_)
        return (same_bytes & f.load(f.slots, slot + 2, I64).eq(f.size),)

    def count(change: int) -> None:
        f.store(f.load(f.slots, _SURPLUS, I64) + change, f.slots, _SURPLUS)

    def again() -> tuple[Val, ...]:
        count(1)
        shared = f.load(f.slots, slot, PTR)
        f.call("Py_IncRef", shared)
        return (shared,)

    def new() -> tuple[Val, ...]:
        count(-1)
        part = f.call("PyBytes_FromStringAndSize", f.data, f.size, ret=PTR)
        f.store(part, f.slots, slot)
        f.store(bytes_, f.slots, slot + 1)
        f.store(f.size, f.slots, slot + 2)
        return (part,)

    (is_same,) = f.when(item.ne(0), same, lambda: (f.const(0, "i1"),))
    return f.when(is_same, again, new)[0]
