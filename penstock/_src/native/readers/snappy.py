"""Snappy's raw format: literals, and copies of earlier output, at most 64 KB back when written here.

Source: google/snappy, format_description.txt.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I32, I64, PTR
from ..language.value import Val

HASH_BITS = 14
_FARTHEST = 1 << 16
_LONGEST_COPY = 64
_SHORTEST = 4  # bytes that are worth a copy
_HASH_FACTOR = 0x1E35A7BD


class Snappy(NamedTuple):
    """Builtins over bytes and arrays.

    decode (data, begin, end, room, into [room]) -> number of bytes written, or -1: the data is damaged or there are more. `begin` is
           after the length
    encode (data, begin, end, places [1 << HASH_BITS] of zeros, into) -> number of bytes written, at most those of `worst`
    """

    decode: Callable[..., int]
    encode: Callable[..., int]


def worst(size: int) -> int:
    """Return the largest compressed size of `size` bytes."""
    return size + size // 6 + 32


@compiled(Snappy)
def snappy(m: Module) -> None:
    """The functions, compiled."""
    _emit_number(m)
    _emit_repeat(m)
    _emit_decode(m)
    _emit_literal(m)
    _emit_copies(m)
    _emit_encode(m)
    py.emit_entry(m, "decode", "bnnna")
    py.emit_entry(m, "encode", "bnnaa")


def _byte(f: Fn, p: Val, at: Any) -> Val:
    return f.convert(f.load(p, at, I8), I64, signed=False)


# -- reading


def _emit_number(m: Module) -> None:
    """A number of some bytes, the lowest first; the bytes are there."""
    with m.fn("number", ret=I64, internal=True, data=PTR, begin=I64, count=I64) as f:

        def step(i: Val, value: Val) -> tuple[Val, ...]:
            return (value | (_byte(f, f.data, f.begin + i) << (i << 3)),)

        (value,) = f.loop(f.i64(0), f.count, 1, step, f.i64(0))
        f.give(value)


def _emit_repeat(m: Module) -> None:
    """Copies output that was written before, byte by byte: source and target may overlap."""
    arguments: Any = dict(into=PTR, place=I64, offset=I64, count=I64)
    with m.fn("repeat", internal=True, **arguments) as f:

        def step(i: Val) -> None:
            f.store(f.load(f.into, f.place + i - f.offset, I8), f.into, f.place + i)

        f.loop(f.i64(0), f.count, 1, step)


def _emit_decode(m: Module) -> None:
    arguments: Any = dict(data=PTR, begin=I64, end=I64, room=I64, into=PTR)
    with m.fn("decode", ret=I64, internal=True, **arguments) as f:

        def literal(at: Val, tag: Val, done: Val) -> tuple[Val, ...]:
            size = tag >> 2
            extra = f.max(size - 59, 0)  # bytes that hold the size
            has_size = at + extra <= f.end
            count = f.select(has_size, extra, f.i64(0))
            long = f.call("number", f.data, at, count, ret=I64)
            size = f.select(extra > 0, long, size) + 1
            start = at + extra
            fits = has_size & (size <= f.end - start) & (size <= f.room - done)

            def copy() -> None:
                f.memcpy(f.at(f.into, done), f.at(f.data, start), size)

            f.when(fits, copy)
            return start + size, done + size, f.convert(fits, I64)

        def copied(at: Val, tag: Val, done: Val) -> tuple[Val, ...]:
            kind = tag & 3
            extra = f.select(kind.eq(1), f.i64(1), f.select(kind.eq(2), f.i64(2), f.i64(4)))
            has_offset = at + extra <= f.end
            low = f.call("number", f.data, at, f.select(has_offset, extra, f.i64(0)), ret=I64)
            offset = f.select(kind.eq(1), ((tag >> 5) << 8) | low, low)
            size = f.select(kind.eq(1), ((tag >> 2) & 7) + 4, (tag >> 2) + 1)
            # Damaged data must neither read before the output nor write after it.
            fits = has_offset & (offset > 0) & (offset <= done) & (size <= f.room - done)
            f.when(fits, lambda: f.call("repeat", f.into, done, offset, size) or None)
            return at + extra, done + size, f.convert(fits, I64)

        def step(at: Val, done: Val, _: Val) -> tuple[Val, ...]:
            tag = _byte(f, f.data, at)
            return f.when(
                (tag & 3).eq(0),
                lambda: literal(at + 1, tag, done),
                lambda: copied(at + 1, tag, done),
            )

        _, done, good = f.loop_while(
            lambda at, _, good: (at < f.end) & good.ne(0), step, f.begin, f.i64(0), f.i64(1)
        )
        f.give(f.select(good.ne(0), done, f.i64(-1)))


# -- writing


def _emit_literal(m: Module) -> None:
    """Writes some bytes unchanged; returns the position after them."""
    arguments: Any = dict(data=PTR, begin=I64, end=I64, into=PTR, place=I64)
    with m.fn("literal", ret=I64, internal=True, **arguments) as f:
        size = f.end - f.begin

        def write() -> tuple[Val, ...]:
            last = size - 1

            def short() -> tuple[Val, ...]:
                f.store(f.convert(last << 2, I8), f.into, f.place)
                return (f.place + 1,)

            def long() -> tuple[Val, ...]:
                f.store(f.const(63 << 2, I8), f.into, f.place)  # four bytes hold the size

                def byte(i: Val) -> None:
                    f.store(f.convert(last >> (i << 3), I8), f.into, f.place + 1 + i)

                f.loop(f.i64(0), f.i64(4), 1, byte)
                return (f.place + 5,)

            (start,) = f.when(last < 60, short, long)
            f.memcpy(f.at(f.into, start), f.at(f.data, f.begin), size)
            return (start + size,)

        (place,) = f.when(size > 0, write, lambda: (f.place,))
        f.give(place)


def _emit_copies(m: Module) -> None:
    """Writes copies of `count` bytes from `offset` bytes before; returns the position after them."""
    arguments: Any = dict(into=PTR, place=I64, offset=I64, count=I64)
    with m.fn("copies", ret=I64, internal=True, **arguments) as f:

        def step(place: Val, left: Val) -> tuple[Val, ...]:
            size = f.min(left, _LONGEST_COPY)
            # Always the form of three bytes: simpler than the shorter one, and valid for all sizes.
            f.store(f.convert(((size - 1) << 2) | 2, I8), f.into, place)
            f.store(f.convert(f.offset, I8), f.into, place + 1)
            f.store(f.convert(f.offset >> 8, I8), f.into, place + 2)
            return place + 3, left - size

        place, _ = f.loop_while(lambda _, left: left > 0, step, f.place, f.count)
        f.give(place)


def _emit_encode(m: Module) -> None:
    arguments: Any = dict(data=PTR, begin=I64, end=I64, places=PTR, into=PTR)
    with m.fn("encode", ret=I64, internal=True, **arguments) as f:
        copy = f.alloca(I32)

        def four(at: Val) -> Val:
            f.memcpy(copy, f.at(f.data, at), 4)
            return f.convert(f.load(copy, 0, I32), I64, signed=False)

        def match(at: Val, candidate: Val, begun: Val, place: Val) -> tuple[Val, ...]:
            def same(size: Val) -> Val:
                inside = at + size < f.end
                a = _byte(f, f.data, f.select(inside, at + size, at))
                b = _byte(f, f.data, f.select(inside, candidate + size, candidate))
                return inside & a.eq(b)

            # Four bytes are known to be equal.
            (size,) = f.loop_while(same, lambda size: (size + 1,), f.i64(_SHORTEST))
            place = f.call("literal", f.data, begun, at, f.into, place, ret=I64)
            place = f.call("copies", f.into, place, at - candidate, size, ret=I64)
            return at + size, at + size, place

        def step(at: Val, begun: Val, place: Val) -> tuple[Val, ...]:
            word = four(at)
            slot = f.binary("lshr", (word * _HASH_FACTOR) & 0xFFFFFFFF, 32 - HASH_BITS)
            # Positions are stored plus one: zero means no entry.
            candidate = f.load(f.places, slot, I64) - 1 + f.begin
            f.store(at - f.begin + 1, f.places, slot)
            is_near = (candidate >= f.begin) & (at - candidate < _FARTHEST)
            (is_same,) = f.when(
                is_near, lambda: (four(candidate).eq(word),), lambda: (f.const(0, "i1"),)
            )
            # The step grows while no match is found.
            skipped = at + 1 + ((at - begun) >> 5)
            return f.when(
                is_same,
                lambda: match(at, candidate, begun, place),
                lambda: (skipped, begun, place),
            )

        _, begun, place = f.loop_while(
            lambda at, _, __: at <= f.end - _SHORTEST, step, f.begin, f.begin, f.i64(0)
        )
        f.give(f.call("literal", f.data, begun, f.end, f.into, place, ret=I64))
