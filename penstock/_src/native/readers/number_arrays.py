"""Reads the arrays of numbers in a JSON text, without Python's lock and without an object for each number.

`number_arrays()` gives the function. Arrays of anything else, ragged ones and numbers that neither 64-bit integers nor a few operations hold
stay in the text, for a reader of all of JSON.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import load
from ..language.module import Module
from ..language.types import F64, I8, I64, PTR
from ..language.value import Val
from . import doubles

MOST_AXES = 16
ENTRY = (
    4 + MOST_AXES
)  # words: where its values begin, how many there are, whether they are doubles, number of axes, extents
MARK = 24  # bytes of what stands for an array: the marker, and its number in letters from "a" on

_MOST_DIGITS = 19
_VALUE, _AFTER, _DONE, _BAD = 0, 1, 2, 3  # states while an array is read
_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _OPEN_OBJECT, _COMMA = 34, 92, 91, 93, 123, 44
_MINUS, _POINT, _ZERO = 45, 46, 48
_NAN = 0x7FF8 << 48
_INFINITY = 0x7FF0 << 48


class NumberArrayReader(NamedTuple):
    """A builtin over bytes and arrays.

    scan (text, its size, marker of 16 bytes, least, rest [size + 2], values [size // 2 + 1], entries [most, ENTRY], most, told [4]) -> number of
         arrays of `least` numbers or more, which is 13 or more; writes their values, int64 or doubles, and to the rest the text with `MARK` bytes
         in quotes in place of each. Told are the rest's size, and how many lists, objects and commas it has
    """

    scan: Callable[..., int]


@functools.cache
def number_arrays() -> NumberArrayReader:
    """The function, compiled."""
    m = Module()
    doubles.emit(m)
    _emit_number(m)
    _emit_widen(m)
    _emit_array(m)
    _emit_string(m)
    _emit_scan(m)
    py.emit_entry(m, "scan", "bnbnaaana")
    return load(m, NumberArrayReader)


def _byte(f: Any, at: Any) -> Val:
    """A byte of the text; the one at its end is the zero that follows all bytes of Python."""
    return f.load(f.data, at, I8)


def _is_digit(byte: Val) -> Val:
    return (byte >= _ZERO) & (byte <= _ZERO + 9)


def _past_spaces(f: Any, at: Val) -> Val:
    def is_space(place: Val) -> Val:
        byte = _byte(f, place)
        return byte.eq(32) | byte.eq(10) | byte.eq(13) | byte.eq(9)

    return f.loop_while(is_space, lambda place: (place + 1,), at)[0]


# -- a number


def _eight(f: Any, at: Val) -> tuple[Val, Val]:
    """Eight bytes as a word, and whether all of them are digits."""
    word = f.bits(f.load(f.data, at, "<8 x i8>"), I64)
    fours = _repeated(0xF0)
    high = (word & fours) | f.binary("lshr", (word + _repeated(0x06)) & fours, 4)
    return word, high.eq(_repeated(0x33))


def _repeated(byte: int) -> int:
    """A word of eight equal bytes, as a signed number."""
    return int.from_bytes(bytes([byte]) * 8, "little", signed=True)


def _of_eight(f: Any, word: Val) -> Val:
    """The number that eight digits are: pairs, then fours, then all are joined."""
    pairs = word - _repeated(0x30)
    pairs = pairs * 10 + f.binary("lshr", pairs, 8)
    mask = 0x000000FF000000FF
    first = (pairs & mask) * (100 + (1000000 << 32))
    second = (f.binary("lshr", pairs, 16) & mask) * (1 + (10000 << 32))
    return f.binary("lshr", first + second, 32)


def _digits(f: Any, at: Val, number: Val) -> tuple[Val, Val]:
    """The position after the digits at a position, and a number with them appended."""

    def are_eight(place: Val, _: Val) -> Val:
        def look() -> tuple[Val, ...]:
            return (_eight(f, place)[1],)

        return f.when(place + 8 <= f.end, look, lambda: (f.const(0, "i1"),))[0]

    def take_eight(place: Val, value: Val) -> tuple[Val, ...]:
        return place + 8, value * 100_000_000 + _of_eight(f, _eight(f, place)[0])

    at, number = f.loop_while(are_eight, take_eight, at, number)

    def take(place: Val, value: Val) -> tuple[Val, ...]:
        return place + 1, value * 10 + (f.convert(_byte(f, place), I64) - _ZERO)

    return f.loop_while(lambda place, _: _is_digit(_byte(f, place)), take, at, number)


def _emit_number(m: Module) -> None:
    """The position after a number, or -1 if it is left to others; stores it as an integer or the bits of a double, and which."""
    with m.fn(
        "json_number",
        ret=I64,
        internal=True,
        data=PTR,
        begin=I64,
        end=I64,
        number=PTR,
        is_double=PTR,
    ) as f:
        valid = f.alloca(I64)
        is_minus = _byte(f, f.begin).eq(_MINUS)
        first = f.begin + f.convert(is_minus, I64, signed=False)
        whole, value = _digits(f, first, f.i64(0))
        starts_with_zero = _byte(f, first).eq(_ZERO)
        has_point = _byte(f, whole).eq(_POINT)

        def fraction() -> tuple[Val, ...]:
            start = whole + 1

            def zeros() -> tuple[Val, ...]:  # which are no digits of the number
                return f.loop_while(
                    lambda place: _byte(f, place).eq(_ZERO), lambda place: (place + 1,), start
                )

            (significant,) = f.when(value.eq(0), zeros, lambda: (start,))
            stop, both = _digits(f, significant, value)
            return stop, both, stop - significant, stop - start

        stop, value, more, places = f.when(
            has_point, fraction, lambda: (whole, value, f.i64(0), f.i64(0))
        )
        count = f.select(starts_with_zero, f.i64(0), whole - first) + more
        after, power, is_power = _exponent(f, stop)
        is_whole = after.eq(whole)
        is_good = (whole > first) & (~starts_with_zero | (whole - first).eq(1))
        is_good = is_good & (~has_point | (places > 0)) & (count <= _MOST_DIGITS) & is_power

        def integer() -> tuple[Val, ...]:
            return f.select(is_minus, 0 - value, value), value >= 0

        def double() -> tuple[Val, ...]:
            found = f.call("nearest", value, power - places, valid, ret=F64)
            return f.bits(found, I64), f.load(valid, 0, I64).ne(0)

        def name() -> tuple[Val, ...]:
            nan, infinity = _is_word(f, first, "NaN"), _is_word(f, first, "Infinity")
            stop = first + f.select(nan, f.i64(3), f.i64(8))
            return f.select(nan, f.i64(_NAN), f.i64(_INFINITY)), (nan & ~is_minus) | infinity, stop

        def decimal() -> tuple[Val, ...]:
            found, is_held = f.when(is_whole, integer, double)
            return found, is_held & is_good, after

        is_name = whole.eq(first)
        number, is_read, after = f.when(is_name, name, decimal)
        is_double = is_name | ~is_whole
        sign = f.convert(is_minus & is_double, I64, signed=False) << 63
        f.store(number | sign, f.number)
        f.store(f.convert(is_double, I64, signed=False), f.is_double)
        f.give(f.select(is_read, after, f.i64(-1)))


def _is_word(f: Any, at: Val, word: str) -> Val:
    """Whether letters stand at a position; none is beyond the zero that ends the text, which is no letter."""

    def step(place: Val, goes_on: Val) -> tuple[Val, ...]:
        letter = f.load(text, place, I8)
        return place + 1, f.convert(_byte(f, at + place).eq(letter), I64, signed=False)

    text = f.alloca(I8, len(word))
    for place, letter in enumerate(word.encode()):
        f.store(f.const(letter, I8), text, place)
    _, goes_on = f.loop_while(
        lambda place, goes_on: (place < len(word)) & goes_on.ne(0), step, f.i64(0), f.i64(1)
    )
    return goes_on.ne(0)


def _exponent(f: Any, stop: Val) -> tuple[Val, Val, Val]:
    """The position after the exponent at a position, if there is one; the exponent or 0; and whether it is well-formed and small."""

    def read() -> tuple[Val, ...]:
        sign = _byte(f, stop + 1)
        is_minus = sign.eq(_MINUS)
        first = stop + 1 + f.convert(is_minus | sign.eq(43), I64, signed=False)
        after, size = _digits(f, first, f.i64(0))
        is_good = (after > first) & (after - first <= 4)
        return after, f.select(is_minus, 0 - size, size), is_good

    has_exponent = (_byte(f, stop) | 32).eq(101)
    return f.when(has_exponent, read, lambda: (stop, f.i64(0), f.const(1, "i1")))


# -- an array


def _emit_widen(m: Module) -> None:
    """Makes doubles of integers."""
    with m.fn("widen", internal=True, values=PTR, count=I64) as f:

        def one(i: Val) -> None:
            f.store(f.bits(f.convert(f.load(f.values, i, I64), F64), I64), f.values, i)

        f.loop(f.i64(0), f.count, 1, one)


def _emit_array(m: Module) -> None:
    """Reads the array at a position: fills an entry but for its first word, and gives where it ends; or inverted where it is something else."""
    arguments: Any = dict(data=PTR, begin=I64, end=I64, values=PTR, described=PTR)
    with m.fn("array", ret=I64, internal=True, **arguments) as f:
        number, is_double = f.alloca(I64), f.alloca(I64)
        counts = f.alloca(I64, MOST_AXES + 1)
        extents = f.at(f.described, 4, I64)  # 0 for one that is not known yet
        f.loop(0, MOST_AXES, 1, lambda axis: f.store(f.i64(0), extents, axis))
        add = f.i64(1)

        def opened(at: Val, depth: Val, leaf: Val) -> tuple[Val, ...]:
            is_good = (depth < MOST_AXES) & (leaf.eq(0) | (depth < leaf))

            def begin() -> None:
                f.store(f.i64(0), counts, depth)

            f.when(is_good, begin)
            return at + 1, depth + 1, f.select(is_good, f.i64(_VALUE), f.i64(_BAD))

        def numeric(at: Val, depth: Val, count: Val, are_doubles: Val) -> tuple[Val, ...]:
            after = f.call("json_number", f.data, at, f.end, number, is_double, ret=I64)
            kind, value = f.load(is_double, 0, I64), f.load(number, 0, I64)
            widens = (kind > are_doubles) & (count > 0)
            f.when(widens, lambda: f.call("widen", f.values, count) and None)
            both = kind | are_doubles
            is_narrow = kind.eq(0) & both.ne(0)
            value = f.select(is_narrow, f.bits(f.convert(value, F64), I64), value)
            f.store(value, f.values, count)
            f.store(f.load(counts, depth - 1, I64) + 1, counts, depth - 1)
            is_read = after >= 0
            state = f.select(is_read, f.i64(_AFTER), f.i64(_BAD))
            return f.select(is_read, after, at), count + 1, both, state

        def closed(at: Val, depth: Val) -> tuple[Val, ...]:
            axis = depth - 1
            extent, count = f.load(extents, axis, I64), f.load(counts, axis, I64)
            f.store(count, extents, axis)
            is_last = axis.eq(0)

            def in_parent() -> None:
                f.store(f.load(counts, axis - 1, I64) + 1, counts, axis - 1)

            f.when(~is_last, in_parent)
            good = f.select(is_last, f.i64(_DONE), f.i64(_AFTER))
            is_even = extent.eq(0) | extent.eq(count)
            return at + 1, axis, f.select(is_even, good, f.i64(_BAD))

        def step(at, depth, leaf, count, are_doubles, state):
            at = _past_spaces(f, at)
            byte = _byte(f, at)

            def value() -> tuple[Val, ...]:
                def nested() -> tuple[Val, ...]:
                    after, deeper, then = opened(at, depth, leaf)
                    return after, deeper, leaf, count, are_doubles, then

                def plain() -> tuple[Val, ...]:
                    def read() -> tuple[Val, ...]:
                        after, total, kind, then = numeric(at, depth, count, are_doubles)
                        return after, depth, depth, total, kind, then

                    fits = leaf.eq(0) | leaf.eq(depth)
                    return f.when(
                        fits, read, lambda: (at, depth, leaf, count, are_doubles, f.i64(_BAD))
                    )

                return f.when(byte.eq(_OPEN), nested, plain)

            def after() -> tuple[Val, ...]:
                def close() -> tuple[Val, ...]:
                    place, above, then = closed(at, depth)
                    return place, above, leaf, count, are_doubles, then

                def comma() -> tuple[Val, ...]:
                    then = f.select(byte.eq(_COMMA), f.i64(_VALUE), f.i64(_BAD))
                    return at + add, depth, leaf, count, are_doubles, then

                return f.when(byte.eq(_CLOSE), close, comma)

            return f.when(state.eq(_VALUE), value, after)

        f.store(f.i64(0), counts)
        at, _, leaf, count, are_doubles, state = f.loop_while(
            lambda *now: now[-1] < _DONE,
            step, f.begin + 1, f.i64(1), f.i64(0), f.i64(0), f.i64(0), f.i64(_VALUE),
        )  # fmt: skip
        for word, told in enumerate((count, are_doubles, leaf), start=1):
            f.store(told, f.described, word)
        f.give(f.select(state.eq(_DONE), at, ~at))


# -- a text


def _emit_string(m: Module) -> None:
    """The position after the string that begins at a position; the end if it does not end."""
    with m.fn("string", ret=I64, internal=True, data=PTR, begin=I64, end=I64) as f:

        def inside(at: Val) -> Val:
            return (at < f.end) & _byte(f, at).ne(_QUOTE)

        def step(at: Val) -> tuple[Val, ...]:
            is_escape = _byte(f, at).eq(_BACKSLASH)
            return (f.select(is_escape, at + 2, at + 1),)

        (at,) = f.loop_while(inside, step, f.begin + 1)
        f.give(f.min(at + 1, f.end))


def _emit_scan(m: Module) -> None:
    arguments: Any = dict(
        data=PTR,
        end=I64,
        marker=PTR,
        least=I64,
        rest=PTR,
        values=PTR,
        entries=PTR,
        most=I64,
        told=PTR,
    )
    with m.fn("scan", ret=I64, internal=True, **arguments) as f:

        def tell(word: int, more: Val) -> None:
            f.store(f.load(f.told, word, I64) + more, f.told, word)

        def mark(out: Val, found: Val) -> Val:
            f.store(f.const(_QUOTE, I8), f.rest, out)
            f.memcpy(f.at(f.rest, out + 1), f.marker, 16)
            for letter in range(8):
                digit = f.binary("lshr", found, 4 * (7 - letter)) & 15
                f.store(f.convert(digit + 97, I8), f.rest, out + 17 + letter)
            f.store(f.const(_QUOTE, I8), f.rest, out + 1 + MARK)
            return out + MARK + 2

        def copied(at: Val, out: Val, stop: Val) -> Val:
            f.memcpy(f.at(f.rest, out), f.at(f.data, at), stop - at)
            return out + (stop - at)

        def arrays(at: Val, out: Val, total: Val, found: Val, spent: Val) -> tuple[Val, ...]:
            entry = f.at(f.entries, found * ENTRY, I64)
            place = f.at(f.values, total, I64)
            stop = f.call("array", f.data, at, f.end, place, entry, ret=I64)
            count = f.load(entry, 1, I64)
            is_taken = (stop >= 0) & (count >= f.least)

            def take() -> tuple[Val, ...]:
                f.store(total, entry)
                return stop, mark(out, found), total + count, found + 1, spent

            def leave() -> tuple[Val, ...]:
                # A short array is copied whole, of anything else the bracket: what is in it may be arrays.
                is_array = stop >= 0
                is_nested = is_array & (f.load(entry, 3, I64) > 1)
                tell(1, f.select(is_nested, count, f.i64(1)))
                tell(3, f.select(is_array, count, f.i64(0)))
                after = f.select(is_array, stop, at + 1)
                more = f.select(is_array, f.i64(0), ~stop - at)
                return after, copied(at, out, after), total, found, spent + more

            return f.when(is_taken, take, leave)

        def step(at: Val, out: Val, total: Val, found: Val, spent: Val) -> tuple[Val, ...]:
            byte = _byte(f, at)

            def string() -> tuple[Val, ...]:
                stop = f.call("string", f.data, at, f.end, ret=I64)
                return stop, copied(at, out, stop), total, found, spent

            def other() -> tuple[Val, ...]:
                # What is read twice is no more than the text again.
                may_read = byte.eq(_OPEN) & (found < f.most) & (spent <= f.end)

                def plain() -> tuple[Val, ...]:
                    for word, sign in enumerate((_OPEN, _OPEN_OBJECT, _COMMA), start=1):
                        tell(word, f.convert(byte.eq(sign), I64, signed=False))
                    f.store(byte, f.rest, out)
                    return at + 1, out + 1, total, found, spent

                return f.when(may_read, lambda: arrays(at, out, total, found, spent), plain)

            return f.when(byte.eq(_QUOTE), string, other)

        zero = f.i64(0)
        f.loop(0, 4, 1, lambda word: f.store(zero, f.told, word))
        _, out, _, found, _ = f.loop_while(
            lambda at, *_: at < f.end, step, zero, zero, zero, zero, zero
        )
        f.store(out, f.told)
        f.give(found)
