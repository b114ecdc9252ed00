"""Replaces characters of strings by bytes of a table."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I8, I32, I64, PTR
from ...language.value import Val
from . import utf8
from .table import DONE, EMPTY, MALFORMED, REPORT, STRING, PointTable, run
from .words import put, sizes_of, stop

# Entries of a table: STAY keeps a character; LEFT leaves the string to the caller. Other entries are the offset of the new bytes in the pool and, in the lowest bits, their number.
STAYS, LEFT = 1, 2
_SIZE_BITS = 8
_MOST_BYTES = (1 << _SIZE_BITS) - 1
_ROOM = 1 << 16
_ASCII = 0x80
_HIGH_BITS = -0x7F7F7F7F7F7F7F80  # of the eight bytes of a word


class _Functions(NamedTuple):
    """Builtins.

    replace (strings, number, entries, pool, True if ASCII characters stay, state, new strings) -> 0; the string itself if unchanged, and None if it is left to the caller
    origins (strings, number, entries, splits [number + 1], offsets) -> 0; writes the source byte of each new byte, and of the end of a string
    """

    replace: Callable[..., int]
    origins: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    utf8.emit_longer(m)
    _emit_rewritten(m)
    _emit_replace(m)
    _emit_origins(m)
    py.emit_entry(m, "replace", "anaanaa", holds_gil=True)
    py.emit_entry(m, "origins", "anaaa", holds_gil=True)


class Replacements:
    """The replacements of characters of strings.

    Args:
      computed: returns the new bytes for each code point of a range; None if it stays; LEFT if native code does not handle strings with it.
    """

    def __init__(self, computed: Callable[[range], Iterable[bytes | int | None]]) -> None:
        self._computed = computed
        # The first bytes are not used, so that no entry is STAYS or LEFT.
        self._pool, self._used = np.zeros(_ROOM, np.uint8), 1
        self._places: dict[bytes, int] = {}
        self._table = PointTable(self._entries, np.int32)

    def _entries(self, points: range) -> list[int]:
        return [
            STAYS if new is None else new if isinstance(new, int) else self._entry(new)
            for new in self._computed(points)
        ]

    def _keeps_ascii(self) -> int:
        # Not known, thus no, until a text has asked for these entries.
        return int((self._table.values[:_ASCII] == STAYS).all())

    def _entry(self, new: bytes) -> int:
        # An entry has few bits for the size; such strings go the long way.
        if len(new) > _MOST_BYTES:
            return LEFT
        place = self._places.get(new)
        if place is None:
            place = self._places[new] = self._used
            self._used += len(new)
            if self._used > len(self._pool):
                # Doubled: the total copying stays linear in the pool's final size.
                self._pool = np.append(self._pool, np.zeros_like(self._pool))
            self._pool[place : self._used] = np.frombuffer(new, np.uint8)
        return place << _SIZE_BITS | len(new)

    def replaced(self, strings: np.ndarray) -> np.ndarray | None:
        """The strings with characters replaced, None for those left to the caller; None instead of all if one is malformed."""
        strings = np.ascontiguousarray(strings)
        results = np.empty(len(strings), object)

        def work(state: np.ndarray) -> int:
            return _functions().replace(
                strings, len(strings), self._table.values, self._pool, self._keeps_ascii(), state,
                results,
            )  # fmt: skip

        return results if run(work, self._table) is not None else None

    def origins(self, strings: np.ndarray, replaced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The origin of each byte of replaced strings.

        Args:
          strings: a vector.
          replaced: their replaced forms, none of them None.

        Returns:
          Of each new byte, and of the end of each string, the byte of the string that it comes from; those of a character that changes come from its first. And the row splits of these.
        """
        strings = np.ascontiguousarray(strings)
        sizes, _ = sizes_of(replaced)
        splits = np.zeros(len(strings) + 1, np.int64)
        np.cumsum(sizes + 1, out=splits[1:])
        offsets = np.empty(splits[-1], np.int64)
        _functions().origins(strings, len(strings), self._table.values, splits, offsets)
        return offsets, splits


def _emit_rewritten(m: Module) -> None:
    """`rewritten` (data, size, new size, entries, pool) -> a new bytes object."""
    arguments: Any = dict(data=PTR, size=I64, new_size=I64, entries=PTR, pool=PTR)
    with m.fn("rewritten", ret=PTR, internal=True, **arguments) as f:
        string = f.call("PyBytes_FromStringAndSize", f.const(0, PTR), f.new_size, ret=PTR)
        out = f.call("PyBytes_AsString", string, ret=PTR)

        def copy(at: Val, end: Val) -> tuple[Val, ...]:
            point, taken = utf8.character(f, f.data, at)
            entry = f.convert(f.load(f.entries, point, I32), I64)

            def copied(source: Val, first: Val, count: Val) -> tuple[Val]:
                def one(k: Val) -> None:
                    f.store(f.load(source, first + k, I8), out, end + k)

                f.loop(f.i64(0), count, 1, one)
                return (end + count,)

            (following,) = f.when(
                entry.eq(STAYS),
                lambda: copied(f.data, at, taken),
                lambda: copied(f.pool, entry >> _SIZE_BITS, entry & _MOST_BYTES),
            )
            return at + taken, following

        f.loop_while(lambda at, _: at < f.size, copy, f.i64(0), f.i64(0))
        f.give(string)


