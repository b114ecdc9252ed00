"""Strings in UTF-8 to code points and back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I8, I32, I64, PTR
from ...language.value import Val
from . import utf8
from .words import put, sizes_of


class _Functions(NamedTuple):
    """Builtins.

    decode (strings, number, points, begins, splits [number + 1]) -> the number of characters, -1 if a string is malformed
    encode (points, splits, number, strings) -> 0, or -1 if a number is not a code point of a character
    """

    decode: Callable[..., int]
    encode: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    utf8.emit_longer(m)
    _emit_decode(m)
    _emit_encode(m)
    py.emit_entry(m, "decode", "anaaa", holds_gil=True)
    py.emit_entry(m, "encode", "aana", holds_gil=True)


def decoded(strings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The row splits, code points and first bytes of the characters of a vector of strings; None if one is malformed."""
    strings = np.ascontiguousarray(strings)
    _, most = sizes_of(strings)
    points, begins = np.empty(most, np.int32), np.empty(most, np.int64)
    splits = np.zeros(len(strings) + 1, np.int64)
    count = _functions().decode(strings, len(strings), points, begins, splits)
    return None if count < 0 else (splits, points[:count].copy(), begins[:count].copy())


def encoded(points: np.ndarray, splits: np.ndarray) -> np.ndarray | None:
    """Strings of rows of code points.

    Args:
      points: int32.
      splits: where each row begins, and where the last one ends; within the points, and in order.

    Returns:
      A string for each row; None if a number is not a code point of a character.
    """
    points, splits = np.ascontiguousarray(points), np.ascontiguousarray(splits, np.int64)
    strings = np.empty(len(splits) - 1, object)
    wrong = _functions().encode(points, splits, len(strings), strings)
    return None if wrong else strings


def _emit_decode(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, points=PTR, begins=PTR, splits=PTR)
    with m.fn("decode", ret=I64, internal=True, **arguments) as f:

        def string(row: Val, first: Val) -> tuple[Val, ...]:
            data, size = utf8.string(f, f.strings, row)

            def one(at: Val, count: Val) -> tuple[Val, ...]:
                point, taken = utf8.character(f, data, at)

                def good() -> tuple[Val, ...]:
                    f.store(f.convert(point, I32), f.points, count)
                    f.store(at, f.begins, count)
                    return at + taken, count + 1

                return f.when(point >= 0, good, lambda: (at, f.i64(-1)))

            _, count = f.loop_while(
                lambda at, count: (at < size) & (count >= 0), one, f.i64(0), first
            )
            f.store(count, f.splits, row + 1)
            return row + 1, count

        _, count = f.loop_while(
            lambda row, count: (row < f.number) & (count >= 0), string, f.i64(0), f.i64(0)
        )
        f.give(count)


def _emit_encode(m: Module) -> None:
    """Writes rows of code points as strings; gives -1 for points that UTF-8 has no form for."""
    with m.fn("encode", ret=I64, internal=True, points=PTR, splits=PTR, number=I64, into=PTR) as f:

        def row(at: Val, _: Val) -> tuple[Val, ...]:
            first, end = f.load(f.splits, at, I64), f.load(f.splits, at + 1, I64)
            size, wrong = _encoded_size(f, first, end)

            def make() -> tuple[Val, ...]:
                string = f.call("PyBytes_FromStringAndSize", f.const(0, PTR), size, ret=PTR)
                out = f.call("PyBytes_AsString", string, ret=PTR)

                def one(i: Val, place: Val) -> tuple[Val, ...]:
                    return _write_point(f, _point_at(f, i), out, place)

                f.loop(first, end, 1, one, f.i64(0))
                put(f, string, f.into, at)
                return at + 1, f.i64(0)

            return f.when(wrong.eq(0), make, lambda: (at, f.i64(-1)))

        _, wrong = f.loop_while(
            lambda at, wrong: (at < f.number) & wrong.eq(0), row, f.i64(0), f.i64(0)
        )
        f.give(wrong)


def _point_at(f: Any, i: Val) -> Val:
    return f.convert(f.load(f.points, i, I32), I64)


def _encoded_size(f: Any, first: Val, end: Val) -> tuple[Val, Val]:
    """The bytes of a row of code points in UTF-8, and 1 if one of them has no form there."""

    def size_of(i: Val, size: Val, wrong: Val) -> tuple[Val, ...]:
        point = _point_at(f, i)
        own = f.i64(1)
        # A byte more from each of these code points on.
        for least in (0x80, 0x800, 0x10000):
            own = own + f.convert(point >= least, I64, signed=False)
        # Halves of pairs in UTF-16: UTF-8 has no form for them.
        is_surrogate = (point >= 0xD800) & (point < 0xE000)
        is_wrong = (point < 0) | (point > 0x10FFFF) | is_surrogate
        return size + own, wrong | f.convert(is_wrong, I64, signed=False)

    return f.loop(first, end, 1, size_of, f.i64(0), f.i64(0))


def _write_point(f: Any, point: Val, out: Val, place: Val) -> tuple[Val, ...]:
    """Writes a code point in UTF-8 to `out` at an offset; returns the offset after it."""

    def byte(value: Val, place: Val) -> None:
        f.store(f.convert(value, I8), out, place)

    def following(shift: int) -> Val:
        return ((point >> shift) & 0x3F) | 0x80

    def written(count: int) -> Callable[[], tuple[Val]]:
        def write() -> tuple[Val]:
            lead = {1: 0, 2: 0xC0, 3: 0xE0, 4: 0xF0}[count]
            byte((point >> (6 * (count - 1))) | lead, place)
            for k in range(1, count):
                byte(following(6 * (count - 1 - k)), place + k)
            return (place + count,)

        return write

    def wide() -> tuple[Val, ...]:
        return f.when(point < 0x10000, written(3), written(4))

    def middle() -> tuple[Val, ...]:
        return f.when(point < 0x800, written(2), wide)

    return f.when(point < 0x80, written(1), middle)
