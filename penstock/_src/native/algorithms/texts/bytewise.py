"""Strings of bytes to new ones: mapped, stripped, in base64, and of decimal digits; and their bytes side by side."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F64, I8, I32, I64, PTR
from ...language.value import Val
from .utf8 import byte, string
from .words import make, put

MOST_WIDTH = 64  # to which native code fills whole numbers up
_DIGITS = 32  # more than a 64-bit integer has, or MOST_PLACES after the point, with a sign
MOST_PLACES = 22  # whose power of ten is a float64
_EXACT = 2.0**52  # all float64 numbers from this one up are integers
_SPLIT = 2.0**27 + 1
_INVALID = 64  # beyond the values of digits in base64


class _Functions(NamedTuple):
    """Builtins.

    mapped (strings, number, table uint8 [256], results) -> 0; each byte by the table
    stripped (strings, number, results) -> 0; without ASCII white space at either end
    gathered (strings, number, size, bytes [number, size]) -> the number of strings before the first of another size
    encoded (strings, number, digits uint8 [64], True if padded, results) -> 0; in base64
    decoded (strings, number, values uint8 [256], results) -> the number of strings before the first malformed one
    decimals (magnitudes uint64, number, signs bool, places behind a point, least size, True if zeros fill it, results) -> 0
    written (float64 values, number, letter, digits, True if "+" is written, least size, padding, results) -> 0
    """

    mapped: Callable[..., int]
    stripped: Callable[..., int]
    gathered: Callable[..., int]
    encoded: Callable[..., int]
    decoded: Callable[..., int]
    decimals: Callable[..., int]
    written: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_mapped(m)
    _emit_stripped(m)
    _emit_gathered(m)
    _emit_encoded(m)
    _emit_decoded(m)
    _emit_decimals(m)
    _emit_written(m)
    for name, parameters in (
        ("mapped", "anaa"), ("stripped", "ana"), ("gathered", "anna"), ("encoded", "anana"),
        ("decoded", "anaa"), ("decimals", "anannna"), ("written", "annnnnna"),
    ):  # fmt: skip
        py.emit_entry(m, name, parameters, holds_gil=True)


def mapped(strings: np.ndarray, table: bytes) -> np.ndarray:
    """The strings of an array, each byte replaced by the one that a table of 256 has for it."""
    entries = np.frombuffer(table, np.uint8)
    return _each(strings, lambda flat, out: _functions().mapped(flat, len(flat), entries, out))


def stripped(strings: np.ndarray) -> np.ndarray:
    """The strings of an array without ASCII white space at either end."""
    return _each(strings, lambda flat, out: _functions().stripped(flat, len(flat), out))


def gathered(strings: np.ndarray, size: int, dtype: Any) -> np.ndarray | None:
    """The bytes of a vector of strings as one vector of a dtype; None if a string has another size."""
    flat = np.ascontiguousarray(strings)
    numbers = np.empty(len(flat) * size // np.dtype(dtype).itemsize, dtype)
    return numbers if _functions().gathered(flat, len(flat), size, numbers) == len(flat) else None


def encoded(strings: np.ndarray, digits: bytes, is_padded: bool) -> np.ndarray:
    """The strings of an array in base64 with these digits."""
    known, pads = np.frombuffer(digits, np.uint8), int(is_padded)
    return _each(strings, lambda flat, out: _functions().encoded(flat, len(flat), known, pads, out))


def decoded(strings: np.ndarray, digits: bytes) -> np.ndarray | None:
    """The strings of an array out of base64 with these digits; None if one is malformed."""
    # One bit beyond the digits' six: the values of all characters are joined and tested once.
    values = np.full(256, _INVALID, np.uint8)
    values[np.frombuffer(digits, np.uint8)] = np.arange(len(digits))
    counts = []
    results = _each(
        strings,
        lambda flat, out: counts.append(_functions().decoded(flat, len(flat), values, out)),
    )
    return results if counts == [strings.size] else None


def decimals(numbers: np.ndarray, width: int = 0, has_zeros: bool = False) -> np.ndarray:
    """The whole numbers of an array as strings of a least width up to MOST_WIDTH, filled up by spaces before them or zeros after the sign."""
    magnitudes = numbers.astype(numbers.dtype.str[1:2] + "8", copy=False)
    return _decimals(np.abs(magnitudes), numbers < 0, 0, width, has_zeros)


def fixed(numbers: np.ndarray, places: int) -> np.ndarray | None:
    """The floats of an array as strings with some places behind a point, rounded as C's "%f" does; None if some have too many digits.

    The product with the power of ten is exact in two parts (Dekker 1971), so that halves are known: they round to even.
    """
    if places > MOST_PLACES:
        return None
    x, power = numbers.astype(np.float64), np.float64(10.0**places)
    with np.errstate(over="ignore", invalid="ignore"):
        # Beyond 2^52 the product has no fraction that could be rounded here.
        high = np.asarray(x * power)  # NumPy gives scalars for arrays without dimensions
    if not (np.abs(high) < _EXACT).all():
        return None
    whole = np.asarray(np.rint(high))
    # Halves are float64 numbers here: a product beside one is not rounded across it.
    halves = np.abs(high - whole) == 0.5
    if halves.any():
        low = _rest_of_product(x[halves], power, high[halves])
        toward = np.where(low > 0, 0.5, -0.5)
        whole[halves] = np.where(low == 0, whole[halves], high[halves] + toward)
    return _decimals(np.abs(whole).astype(np.uint64), np.signbit(x), places)


def written(
    numbers: np.ndarray, letter: str, digits: int, signed: bool, width: int, padding: str
) -> np.ndarray:
    """Finite floats as strings, as C writes them.

    Args:
      numbers: an array of floats.
      letter: "e", "f" or "g".
      digits: the precision.
      signed: True if positive numbers have a sign.
      width: the least size of a string.
      padding: " " before a number, "0" after its sign, or "-" for spaces after it.
    """
    strings, flat = np.empty(numbers.shape, object), numbers.reshape(-1).astype(np.float64)
    _functions().written(
        flat, len(flat), ord(letter), digits, int(signed), width, ord(padding), strings
    )
    return strings


def _rest_of_product(x: np.ndarray, y: np.float64, product: np.ndarray) -> np.ndarray:
    """The exact product less the rounded one."""
    (x_high, x_low), (y_high, y_low) = (
        (v * _SPLIT - (v * _SPLIT - v), v - (v * _SPLIT - (v * _SPLIT - v))) for v in (x, y)
    )
    return ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def _decimals(
    magnitudes: np.ndarray, signs: np.ndarray, places: int, width: int = 0, has_zeros: bool = False
) -> np.ndarray:
    strings = np.empty(magnitudes.shape, object)
    flat, signs = (np.ascontiguousarray(x.reshape(-1)) for x in (magnitudes, signs))
    _functions().decimals(flat, len(flat), signs, places, width, int(has_zeros), strings)
    return strings


def _each(strings: np.ndarray, work: Callable[[np.ndarray, np.ndarray], Any]) -> np.ndarray:
    results = np.empty(strings.shape, object)
    work(np.ascontiguousarray(strings.reshape(-1)), results)
    return results


def _empty(f: Fn, size: Val) -> tuple[Val, Val]:
    """A new bytes object of a size, and the address of its bytes, which are not written yet."""
    text = f.call("PyBytes_FromStringAndSize", f.const(0, PTR), size, ret=PTR)
    return text, f.call("PyBytes_AsString", text, ret=PTR)


def _emit_mapped(m: Module) -> None:
    with m.fn("mapped", ret=I64, internal=True, strings=PTR, number=I64, table=PTR, into=PTR) as f:

        def one(row: Val) -> None:
            data, size = string(f, f.strings, row)
            text, out = _empty(f, size)
            f.loop(
                f.i64(0), size, 1,
                lambda at: f.store(f.load(f.table, byte(f, data, at), I8), out, at),
            )  # fmt: skip
            put(f, text, f.into, row)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))


def _emit_stripped(m: Module) -> None:
    with m.fn("stripped", ret=I64, internal=True, strings=PTR, number=I64, into=PTR) as f:

        def one(row: Val) -> None:
            data, size = string(f, f.strings, row)

            def is_space(at: Val) -> Val:
                value = byte(f, data, at)
                return value.eq(32) | ((value >= 9) & (value <= 13))

            (begin,) = f.loop_while(
                lambda at: (at < size) & is_space(at), lambda at: (at + 1,), f.i64(0)
            )
            # A string without any other byte ends where it begins.
            (end,) = f.loop_while(
                lambda at: (at > begin) & is_space(f.max(at - 1, f.i64(0))),
                lambda at: (at - 1,), size,
            )  # fmt: skip
            make(f, f.at(data, begin), end - begin, f.into, row)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))


def _emit_gathered(m: Module) -> None:
    with m.fn("gathered", ret=I64, internal=True, strings=PTR, number=I64, size=I64, out=PTR) as f:

        def one(row: Val, _: Val) -> tuple[Val, ...]:
            data, size = string(f, f.strings, row)

            def copied() -> tuple[Val, ...]:
                f.memcpy(f.at(f.out, row * f.size), data, f.size)
                return row + 1, f.i64(1)

            return f.when(size.eq(f.size), copied, lambda: (row, f.i64(0)))

        row, _ = f.loop_while(
            lambda row, is_same: (row < f.number) & is_same.ne(0), one, f.i64(0), f.i64(1)
        )
        f.give(row)


def _emit_encoded(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, digits=PTR, pads=I64, into=PTR)
    with m.fn("encoded", ret=I64, internal=True, **arguments) as f:

        def one(row: Val) -> None:
            data, size = string(f, f.strings, row)
            whole = size // 3
            left = size - whole * 3
            padded = (size + 2) // 3 * 4
            text, out = _empty(f, f.select(f.pads.ne(0), padded, (size * 4 + 2) // 3))

            def write(bits: Val, shift: int, at: Val) -> None:
                f.store(f.load(f.digits, (bits >> shift) & 63, I8), out, at)

            def group(i: Val) -> None:
                first, second, third = (byte(f, data, i * 3 + k) for k in range(3))
                bits = (first << 16) | (second << 8) | third
                for k in range(4):
                    write(bits, 18 - 6 * k, i * 4 + k)

            def last() -> tuple[Val, ...]:
                # After a single byte comes the zero at the end of the string.
                bits = (byte(f, data, whole * 3) << 16) | (byte(f, data, whole * 3 + 1) << 8)
                at = whole * 4
                write(bits, 18, at)
                write(bits, 12, at + 1)
                f.when(left.eq(2), lambda: write(bits, 6, at + 2))

                def pad() -> tuple[Val, ...]:
                    f.when(left.eq(1), lambda: f.store(f.const(61, I8), out, at + 2))
                    f.store(f.const(61, I8), out, at + 3)
                    return ()

                f.when(f.pads.ne(0), pad)
                return ()

            f.loop(f.i64(0), whole, 1, group)
            f.when(left.ne(0), last)
            put(f, text, f.into, row)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))


def _emit_decoded(m: Module) -> None:
    """Writes strings decoded from base64; gives the number of strings before the first one that is malformed."""
    with m.fn(
        "decoded", ret=I64, internal=True, strings=PTR, number=I64, values=PTR, into=PTR
    ) as f:

        def one(row: Val, _: Val) -> tuple[Val, ...]:
            data, whole = string(f, f.strings, row)
            size = whole - _padding(f, data, whole)
            left = size & 3
            bytes_left = f.max(left - 1, f.i64(0))
            text, out = _empty(f, (size >> 2) * 3 + bytes_left)
            (seen,) = f.loop(
                f.i64(0),
                size >> 2,
                1,
                lambda i, seen: _decode_group(f, data, out, i, seen),
                f.i64(0),
            )
            (rest,) = f.when(
                left >= 2, lambda: _decode_last(f, data, out, size, left), lambda: (f.i64(0),)
            )
            put(f, text, f.into, row)
            is_right = ((seen | rest) & _INVALID).eq(0) & left.ne(1)
            return row + f.convert(is_right, I64, signed=False), f.convert(
                is_right, I64, signed=False
            )

        row, _ = f.loop_while(
            lambda row, is_right: (row < f.number) & is_right.ne(0), one, f.i64(0), f.i64(1)
        )
        f.give(row)


def _padding(f: Any, data: Val, whole: Val) -> Val:
    """The number of padding characters at the end of base64: 0, 1 or 2."""

    def is_padding(at: Val) -> Val:
        return (whole > at) & byte(f, data, f.max(whole - 1 - at, f.i64(0))).eq(61)

    # Padding only completes groups of four; elsewhere the sign is an invalid character.
    can_be_padded = (whole & 3).eq(0)
    is_one = can_be_padded & is_padding(f.i64(0))
    is_two = is_one & is_padding(f.i64(1))
    return f.convert(is_one, I64, signed=False) + f.convert(is_two, I64, signed=False)


def _decoded_value(f: Any, data: Val, at: Val) -> Val:
    """The 6 bits of a character, or a value with bits of _INVALID."""
    decoded = f.load(f.values, byte(f, data, at), I8)
    return f.convert(decoded, I64, signed=False)


def _write_bits(f: Any, bits: Val, shift: int, out: Val, at: Val) -> None:
    f.store(f.convert((bits >> shift) & 255, I8), out, at)


def _decode_group(f: Any, data: Val, out: Val, i: Val, seen: Val) -> tuple[Val, ...]:
    """Writes the three bytes of group i of four characters; returns all bits seen so far."""
    parts = [_decoded_value(f, data, i * 4 + k) for k in range(4)]
    bits = (parts[0] << 18) | (parts[1] << 12) | (parts[2] << 6) | parts[3]
    for k in range(3):
        _write_bits(f, bits, 16 - 8 * k, out, i * 3 + k)
    return (seen | parts[0] | parts[1] | parts[2] | parts[3],)


def _decode_last(f: Any, data: Val, out: Val, size: Val, left: Val) -> tuple[Val, ...]:
    """Writes the one or two bytes of the last two or three characters; returns the bits seen."""
    at, to = size - left, (size >> 2) * 3
    first, second = _decoded_value(f, data, at), _decoded_value(f, data, at + 1)
    third = f.select(left.eq(3), _decoded_value(f, data, at + 2), f.i64(0))
    bits = (first << 18) | (second << 12) | (third << 6)
    _write_bits(f, bits, 16, out, to)
    f.when(left.eq(3), lambda: _write_bits(f, bits, 8, out, to + 1))
    return (first | second | third,)


def _emit_decimals(m: Module) -> None:
    arguments: Any = dict(
        values=PTR, number=I64, signs=PTR, places=I64, width=I64, zeros=I64, into=PTR
    )
    with m.fn("decimals", ret=I64, internal=True, **arguments) as f:
        end = _DIGITS + MOST_WIDTH
        buffer = f.alloca(I8, end)
        # Digits are written from the end of the buffer backwards, as division gives them.
        point = end - f.places

        def put_byte(character: str, at: Val) -> None:
            f.store(f.const(ord(character), I8), buffer, at)

        def digit(at: Val, left: Val) -> tuple[Val, ...]:
            rest = f.binary("udiv", left, 10)
            f.store(f.convert(left - rest * 10 + ord("0"), I8), buffer, at - 1)
            return at - 1, rest

        def filled(character: str, begin: Val, first: Val) -> Val:
            def fill(at: Val) -> tuple[Val, ...]:
                put_byte(character, at - 1)
                return (at - 1,)

            return f.loop_while(lambda at: at > first, fill, begin)[0]

        def one(row: Val) -> None:
            value = f.load(f.values, row, I64)
            fraction = f.loop_while(lambda at, _: at > point, digit, f.i64(end), value)
            put_byte(".", point - 1)
            at, left = f.select(f.places > 0, point - 1, point), fraction[1]
            at, _ = f.loop_while(lambda _, left: left.ne(0), digit, *digit(at, left))
            sign = f.select(byte(f, f.signs, row).ne(0), f.i64(1), f.i64(0))
            at = filled("0", at, f.select(f.zeros.ne(0), end - f.width + sign, f.i64(end)))
            put_byte("-", at - 1)
            begin = filled(" ", at - sign, end - f.width)
            make(f, f.at(buffer, begin), end - begin, f.into, row)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))


def _emit_written(m: Module) -> None:
    arguments: Any = dict(
        values=PTR, number=I64, letter=I64, digits=I64, signed=I64, width=I64, padding=I64, into=PTR
    )
    with m.fn("written", ret=I64, internal=True, **arguments) as f:
        letter, digits = f.convert(f.letter, I8), f.convert(f.digits, I32)
        flags = f.convert(f.signed, I32)  # 1 is Python's flag for a sign of positive numbers

        def one(row: Val) -> None:
            value = f.load(f.values, row, F64)
            number = f.call(
                "PyOS_double_to_string", value, letter, digits, flags, f.const(0, PTR), ret=PTR
            )
            size = f.call("strlen", number, ret=I64)
            pad = f.max(f.width - size, f.i64(0))
            text, out = _empty(f, size + pad)
            first = byte(f, number, f.i64(0))
            has_sign = f.padding.eq(ord("0")) & (first.eq(ord("-")) | first.eq(ord("+")))
            sign = f.convert(has_sign, I64, signed=False)
            begin = f.select(f.padding.eq(ord("-")), size, sign)
            fill = f.select(f.padding.eq(ord("0")), f.i64(ord("0")), f.i64(ord(" ")))
            f.memcpy(out, number, begin)
            f.loop(f.i64(0), pad, 1, lambda i: f.store(f.convert(fill, I8), out, begin + i))
            f.memcpy(f.at(out, begin + pad), f.at(number, begin), size - begin)
            f.call("PyMem_Free", number)
            put(f, text, f.into, row)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))
