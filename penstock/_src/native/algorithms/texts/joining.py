"""Joins pieces of a vocabulary, or neighbouring strings, to new strings."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val
from . import utf8
from .words import put


class _Functions(NamedTuple):
    """Builtins.

    pieces (numbers, splits, number, pool, begins [2, pieces + 1], pieces + 1, strings) -> 0
    neighbours (strings, begins, number, ends, separator, its size, joined) -> 0; joins the strings from each begin to the end
    """

    pieces: Callable[..., int]
    neighbours: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_pieces(m)
    _emit_neighbours(m)
    py.emit_entry(m, "pieces", "aanaana", holds_gil=True)
    py.emit_entry(m, "neighbours", "aanabna", holds_gil=True)


class Joiner:
    """Joins pieces of a vocabulary.

    Args:
      first: the text of each piece at the start of a string, that is while all previous pieces are empty.
      other: its text elsewhere.
    """

    def __init__(self, first: Sequence[bytes], other: Sequence[bytes]) -> None:
        texts = [*first, *other]
        self._pool = np.frombuffer(b"".join(texts) + b"\0", np.uint8)
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        self._begins = np.concatenate([ends[: len(first) + 1], ends[len(first) :]])

    def joined(self, numbers: np.ndarray, splits: np.ndarray) -> np.ndarray | None:
        """The strings of rows of piece numbers, which must be within the vocabulary; None if the splits do not match the number of values."""
        if not cuts(splits, len(numbers)):
            return None
        strings = np.empty(len(splits) - 1, object)
        numbers, splits = (np.ascontiguousarray(part, np.int64) for part in (numbers, splits))
        _functions().pieces(
            numbers, splits, len(strings), self._pool, self._begins, len(self._begins) // 2, strings
        )
        return strings


def cuts(splits: np.ndarray, count: int) -> bool:
    """True if row splits are valid for this number of values."""
    if not len(splits) or splits[0] < 0 or splits[-1] > count:
        return False
    return bool((splits[1:] >= splits[:-1]).all())


def joined_neighbours(
    strings: np.ndarray, begins: np.ndarray, width: int, separator: bytes
) -> np.ndarray:
    """As many strings as `width`, joined, from each of the begins on; all of them must be there."""
    return joined_ranges(strings, begins, begins + width, separator)


def joined_ranges(
    strings: np.ndarray, begins: np.ndarray, ends: np.ndarray, separator: bytes
) -> np.ndarray:
    """The strings from each begin to its end, joined; all of them must be there."""
    joined = np.empty(len(begins), object)
    strings = np.ascontiguousarray(strings)
    begins, ends = (np.ascontiguousarray(part, np.int64) for part in (begins, ends))
    _functions().neighbours(strings, begins, len(begins), ends, separator, len(separator), joined)
    return joined


def _emit_pieces(m: Module) -> None:
    arguments: Any = dict(
        numbers=PTR, splits=PTR, number=I64, pool=PTR, places=PTR, stride=I64, into=PTR
    )
    with m.fn("pieces", ret=I64, internal=True, **arguments) as f:

        def piece(i: Val, size: Val) -> tuple[Val, Val]:
            """The address of a piece's text, and its size."""
            # As long as nothing is written, a piece is at the start: pieces before it were empty.
            row = f.select(size.eq(0), f.i64(0), f.stride)
            place = row + f.load(f.numbers, i, I64)
            begin = f.load(f.places, place, I64)
            return begin, f.load(f.places, place + 1, I64) - begin

        def string(row: Val) -> None:
            first, end = f.load(f.splits, row, I64), f.load(f.splits, row + 1, I64)
            (size,) = f.loop(first, end, 1, lambda i, size: (size + piece(i, size)[1],), f.i64(0))
            text = f.call("PyBytes_FromStringAndSize", f.const(0, PTR), size, ret=PTR)
            out = f.call("PyBytes_AsString", text, ret=PTR)

            def copy(i: Val, at: Val) -> tuple[Val]:
                begin, size = piece(i, at)
                f.memcpy(f.at(out, at), f.at(f.pool, begin), size)
                return (at + size,)

            f.loop(first, end, 1, copy, f.i64(0))
            put(f, text, f.into, row)

        f.loop(f.i64(0), f.number, 1, string)
        f.give(f.i64(0))


def _emit_neighbours(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, begins=PTR, number=I64, ends=PTR, separator=PTR, between=I64, into=PTR
    )
    with m.fn("neighbours", ret=I64, internal=True, **arguments) as f:

        def one(row: Val) -> None:
            first = f.load(f.begins, row, I64)
            end = f.load(f.ends, row, I64)

            def add(i: Val, size: Val) -> tuple[Val]:
                return (size + utf8.string(f, f.strings, i)[1],)

            (size,) = f.loop(first, end, 1, add, f.max(end - first - 1, 0) * f.between)
            string = f.call("PyBytes_FromStringAndSize", f.const(0, PTR), size, ret=PTR)
            out = f.call("PyBytes_AsString", string, ret=PTR)

            def copy(i: Val, at: Val) -> tuple[Val, ...]:
                data, size = utf8.string(f, f.strings, i)
                f.memcpy(f.at(out, at), data, size)

                def separate() -> tuple[Val]:
                    f.memcpy(f.at(out, at + size), f.separator, f.between)
                    return (at + size + f.between,)

                return f.when(i + 1 < end, separate, lambda: (at + size,))

            f.loop(first, end, 1, copy, f.i64(0))
            put(f, string, f.into, row)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))