def _emit_replace(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, entries=PTR, pool=PTR, keeps_ascii=I64, state=PTR, into=PTR
    )
    with m.fn("replace", ret=I64, internal=True, **arguments) as f:
        f.store(f.i64(DONE), f.state, REPORT)
        f.loop_while(
            lambda row, goes_on: (row < f.number) & goes_on.ne(0),
            lambda row, _: _replace_string(f, row), f.load(f.state, STRING, I64), f.i64(1),
        )  # fmt: skip
        f.give(f.i64(0))


def _replace_string(f: Fn, row: Val) -> tuple[Val, ...]:
    """Replaces one string; returns the next row, and 0 if the caller has to be asked before."""
    item = f.load(f.strings, row, PTR)
    data, size = utf8.string(f, f.strings, row)
    first = _leading_ascii(f, data, size)
    _, new_size, changes, goes_on = f.loop_while(
        lambda at, new_size, changes, goes_on: (at < size) & goes_on.ne(0),
        lambda *state: _measure_character(f, row, data, *state), first, first, f.i64(0), f.i64(1),
    )  # fmt: skip

    def rewrite() -> None:
        new_text = f.call("rewritten", data, size, new_size, f.entries, f.pool, ret=PTR)
        put(f, new_text, f.into, row)

    def same() -> None:
        f.call("Py_IncRef", item)
        put(f, item, f.into, row)

    def finished() -> tuple[Val, ...]:
        f.when(changes.eq(0), same, lambda: f.when(changes.eq(1), rewrite))  # the rest is None
        return row + 1, f.i64(1)

    has_stopped = goes_on.eq(0) & changes.ne(LEFT)
    return f.when(has_stopped, lambda: (row, f.i64(0)), finished)


def _leading_ascii(f: Fn, data: Val, size: Val) -> Val:
    """The size of the leading words of eight ASCII bytes, if ASCII characters stay."""
    # Bytes objects hold their bytes at an aligned address.
    words = f.select(f.keeps_ascii.ne(0), size >> 3, f.i64(0))

    def skip(word: Val, _: Val) -> tuple[Val, ...]:
        stays = f.convert((f.load(data, word, I64) & _HIGH_BITS).eq(0), I64, signed=False)
        return word + stays, stays

    kept, _ = f.loop_while(
        lambda word, stays: (word < words) & stays.ne(0), skip, f.i64(0), f.i64(1)
    )
    return kept << 3


def _measure_character(
    f: Fn, row: Val, data: Val, at: Val, new_size: Val, changes: Val, _goes_on: Val
) -> tuple[Val, ...]:
    """Adds a character to the size of the new string.

    Returns the next character's offset; the size; 0 without changes so far, 1 with changes, LEFT if the string is the caller's; and 1 if the string goes on.
    """
    point, taken = utf8.character(f, data, at)

    def ended(report: int) -> Callable[[], tuple[Val, ...]]:
        def write() -> tuple[Val, ...]:
            stop(f, report, row, f.i64(0), point)
            return at, new_size, changes, f.i64(0)

        return write

    def known(entry: Val) -> tuple[Val, ...]:
        stays, is_left = entry.eq(STAYS), entry.eq(LEFT)
        more = f.select(stays, taken, entry & _MOST_BYTES)
        what = f.select(is_left, f.i64(LEFT), f.select(stays, changes, f.i64(1)))
        return at + taken, new_size + more, what, f.convert(~is_left, I64, signed=False)

    def well_formed() -> tuple[Val, ...]:
        entry = f.convert(f.load(f.entries, point, I32), I64)
        return f.when(entry.eq(0), ended(EMPTY), lambda: known(entry))

    return f.when(point < 0, ended(MALFORMED), well_formed)


def _emit_origins(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, entries=PTR, splits=PTR, into=PTR)
    with m.fn("origins", ret=I64, internal=True, **arguments) as f:

        def string(row: Val) -> None:
            data, size = utf8.string(f, f.strings, row)

            def character(at: Val, end: Val) -> tuple[Val, ...]:
                point, taken = utf8.character(f, data, at)
                entry = f.convert(f.load(f.entries, point, I32), I64)
                stays = entry.eq(STAYS)
                count = f.select(stays, taken, entry & _MOST_BYTES)

                def one(k: Val) -> None:
                    f.store(at + f.select(stays, k, f.i64(0)), f.into, end + k)

                f.loop(f.i64(0), count, 1, one)
                return at + taken, end + count

            _, end = f.loop_while(
                lambda at, _: at < size, character, f.i64(0), f.load(f.splits, row, I64)
            )
            f.store(size, f.into, end)

        f.loop(f.i64(0), f.number, 1, string)
        f.give(f.i64(0))
