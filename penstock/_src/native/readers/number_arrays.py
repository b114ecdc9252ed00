"""Reads the arrays of numbers in a JSON text, without an object for each number, and without Python's lock.

`number_arrays()` returns the functions. Other arrays, ragged ones, and numbers that neither 64-bit integers nor a few operations can represent
stay in the text, for a full JSON reader.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.module import Module
from ..language.types import F64, I8, I64, PTR
from ..language.value import Val
from . import doubles

MOST_AXES = 16
# words: start and number of its values, True if they are doubles, number of axes, extents.
ENTRY = 4 + MOST_AXES
MARK = 24  # bytes that replace an array: the marker, and its number in letters, counted from "a"

_MOST_DIGITS = 19
_VALUE, _AFTER, _DONE, _BAD = 0, 1, 2, 3  # states while an array is read
_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _OPEN_OBJECT, _COMMA = 34, 92, 91, 93, 123, 44
_MINUS, _POINT, _ZERO = 45, 46, 48
_NAN = 0x7FF8 << 48
_INFINITY = 0x7FF0 << 48


class NumberArrayReader(NamedTuple):
    """Builtins over bytes and arrays.

    scan (text, its size, marker of 16 bytes, least, rest [size + 2], values [size // 2 + 1], entries [most, ENTRY], most, told [4]) -> number of
         arrays of `least` numbers or more, which is 13 or more; writes their values, int64 or doubles, and to the rest the text with `MARK` bytes
         in quotes in place of each. `told` receives the rest's size, and its numbers of lists, objects and commas
         scan_short the same without releasing Python's lock: taking it again takes longer than reading some kilobytes
    """

    scan: Callable[..., int]
    scan_short: Callable[..., int]


@compiled(NumberArrayReader)
def number_arrays(m: Module) -> None:
    """The functions, compiled."""
    doubles.emit(m)
    _emit_number(m)
    _emit_widen(m)
    _emit_array(m)
    _emit_string(m)
    _emit_scan(m)
    _emit_scan_short(m)
    py.emit_entry(m, "scan", "bnbnaaana")
    py.emit_entry(m, "scan_short", "bnbnaaana", holds_gil=True)


def _byte(f: Any, at: Any) -> Val:
    """A byte of the text; at the end it is the zero that follows every Python bytes object."""
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
    """Eight bytes as a word, and True if all of them are digits."""
    word = f.bits(f.load(f.data, at, "<8 x i8>"), I64)
    fours = _repeated(0xF0)
    # A digit's byte is 30 to 39: its upper half is 3, and still is after adding 6.
    high = (word & fours) | f.binary("lshr", (word + _repeated(0x06)) & fours, 4)
    return word, high.eq(_repeated(0x33))


def _repeated(byte: int) -> int:
    """A word of eight equal bytes, as a signed number."""
    return int.from_bytes(bytes([byte]) * 8, "little", signed=True)


def _of_eight(f: Any, word: Val) -> Val:
    """The number that eight digits are: pairs, then fours, then all are joined."""
    pairs = word - _repeated(0x30)
    # Little-endian: the digit of the lower address is the more significant one.
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
    arguments: Any = dict(data=PTR, begin=I64, end=I64, number=PTR, is_double=PTR)
    with m.fn("json_number", ret=I64, internal=True, **arguments) as f:
        valid = f.alloca(I64)
        is_minus = _byte(f, f.begin).eq(_MINUS)
        first = f.begin + f.convert(is_minus, I64, signed=False)
        whole, value = _digits(f, first, f.i64(0))
        starts_with_zero = _byte(f, first).eq(_ZERO)
        has_point = _byte(f, whole).eq(_POINT)

        stop, value, more, places = f.when(
            has_point,
            lambda: _fraction(f, whole, value),
            lambda: (whole, value, f.i64(0), f.i64(0)),
        )
        count = f.select(starts_with_zero, f.i64(0), whole - first) + more
        after, power, is_power = _exponent(f, stop)
        is_whole = after.eq(whole)
        is_good = (whole > first) & (~starts_with_zero | (whole - first).eq(1))
        is_good = is_good & (~has_point | (places > 0)) & (count <= _MOST_DIGITS) & is_power

        def integer() -> tuple[Val, ...]:
            return f.select(is_minus, 0 - value, value), value >= 0

        def double() -> tuple[Val, ...]:
            nearest = f.call("nearest", value, power - places, valid, ret=F64)
            return f.bits(nearest, I64), f.load(valid, 0, I64).ne(0)

        def name() -> tuple[Val, ...]:
            nan, infinity = _is_word(f, first, "NaN"), _is_word(f, first, "Infinity")
            stop = first + f.select(nan, f.i64(3), f.i64(8))
            return f.select(nan, f.i64(_NAN), f.i64(_INFINITY)), (nan & ~is_minus) | infinity, stop

        def decimal() -> tuple[Val, ...]:
            bits, is_held = f.when(is_whole, integer, double)
            return bits, is_held & is_good, after

        is_name = whole.eq(first)
        number, is_read, after = f.when(is_name, name, decimal)
        is_double = is_name | ~is_whole
        sign = f.convert(is_minus & is_double, I64, signed=False) << 63
        f.store(number | sign, f.number)
        f.store(f.convert(is_double, I64, signed=False), f.is_double)
        f.give(f.select(is_read, after, f.i64(-1)))


def _fraction(f: Any, point: Val, value: Val) -> tuple[Val, ...]:
    """Reads the digits after a point: where they end, all digits as a number, and how many digits it has of the fraction, of how many."""
    start = point + 1

    def zeros() -> tuple[Val, ...]:  # leading zeros are not digits of the number
        return f.loop_while(
            lambda place: _byte(f, place).eq(_ZERO), lambda place: (place + 1,), start
        )

    (significant,) = f.when(value.eq(0), zeros, lambda: (start,))
    stop, both = _digits(f, significant, value)
    return stop, both, stop - significant, stop - start


def _is_word(f: Any, at: Val, word: str) -> Val:
    """True if these letters are at a position. The text ends with a zero, which matches no letter."""

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
    """The position after an optional exponent; the exponent or 0; and True if it is well-formed and small."""

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


class _State(NamedTuple):
    """State of the array being read: the position, the depth in lists, the depth of numbers (0: not known yet), their count, True if they are doubles, and the expected token."""

    at: Val
    depth: Val
    leaf: Val
    total: Val
    are_doubles: Val
    expected: Val


class _ArrayReader:
    """Emits the steps of reading an array.

    Args:
      f: the function.
      extents: of the axes; 0 for one that is not known yet.
    """

    def __init__(self, f: Any, extents: Val) -> None:
        self._f, self._extents = f, extents
        self._number, self._is_double = f.alloca(I64), f.alloca(I64)
        self._counts = f.alloca(I64, MOST_AXES + 1)  # numbers of items in the open lists
        f.store(f.i64(0), self._counts)
        f.loop(0, MOST_AXES, 1, lambda axis: f.store(f.i64(0), extents, axis))

    def step(self, *now: Val) -> tuple[Val, ...]:
        """Reads a bracket, a comma or a number."""
        f, state = self._f, _State(*now)
        state = state._replace(at=_past_spaces(f, state.at))
        byte = _byte(f, state.at)

        def value() -> tuple[Val, ...]:
            return f.when(byte.eq(_OPEN), lambda: self._open(state), lambda: self._leaf(state))

        def after() -> tuple[Val, ...]:
            then = f.select(byte.eq(_COMMA), f.i64(_VALUE), f.i64(_BAD))
            comma = state._replace(at=state.at + 1, expected=then)
            return f.when(byte.eq(_CLOSE), lambda: self._close(state), lambda: comma)

        return f.when(state.expected.eq(_VALUE), value, after)

    def _open(self, state: _State) -> _State:
        f, depth = self._f, state.depth
        # Once a number was seen, lists must not be nested deeper than it.
        is_good = (depth < MOST_AXES) & (state.leaf.eq(0) | (depth < state.leaf))
        f.when(is_good, lambda: f.store(f.i64(0), self._counts, depth))
        then = f.select(is_good, f.i64(_VALUE), f.i64(_BAD))
        return state._replace(at=state.at + 1, depth=depth + 1, expected=then)

    def _leaf(self, state: _State) -> tuple[Val, ...]:
        f = self._f
        fits = state.leaf.eq(0) | state.leaf.eq(state.depth)
        bad = state._replace(expected=f.i64(_BAD))
        return f.when(fits, lambda: self._read(state), lambda: bad)

    def _read(self, state: _State) -> _State:
        """Reads a number; if it is the first double, those before become doubles too."""
        f, count, depth = self._f, state.total, state.depth
        arguments = f.data, state.at, f.end, self._number, self._is_double
        after = f.call("json_number", *arguments, ret=I64)
        kind, value = f.load(self._is_double, 0, I64), f.load(self._number, 0, I64)
        # Integers are kept exact until a double makes the array one of doubles.
        widens = (kind > state.are_doubles) & (count > 0)
        f.when(widens, lambda: f.call("widen", f.values, count) and None)
        both = kind | state.are_doubles
        is_narrow = kind.eq(0) & both.ne(0)
        value = f.select(is_narrow, f.bits(f.convert(value, F64), I64), value)
        f.store(value, f.values, count)
        self._count_item(depth - 1)
        is_read = after >= 0
        at, then = (
            f.select(is_read, after, state.at),
            f.select(is_read, f.i64(_AFTER), f.i64(_BAD)),
        )
        return _State(at, depth, depth, count + 1, both, then)

    def _close(self, state: _State) -> _State:
        f, axis = self._f, state.depth - 1
        extent, count = f.load(self._extents, axis, I64), f.load(self._counts, axis, I64)
        f.store(count, self._extents, axis)
        is_last = axis.eq(0)
        f.when(~is_last, lambda: self._count_item(axis - 1))
        is_even = extent.eq(0) | extent.eq(count)
        good = f.select(is_last, f.i64(_DONE), f.i64(_AFTER))
        then = f.select(is_even, good, f.i64(_BAD))
        return state._replace(at=state.at + 1, depth=axis, expected=then)

    def _count_item(self, axis: Val) -> None:
        f = self._f
        f.store(f.load(self._counts, axis, I64) + 1, self._counts, axis)


def _emit_array(m: Module) -> None:
    """Reads the array at a position: fills an entry but for its first word, and gives where it ends; or inverted where it is something else."""
    arguments: Any = dict(data=PTR, begin=I64, end=I64, values=PTR, described=PTR)
    with m.fn("array", ret=I64, internal=True, **arguments) as f:
        reader = _ArrayReader(f, f.at(f.described, 4, I64))
        zero = f.i64(0)
        final = f.loop_while(
            lambda *now: _State(*now).expected < _DONE,
            reader.step,
            *_State(f.begin + 1, f.i64(1), zero, zero, zero, f.i64(_VALUE)),
        )
        at, _, leaf, count, are_doubles, expected = final
        for word, word_value in enumerate((count, are_doubles, leaf), start=1):
            f.store(word_value, f.described, word)
        f.give(f.select(expected.eq(_DONE), at, ~at))


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


class _Copied(NamedTuple):
    """Progress of copying a text: positions in it and in the rest, counts of numbers and arrays taken, and the bytes read twice."""

    at: Val
    out: Val
    numbers: Val
    arrays: Val
    spent: Val


_TEXT: Any = dict(
    data=PTR, end=I64, marker=PTR, least=I64, rest=PTR, values=PTR, entries=PTR, most=I64, told=PTR
)  # fmt: skip


def _emit_scan_short(m: Module) -> None:
    with m.fn("scan_short", ret=I64, internal=True, **_TEXT) as f:
        f.give(f.call("scan", *[getattr(f, name) for name in _TEXT], ret=I64))


def _emit_scan(m: Module) -> None:
    with m.fn("scan", ret=I64, internal=True, **_TEXT) as f:
        zero = f.i64(0)
        f.loop(0, 4, 1, lambda word: f.store(zero, f.told, word))

        def step(*now: Val) -> tuple[Val, ...]:
            done = _Copied(*now)
            byte = _byte(f, done.at)

            def string() -> tuple[Val, ...]:
                return _copy(f, done, f.call("string", f.data, done.at, f.end, ret=I64))

            def sign() -> tuple[Val, ...]:
                for word, each in enumerate((_OPEN, _OPEN_OBJECT, _COMMA), start=1):
                    _tell(f, word, f.convert(byte.eq(each), I64, signed=False))
                f.store(byte, f.rest, done.out)
                return done._replace(at=done.at + 1, out=done.out + 1)

            def other() -> tuple[Val, ...]:
                # The bytes that are read twice are limited by the length of the text.
                may_read = byte.eq(_OPEN) & (done.arrays < f.most) & (done.spent <= f.end)
                return f.when(may_read, lambda: _bracket(f, done), sign)

            return f.when(byte.eq(_QUOTE), string, other)

        start = _Copied(zero, zero, zero, zero, zero)
        copied = _Copied(*f.loop_while(lambda at, *_: at < f.end, step, *start))
        f.store(copied.out, f.told)
        f.give(copied.arrays)


def _bracket(f: Any, done: _Copied) -> tuple[Val, ...]:
    """Take the array that begins here, if it is a long one of numbers."""
    entry = f.at(f.entries, done.arrays * ENTRY, I64)
    place = f.at(f.values, done.numbers, I64)
    stop = f.call("array", f.data, done.at, f.end, place, entry, ret=I64)
    count, is_array = f.load(entry, 1, I64), stop >= 0

    def take() -> tuple[Val, ...]:
        f.store(done.numbers, entry)
        out = _mark(f, done.out, done.arrays)
        return _Copied(stop, out, done.numbers + count, done.arrays + 1, done.spent)

    def leave() -> tuple[Val, ...]:
        # A short array is copied whole, of anything else only the bracket: its items may be arrays.
        is_nested = is_array & (f.load(entry, 3, I64) > 1)
        _tell(f, 1, f.select(is_nested, count, f.i64(1)))
        _tell(f, 3, f.select(is_array, count, f.i64(0)))
        more = f.select(is_array, f.i64(0), ~stop - done.at)
        copied = _copy(f, done, f.select(is_array, stop, done.at + 1))
        return copied._replace(spent=done.spent + more)

    return f.when(is_array & (count >= f.least), take, leave)


def _copy(f: Any, done: _Copied, stop: Val) -> _Copied:
    size = stop - done.at
    f.memcpy(f.at(f.rest, done.out), f.at(f.data, done.at), size)
    return done._replace(at=stop, out=done.out + size)


def _mark(f: Any, out: Val, number: Val) -> Val:
    """Writes the replacement of an array; returns the position after it."""
    f.store(f.const(_QUOTE, I8), f.rest, out)
    f.memcpy(f.at(f.rest, out + 1), f.marker, 16)
    for letter in range(8):
        digit = f.binary("lshr", number, 4 * (7 - letter)) & 15
        f.store(f.convert(digit + 97, I8), f.rest, out + 17 + letter)
    f.store(f.const(_QUOTE, I8), f.rest, out + 1 + MARK)
    return out + MARK + 2


def _tell(f: Any, word: int, more: Val) -> None:
    f.store(f.load(f.told, word, I64) + more, f.told, word)
