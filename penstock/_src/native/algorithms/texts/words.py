"""Cuts strings where the kind of their characters changes, and makes bytes objects of parts of strings."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I8, I64, PTR
from ...language.value import Val
from . import utf8
from .table import DONE, EMPTY, MALFORMED, POINT, REPORT, STRING, WRITTEN, PointTable, run

# Kinds of characters: white space is dropped, APART characters are words of their own.
ORDINARY, SPACE, APART = 1, 2, 3


class _Functions(NamedTuple):
    """Builtins over arrays of bytes objects.

    sizes (strings, number, sizes) -> the sum of the sizes
    words (strings, number, kinds uint8 [code points], True if ends are stretched, state, begins, ends, splits [number + 1]) -> 0
    parts (strings, splits, number, begins, ends, parts) -> 0; writes a bytes object for each word
    """

    sizes: Callable[..., int]
    words: Callable[..., int]
    parts: Callable[..., int]


class Words(NamedTuple):
    """Words of strings.

    Attributes:
      begins: the byte of its string at which each begins.
      ends: the byte after each.
      splits: the number of each string's first word, and of all.
    """

    begins: np.ndarray
    ends: np.ndarray
    splits: np.ndarray


@compiled(_Functions)
def _functions(m: Module) -> None:
    utf8.emit_longer(m)
    _emit_sizes(m)
    _emit_words(m)
    _emit_parts(m)
    py.emit_entry(m, "sizes", "ana", holds_gil=True)
    py.emit_entry(m, "words", "ananaaaa", holds_gil=True)
    py.emit_entry(m, "parts", "aanaaa", holds_gil=True)


def sizes_of(strings: np.ndarray) -> tuple[np.ndarray, int]:
    """The sizes of the strings of a contiguous vector, and their sum."""
    sizes = np.empty(len(strings), np.int64)
    return sizes, _functions().sizes(strings, len(strings), sizes)


def words_of(strings: np.ndarray, kinds: PointTable, stretches: bool = False) -> Words | None:
    """The words of strings.

    Args:
      strings: a contiguous vector.
      kinds: of code points, as uint8.
      stretches: True if a word followed by white space of several bytes ends one byte before the end of that.

    Returns:
      The words; None if a string is malformed.
    """
    count = len(strings)
    _, most = sizes_of(strings)
    begins, ends = np.empty(most, np.int64), np.empty(most, np.int64)
    splits = np.zeros(count + 1, np.int64)

    def work(state: np.ndarray) -> int:
        return _functions().words(
            strings, count, kinds.values, int(stretches), state, begins, ends, splits
        )

    state = run(work, kinds)
    if state is None:
        return None
    written = state[WRITTEN]
    return Words(begins[:written].copy(), ends[:written].copy(), splits)


def parts_of(strings: np.ndarray, words: Words) -> np.ndarray:
    """The words of strings as bytes objects."""
    parts = np.empty(len(words.begins), object)
    _functions().parts(strings, words.splits, len(strings), words.begins, words.ends, parts)
    return parts


def make(f: Fn, address: Val, size: Val, into: Val, at: Val) -> None:
    """Stores a new bytes object in an array of objects."""
    put(f, f.call("PyBytes_FromStringAndSize", address, size, ret=PTR), into, at)


def put(f: Fn, item: Val, into: Val, at: Val) -> None:
    """Stores an object in an array of objects, which takes over its reference."""
    # NumPy fills a new array of objects with None, to each of which it holds a reference.
    f.call("Py_DecRef", f.load(into, at, PTR))
    f.store(item, into, at)


def stop(f: Fn, report: int, string: Val, written: Val, point: Val | None = None) -> None:
    """Writes a state."""
    f.store(f.i64(report), f.state, REPORT)
    f.store(string, f.state, STRING)
    f.store(written, f.state, WRITTEN)
    if point is not None:
        f.store(point, f.state, POINT)


def _emit_sizes(m: Module) -> None:
    with m.fn("sizes", ret=I64, internal=True, strings=PTR, number=I64, found=PTR) as f:

        def one(i: Val, total: Val) -> tuple[Val]:
            _, size = utf8.string(f, f.strings, i)
            f.store(size, f.found, i)
            return (total + size,)

        (total,) = f.loop(f.i64(0), f.number, 1, one, f.i64(0))
        f.give(total)


def _emit_words(m: Module) -> None:
    """Writes where the words of strings begin and end, up to a string that Python has to look at."""
    arguments: Any = dict(
        strings=PTR, number=I64, kinds=PTR, stretches=I64, state=PTR, begins=PTR, ends=PTR,
        splits=PTR,
    )  # fmt: skip
    with m.fn("words", ret=I64, internal=True, **arguments) as f:
        f.store(f.i64(DONE), f.state, REPORT)
        row, written, stopped = f.loop_while(
            lambda row, written, stopped: (row < f.number) & stopped.eq(0),
            lambda row, written, _: _words_of_string(f, row, written),
            f.load(f.state, STRING, I64), f.load(f.state, WRITTEN, I64), f.i64(0),
        )  # fmt: skip
        f.when(stopped.eq(0), lambda: stop(f, DONE, row, written))
        f.give(f.i64(0))


def _words_of_string(f: Any, row: Val, written: Val) -> tuple[Val, ...]:
    """Writes a string's words after `written` others: the next string, the words written, and 1 if it stopped."""
    data, size = utf8.string(f, f.strings, row)

    def step(at: Val, count: Val, kind: Val, stopped: Val) -> tuple[Val, ...]:
        point, taken = utf8.character(f, data, at)

        def stopping(report: int, *more: Val) -> Callable[[], tuple[Val, ...]]:
            def give_up() -> tuple[Val, ...]:
                stop(f, report, row, written, *more)
                return at, count, kind, f.i64(1)

            return give_up

        def known(own: Val) -> tuple[Val, ...]:
            # Characters that stand apart are words of their own even next to each other.
            begins = own.ne(kind) | own.eq(APART)
            (following,) = f.when(
                begins,
                lambda: (_change_of_kind(f, at, taken, count, kind, own),),
                lambda: (count,),
            )
            return at + taken, following, own, f.i64(0)

        def well_formed() -> tuple[Val, ...]:
            own = f.convert(f.load(f.kinds, point, I8), I64, signed=False)
            return f.when(own.eq(0), stopping(EMPTY, point), lambda: known(own))

        return f.when(point < 0, stopping(MALFORMED), well_formed)

    _, count, kind, stopped = f.loop_while(
        lambda at, count, kind, stopped: (at < size) & stopped.eq(0),
        step, f.i64(0), written, f.i64(0), f.i64(0),
    )  # fmt: skip

    def ended() -> tuple[Val, ...]:
        is_open = kind.ne(SPACE) & kind.ne(0)
        f.when(is_open, lambda: f.store(size, f.ends, count - 1))
        f.store(count, f.splits, row + 1)
        return row + 1, count, f.i64(0)

    return f.when(stopped.eq(0), ended, lambda: (row, written, f.i64(1)))


