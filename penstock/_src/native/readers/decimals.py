"""Parses decimal numbers in native code: whole numbers, and doubles of up to 19 digits.

If digits and power of ten are exact doubles, one operation rounds correctly (Clinger, "How to Read Floating Point Numbers Accurately", 1990);
others are rounded by `doubles.py`. The few that it leaves open are left to the caller, as is all other notation.
"""

from typing import Any

from ..language.function import Fn
from ..language.module import Module
from ..language.types import F64, I8, I64, PTR, constant
from ..language.value import Val
from . import doubles

MOST_DIGITS = 19  # which fit 64 bits without a sign
_WORD = 8  # bytes
_ZEROS = 0x3030303030303030  # "00000000"
_UPPER_HALVES = 0xF0F0F0F0F0F0F0F0 - (1 << 64)  # as a signed word
_EXACT_INTEGER = 1 << 53  # up to here every integer is a double
_EXACT_POWER = 22  # up to here every power of ten is a double


def emit(m: Module) -> None:
    """Adds `integer` and `decimal` to a module: (data, begin, end, address of the validity flag) -> number."""
    powers = ", ".join(f"double {constant(10.0**n, F64)}" for n in range(_EXACT_POWER + 1))
    doubles.emit(m)
    m.raw(f"@powers_of_ten = private constant [{_EXACT_POWER + 1} x double] [{powers}]")
    _emit_trimmed(m)
    _emit_digits(m)
    _emit_integer(m)
    _emit_decimal(m)


def _byte(f: Fn, at: Any) -> Val:
    return f.load(f.data, at, I8)


def _is_space(byte: Val) -> Val:
    return byte.eq(32) | ((byte >= 9) & (byte <= 13))


def _emit_trimmed(m: Module) -> None:
    """The end of a text without white space; stores its beginning."""
    with m.fn("trimmed", ret=I64, internal=True, data=PTR, begin=I64, end=I64, first=PTR) as f:
        (begin,) = f.loop_while(
            lambda at: (at < f.end) & _is_space(_byte(f, at)), lambda at: (at + 1,), f.begin
        )
        (end,) = f.loop_while(
            lambda at: (at > begin) & _is_space(_byte(f, at - 1)), lambda at: (at - 1,), f.end
        )
        f.store(begin, f.first)
        f.give(end)


def _emit_digits(m: Module) -> None:
    """Reads digits on from a position: adds them to a number, and gives the position after the last."""
    with m.fn("digits", ret=I64, internal=True, data=PTR, begin=I64, end=I64, number=PTR) as f:

        def is_digit(at: Val, _: Val) -> Val:
            byte = _byte(f, at)
            return (at < f.end) & (byte >= 48) & (byte <= 57)

        def step(at: Val, number: Val) -> tuple[Val, ...]:
            return at + 1, number * 10 + (f.convert(_byte(f, at), I64) - 48)

        at, number = f.loop_while(is_digit, step, f.begin, f.load(f.number, 0, I64))
        f.store(number, f.number)
        f.give(at)


def _short_number(f: Fn, count: Val, end: Val) -> tuple[Val, Val]:
    """The number of one to eight digits before `end`, and 1 if they are digits: all are read as one word (Lemire 2018)."""
    word, shift = f.alloca(I64), (_WORD - count) << 3
    f.memcpy(word, f.at(f.data, end - _WORD), _WORD)
    # The first byte is the lowest; bytes before the number become zeros.
    kept = f.binary("shl", f.i64(-1), shift)
    text = (f.load(word, 0, I64) & kept) | ((kept ^ -1) & _ZEROS)
    # Neither a byte nor a byte plus 6 leaves the sixteen characters from "0" on.
    strangers = (text ^ _ZEROS) | ((text + 0x0606060606060606) ^ _ZEROS)
    value = text - _ZEROS
    for factor, bits, mask in (
        (10, 8, 0x00FF00FF00FF00FF),
        (100, 16, 0x0000FFFF0000FFFF),
        (10000, 32, 0xFFFFFFFF),
    ):
        value = (value * factor + f.binary("lshr", value, bits)) & mask
    return value, f.convert((strangers & _UPPER_HALVES).eq(0), I64, signed=False)


def _signed(f: Fn, at: Val, end: Val) -> tuple[Val, Val]:
    """The position after a sign, and True if it is a minus."""
    is_minus = (at < end) & _byte(f, at).eq(45)
    is_sign = is_minus | ((at < end) & _byte(f, at).eq(43))
    return at + f.convert(is_sign, I64), is_minus


