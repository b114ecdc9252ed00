"""The wire format of protocol buffers in native code: varints and lengths, read with a cursor that stays invalid after an error.

A cursor is the address of a position in the data. Malformed data sets it to BAD, which is past every end, so that all later reads do
nothing: callers check once, at the end.
"""

from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I64, PTR
from ..language.value import Val

BAD = 1 << 62
MOST_BITS = 70  # of a varint: ten bytes
# The tags of a field, which contain its number and wire type.
BYTES_1, BYTES_2, BYTES_3 = 1 << 3 | 2, 2 << 3 | 2, 3 << 3 | 2
VARINT_1, FIXED32_1 = 1 << 3 | 0, 1 << 3 | 5


def emit(m: Module) -> None:
    """Adds `varint` and `length` to a module."""
    _emit_varint(m)
    _emit_length(m)


def varint(f: Fn, data: Val, cursor: Val, end: Val) -> Val:
    """The varint at the cursor, which moves past it."""
    return f.call("varint", data, cursor, end, ret=I64)


def length(f: Fn, data: Val, cursor: Val, end: Val) -> Val:
    """The end of the data whose length is at the cursor; the cursor moves past the length."""
    return f.call("length", data, cursor, end, ret=I64)


def require(f: Fn, cursor: Val, condition: Val) -> None:
    """Makes the cursor bad unless the condition holds."""
    f.store(f.select(condition, f.load(cursor, 0, I64), BAD), cursor)


def messages(f: Fn) -> tuple[Val, Val]:
    """(start, number) of the messages or texts up to the end that are the first field of the message at the cursor."""
    start = f.load(f.cursor, 0, I64)

    def step(count: Val) -> tuple[Val, ...]:
        require(f, f.cursor, varint(f, f.data, f.cursor, f.end).eq(BYTES_1))
        f.store(length(f, f.data, f.cursor, f.end), f.cursor)
        return (count + 1,)

    (count,) = f.loop_while(lambda _: f.load(f.cursor, 0, I64) < f.end, step, f.i64(0))
    return start, count


def _emit_varint(m: Module) -> None:
    with m.fn("varint", ret=I64, internal=True, data=PTR, cursor=PTR, end=I64) as f:

        def continues(value: Val, at: Val, shift: Val, more: Val) -> Val:
            return more.eq(1) & (at < f.end) & (shift < MOST_BITS)

        def step(value: Val, at: Val, shift: Val, more: Val) -> tuple[Val, ...]:
            byte = f.convert(f.load(f.data, at, I8), I64, signed=False)
            return value | ((byte & 127) << shift), at + 1, shift + 7, byte >> 7

        start = f.load(f.cursor, 0, I64)
        value, at, _, more = f.loop_while(continues, step, f.i64(0), start, f.i64(0), f.i64(1))
        f.store(f.select(more.eq(0), at, BAD), f.cursor)
        f.give(value)


def _emit_length(m: Module) -> None:
    with m.fn("length", ret=I64, internal=True, data=PTR, cursor=PTR, end=I64) as f:
        size = varint(f, f.data, f.cursor, f.end)
        at = f.load(f.cursor, 0, I64)
        fits = (size >= 0) & (size <= f.end - at)
        f.store(f.select(fits, at, BAD), f.cursor)
        f.give(f.select(fits, at + size, BAD))