def _change_of_kind(f: Any, at: Val, taken: Val, count: Val, kind: Val, own: Val) -> Val:
    """Ends a word and begins the next where a character's kind, `own`, is not the last one's; returns the number of words."""
    is_space = own.eq(SPACE)
    # All but the last byte of wide white space then belongs to the word.
    far = at + f.select(is_space & f.stretches.ne(0), taken - 1, f.i64(0))
    ends_word = kind.ne(SPACE) & kind.ne(0)
    # A word that is open has the last number.
    f.when(ends_word, lambda: f.store(far, f.ends, count - 1))
    f.when(own.ne(SPACE), lambda: f.store(at, f.begins, count))
    return f.select(is_space, count, count + 1)


def _emit_parts(m: Module) -> None:
    arguments: Any = dict(strings=PTR, splits=PTR, number=I64, begins=PTR, ends=PTR, into=PTR)
    with m.fn("parts", ret=I64, internal=True, **arguments) as f:

        def string(row: Val) -> None:
            data, _ = utf8.string(f, f.strings, row)

            def word(at: Val) -> None:
                begin, end = f.load(f.begins, at, I64), f.load(f.ends, at, I64)
                make(f, f.at(data, begin), end - begin, f.into, at)

            f.loop(f.load(f.splits, row, I64), f.load(f.splits, row + 1, I64), 1, word)

        f.loop(f.i64(0), f.number, 1, string)
        f.give(f.i64(0))
