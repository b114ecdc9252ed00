"""Ranges of bytes of strings, as new strings."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val
from . import sharing, utf8
from .words import put


class _Functions(NamedTuple):
    """Builtins.

    parts (strings, number, begins int64, counts int64, elements from one begin and count to the next, in characters, parts)
        -> the number of strings before the first one that does not have its begin; their parts are made
    A negative begin counts from the end; a negative count goes up to it, but is 0 of characters, and refused with a negative begin.
    """

    parts: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    sharing.emit(m)
    _emit_walk(m)
    _emit_parts(m)
    py.emit_entry(m, "parts", "anaanna", holds_gil=True)


def parts(
    strings: np.ndarray, begins: np.ndarray, counts: np.ndarray, in_characters: bool
) -> np.ndarray | None:
    """Return some bytes, or characters of UTF-8, of each string; None if a string does not have its begin.

    Args:
      strings: a vector of bytes.
      begins: the number of the first byte or character, of each string or of all of them.
      counts: the greatest number of bytes or characters, as many as begins.
      in_characters: counts characters, each of which goes up to the next byte that continues none, as in TensorFlow: whether bytes are UTF-8 is not asked.
    """
    cut = np.empty(len(strings), object)
    begins, counts = (np.ascontiguousarray(x, np.int64).reshape(-1) for x in (begins, counts))
    stride = int(len(begins) > 1)
    words = np.ascontiguousarray(strings)
    cut_count = _functions().parts(
        words, len(words), begins, counts, stride, int(in_characters), cut
    )
    return cut if cut_count == len(words) else None


def _emit_parts(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, begins=PTR, counts=PTR, stride=I64, in_characters=I64, into=PTR
    )
    with m.fn("parts", ret=I64, internal=True, **arguments) as f:
        shared = sharing.SharedParts(f)

        def one(row: Val, _: Val) -> tuple[Val, ...]:
            data, size = utf8.string(f, f.strings, row)
            begin = f.load(f.begins, row * f.stride, I64)
            most = f.load(f.counts, row * f.stride, I64)
            return row + 1, _emit_part(f, shared, row, data, size, begin, most)

        def goes_on(row: Val, is_there: Val) -> Val:
            return (row < f.number) & is_there

        row, is_there = f.loop_while(goes_on, one, f.i64(0), f.const(1, "i1"))
        # The string that failed has been counted.
        f.give(f.select(is_there, row, row - 1))


def _emit_part(
    f: Fn, shared: sharing.SharedParts, row: Val, data: Val, size: Val, begin: Val, most: Val
) -> Val:
    """Stores the part of a string; returns an i1, which is false if the string does not have the begin."""

    def of_characters() -> tuple[Val, ...]:
        (length,) = f.when(
            begin < 0,
            # Only here are all characters counted: others need no more than they skip.
            lambda: (f.call("walk", data, size, f.i64(0), size, f.i64(1), ret=I64),),
            lambda: (f.i64(0),),
        )
        skipped = f.select(begin < 0, begin + length, begin)
        is_there = (skipped >= 0) & ((begin >= 0) | (most >= 0))

        def walk() -> tuple[Val, ...]:
            first = f.call("walk", data, size, f.i64(0), skipped, f.i64(0), ret=I64)
            end = f.call("walk", data, size, f.max(first, 0), f.max(most, 0), f.i64(2), ret=I64)
            return first, end

        return f.when(is_there, walk, lambda: (f.i64(-1), f.i64(-1)))

    def of_bytes() -> tuple[Val, ...]:
        first = f.select(begin < 0, begin + size, begin)
        # The end itself is a valid begin, of an empty part.
        first = f.select(first > size, f.i64(-1), first)
        length = f.select(most < 0, size - first, f.min(most, size - first))
        return first, first + length

    first, end = f.when(f.in_characters.ne(0), of_characters, of_bytes)

    def make() -> tuple[Val, ...]:
        put(f, shared.make(f.at(data, first), end - first), f.into, row)
        return ()

    is_there = first >= 0
    f.when(is_there, make)
    return is_there


def _emit_walk(m: Module) -> None:
    """`walk` (data, size, position, characters, kind) -> the position after as many characters, or after fewer at the end.

    Of kind 0, -1 if there are fewer. Of kind 1, the number of characters instead.
    """
    arguments: Any = dict(data=PTR, size=I64, begin=I64, count=I64, kind=I64)
    with m.fn("walk", ret=I64, internal=True, **arguments) as f:

        def goes_on(at: Val, passed: Val) -> Val:
            return (at < f.size) & (passed < f.count)

        def continues(at: Val) -> Val:
            return (at < f.size) & (utf8.byte(f, f.data, at) & 0xC0).eq(0x80)

        def step(at: Val, passed: Val) -> tuple[Val, ...]:
            (after,) = f.loop_while(continues, lambda at: (at + 1,), at + 1)
            return after, passed + 1

        at, passed = f.loop_while(goes_on, step, f.begin, f.i64(0))
        position = f.select(f.kind.eq(0) & (passed < f.count), f.i64(-1), at)
        f.give(f.select(f.kind.eq(1), passed, position))