def _emit_integer(m: Module) -> None:
    arguments: Any = dict(data=PTR, begin=I64, end=I64, valid=PTR)
    with m.fn("integer", ret=I64, internal=True, **arguments) as f:
        start, number = f.alloca(I64), f.alloca(I64)
        end = f.call("trimmed", f.data, f.begin, f.end, start, ret=I64)
        first, is_minus = _signed(f, f.load(start, 0, I64), end)
        f.store(f.i64(0), number)
        count = end - first
        is_short = (count >= 1) & (count <= _WORD) & (end >= _WORD)
        short, is_number = f.when(
            is_short, lambda: _short_number(f, count, end), lambda: (f.i64(0), f.i64(0))
        )

        def one_by_one() -> tuple[Val, ...]:
            stop = f.call("digits", f.data, first, end, number, ret=I64)
            return stop, f.load(number, 0, I64)

        stop, value = f.when(is_number.ne(0), lambda: (end, short), one_by_one)
        count = stop - first
        # Without a sign the number is below 2**64: negative ones here are too large, but for -2**63.
        is_small = (value >= 0) | (is_minus & value.eq(-(1 << 63)))
        is_valid = stop.eq(end) & (count > 0) & (count <= MOST_DIGITS) & is_small
        f.store(f.convert(is_valid, I64), f.valid)
        f.give(f.select(is_minus, 0 - value, value))


def _emit_decimal(m: Module) -> None:
    arguments: Any = dict(data=PTR, begin=I64, end=I64, valid=PTR)
    with m.fn("decimal", ret=F64, internal=True, **arguments) as f:
        start, number = f.alloca(I64), f.alloca(I64)
        end = f.call("trimmed", f.data, f.begin, f.end, start, ret=I64)
        first, is_minus = _signed(f, f.load(start, 0, I64), end)
        f.store(f.i64(0), number)
        whole = f.call("digits", f.data, first, end, number, ret=I64)
        is_point = (whole < end) & _byte(f, whole).eq(46)
        after = whole + f.convert(is_point, I64)
        (stop,) = f.when(
            is_point,
            lambda: (f.call("digits", f.data, after, end, number, ret=I64),),
            lambda: (whole,),
        )
        value, count = f.load(number, 0, I64), (whole - first) + (stop - after)
        power, finish, is_power = _exponent(f, stop, end, number)
        power = power - (stop - after)
        # Zeros in front do not count towards what 64 bits hold.
        significant = count - _leading_zeros(f, first, stop)
        is_read = finish.eq(end) & (count > 0) & (significant <= MOST_DIGITS) & is_power
        is_exact = (value >= 0) & (value <= _EXACT_INTEGER)
        is_exact = is_exact & (power >= -_EXACT_POWER) & (power <= _EXACT_POWER)

        def divide() -> tuple[Val, ...]:
            f.store(f.convert(is_read, I64), f.valid)
            scale = f.load(f.address("powers_of_ten"), f.max(power, 0 - power), F64)
            double = f.convert(value, F64)
            return (f.select(power < 0, double / scale, double * scale),)

        def round_digits() -> tuple[Val, ...]:
            nearest = f.call("nearest", value, power, f.valid, ret=F64)
            f.store(f.load(f.valid, 0, I64) & f.convert(is_read, I64), f.valid)
            return (nearest,)

        (scaled,) = f.when(is_exact, divide, round_digits)
        # The sign as a bit: arithmetic may lose that of a zero.
        sign = f.convert(is_minus, I64) << 63
        f.give(f.bits(f.bits(scaled, I64) | sign, F64))


def _leading_zeros(f: Fn, first: Val, end: Val) -> Val:
    """The number of zeros before the first other digit."""

    def is_zero(at: Val, _: Val) -> Val:
        byte = _byte(f, at)
        return (at < end) & (byte.eq(48) | byte.eq(46))

    def step(at: Val, zeros: Val) -> tuple[Val, ...]:
        return at + 1, zeros + f.convert(_byte(f, at).eq(48), I64)

    return f.loop_while(is_zero, step, first, f.i64(0))[1]


def _exponent(f: Fn, stop: Val, end: Val, number: Val) -> tuple[Val, Val, Val]:
    """The exponent at a position or 0, the position after it, and True if it can be read."""
    letter = f.load(f.data, stop, I8) | 32
    is_there = (stop < end) & letter.eq(101)

    def read() -> tuple[Val, ...]:
        first, is_minus = _signed(f, stop + 1, end)
        f.store(f.i64(0), number)
        after = f.call("digits", f.data, first, end, number, ret=I64)
        size = f.load(number, 0, I64)
        count = after - first
        # Longer exponents could overflow the sum with the number of digits behind the point.
        return f.select(is_minus, 0 - size, size), after, (count > 0) & (count <= 4)

    return f.when(is_there, read, lambda: (f.i64(0), stop, f.const(1, "i1")))  # type: ignore[return-value]
