"""Automata over the bytes of strings: matches replaced, whole strings matched, and strings cut at matches."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .... import python_calls as py
from ....builtins import compiled
from ....language.function import Fn
from ....language.module import Module
from ....language.types import I8, I32, I64, PTR
from ....language.value import Val
from .. import utf8
from ..words import Words, put, sizes_of
from . import captures

# Searching goes on from each byte for as long as a match is possible. A string for which that takes more steps than these, for each of its bytes and in addition, is left to the caller.
_STEPS_PER_BYTE, _MORE_STEPS = 16, 4_000
_NONE, _LEFT = -1, -2
# Words of the state of a search: the begin of the match, and the steps that are left.
_BEGIN, _STEPS = range(2)
_TABLES: dict[str, str] = dict(classes=PTR, firsts=PTR, kinds=PTR, starts=PTR, delta=PTR, end=I64)
_BEGIN_KIND = 1


class Automaton(NamedTuple):
    """Tables of a deterministic automaton.

    Attributes:
      classes: uint8 [256], the column of each byte.
      firsts: uint8 [256], 0 for bytes before which no match begins.
      kinds: uint8 [256], of each byte, as the byte before a position; 1 is the kind of the begin of a text.
      starts: int32 [4], the row in which a match begins after a byte of a kind.
      delta: int32 [rows, classes + 1], the following row after a byte of a class (0 if no match is possible), doubled, plus 1 if a match ends before the byte; the last column is for the end of
        the text. Rows are given by the index of their first entry.
    """

    classes: np.ndarray
    firsts: np.ndarray
    kinds: np.ndarray
    starts: np.ndarray
    delta: np.ndarray

    def arguments(self) -> tuple[Any, ...]:
        """Arguments that builtins take."""
        return *self, int(self.classes[-1]) + 1


class _Functions(NamedTuple):
    """Builtins. "tables" are six arguments.

    longest (strings, number) -> the size of the longest one
    replace (strings, number, tables, tables of groups, True if everywhere, pool, its parts, groups, number of parts, scratch, new strings) -> the number of strings left to the caller, for which it
    writes None; the string itself if unchanged
    full (strings, number, tables, results) -> 0; writes 1 for strings that match as a whole, else 0
    split (strings, number, tables, tables of kept delimiters, begins, ends, splits [number + 1]) -> 0, or -1 if a string is left to the caller
    """

    longest: Callable[..., int]
    replace: Callable[..., int]
    full: Callable[..., int]
    split: Callable[..., int]


@compiled(_Functions)
def _functions(m: Module) -> None:
    utf8.emit_longer(m, has_surrogates=True)
    _emit_find(m)
    _emit_is_full(m)
    _emit_spans(m)
    captures.emit_captured(m)
    _emit_rewritten(m)
    _emit_longest(m)
    _emit_grouped(m)
    _emit_replace(m)
    _emit_full(m)
    _emit_split(m)
    py.emit_entry(m, "longest", "an", holds_gil=True)
    py.emit_entry(m, "replace", "an" + "aaaaan" + captures.PARAMETERS + "naaanaa", holds_gil=True)
    py.emit_entry(m, "full", "an" + "aaaaan" + "a", holds_gil=True)
    py.emit_entry(m, "split", "an" + "aaaaan" * 2 + "aaa", holds_gil=True)


class Rewrite:
    """Replacement of a match.

    Args:
      texts: between which groups stand.
      groups: their numbers; the match is group 0.
    """

    def __init__(self, texts: Sequence[bytes], groups: Sequence[int]) -> None:
        self._pool = np.frombuffer(b"".join(texts) or b"\0", np.uint8)
        self._parts = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        self._groups = np.array([*groups, 0], np.int64)
        self._arguments = self._pool, self._parts, self._groups, len(texts)

    def replaced(
        self,
        strings: np.ndarray,
        automaton: Automaton,
        everywhere: bool,
        program: captures.Program = captures.NO_PROGRAM,
    ) -> tuple[np.ndarray, int]:
        """The strings with the first match of each, or all of them, replaced.

        Args:
          strings: a vector.
          automaton: of the preferred match from a position on.
          everywhere: whether all matches are replaced.
          program: that finds groups, if the rewrite has any.

        Returns:
          The new strings, None for those left to the caller, and the number of these.
        """
        strings = np.ascontiguousarray(strings)
        results = np.empty(len(strings), object)
        functions = _functions()
        # A match for each byte and one at the end.
        # Two words for each match, of which the longest string can have one more than bytes.
        scratch = np.empty(2 * functions.longest(strings, len(strings)) + 2, np.int64)
        return results, functions.replace(
            strings, len(strings), *automaton.arguments(), *program.arguments(),
            int(everywhere), *self._arguments, scratch, results,
        )  # fmt: skip


def matched(strings: np.ndarray, automaton: Automaton) -> np.ndarray:
    """True for each string of a vector that an automaton of whole texts matches."""
    strings = np.ascontiguousarray(strings)
    results = np.empty(len(strings), bool)
    _functions().full(strings, len(strings), *automaton.arguments(), results)
    return results


def split(strings: np.ndarray, delimiter: Automaton, kept: Automaton) -> Words | None:
    """The parts of strings between matches, and matches that are kept. What follows a match is a text of its own.

    Args:
      strings: a vector.
      delimiter: of the preferred match from a position on; matches without bytes cut nothing.
      kept: of the whole texts of delimiters that are parts, too.

    Returns:
      The parts; None if that takes too many steps.
    """
    strings = np.ascontiguousarray(strings)
    _, most = sizes_of(strings)
    begins, ends = np.empty(most, np.int64), np.empty(most, np.int64)
    splits = np.zeros(len(strings) + 1, np.int64)
    is_left = _functions().split(
        strings, len(strings), *delimiter.arguments(), *kept.arguments(), begins, ends, splits
    )
    if is_left:
        return None
    return Words(begins[: splits[-1]].copy(), ends[: splits[-1]].copy(), splits)


def _tables(f: Fn, prefix: str = "") -> list[Val]:
    return [getattr(f, prefix + name) for name in _TABLES]


def _column(f: Fn, data: Val, at: Val) -> Val:
    return f.convert(f.load(f.classes, utf8.byte(f, data, at), I8), I64, signed=False)


def _entry(f: Fn, index: Val) -> Val:
    return f.convert(f.load(f.delta, index, I32), I64)


def _emit_find(m: Module) -> None:
    """`find` (data, size, position, begin of the text, state, tables) -> the end of the first match from the position on, _NONE or _LEFT."""
    arguments: Any = dict(data=PTR, size=I64, place=I64, origin=I64, state=PTR, **_TABLES)
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def start(at: Val) -> Val:
            # The byte before decides which anchors hold here (begin of the text, word boundaries).
            before = utf8.byte(f, f.data, f.max(at - 1, f.i64(0)))
            kind = f.convert(f.load(f.kinds, before, I8), I64, signed=False)
            kind = f.select(at.eq(f.origin), f.i64(_BEGIN_KIND), kind)
            return f.convert(f.load(f.starts, kind, I32), I64)

        def take(at: Val, row: Val, end: Val) -> tuple[Val, ...]:
            # The lowest bit says that a match may end before this byte: `at` is then its end.
            entry = _entry(f, row + _column(f, f.data, at))
            return at + 1, entry >> 1, f.select((entry & 1).ne(0), at, end)

        def attempt(place: Val, _: Val, steps: Val) -> tuple[Val, ...]:
            (at,) = f.loop_while(
                # Most bytes begin no match: each is skipped by one look, which no step counts.
                lambda at: (at < f.size) & f.load(f.firsts, utf8.byte(f, f.data, at), I8).eq(0),
                lambda at: (at + 1,), place,
            )  # fmt: skip
            behind, row, end = f.loop_while(
                lambda behind, row, _: (behind < f.size) & row.ne(0),
                take, at, start(at), f.i64(_NONE),
            )  # fmt: skip
            # Row 0 has no matches.
            is_end = (_entry(f, row + f.end) & 1).ne(0)
            end = f.select(is_end, f.size, end)
            f.store(at, f.state, _BEGIN)
            # Bytes looked at before the match fails are looked at again from the next byte on.
            return at + 1, end, steps - (behind - at)

        _, end, steps = f.loop_while(
            lambda at, end, steps: (at <= f.size) & (end < 0) & (steps > 0),
            attempt, f.place, f.i64(_NONE), f.load(f.state, _STEPS, I64),
        )  # fmt: skip
        f.store(steps, f.state, _STEPS)
        f.give(f.select((end < 0) & (steps <= 0), f.i64(_LEFT), end))


def _emit_is_full(m: Module) -> None:
    """`is_full` (data, size, tables) -> 1 if the automaton matches all bytes, else 0."""
    arguments: Any = dict(data=PTR, size=I64, **_TABLES)
    with m.fn("is_full", ret=I64, internal=True, **arguments) as f:

        def take(at: Val, row: Val) -> tuple[Val, ...]:
            return at + 1, _entry(f, row + _column(f, f.data, at)) >> 1

        _, row = f.loop_while(
            lambda at, row: (at < f.size) & row.ne(0),
            take, f.i64(0), f.convert(f.load(f.starts, _BEGIN_KIND, I32), I64),
        )  # fmt: skip
        f.give(_entry(f, row + f.end) & 1)


def _emit_spans(m: Module) -> None:
    """`spans` (data, size, True if everywhere, spans, tables) -> the number of matches, or _LEFT; writes the begin and the end of each."""
    arguments: Any = dict(data=PTR, size=I64, everywhere=I64, into=PTR, **_TABLES)
    with m.fn("spans", ret=I64, internal=True, **arguments) as f:
        state = f.alloca(I64, 2)
        f.store(f.size * _STEPS_PER_BYTE + _MORE_STEPS, state, _STEPS)

        def one(at: Val, last: Val, count: Val, _: Val) -> tuple[Val, ...]:
            end = f.call("find", f.data, f.size, at, f.i64(0), state, *_tables(f), ret=I64)
            begin = f.load(state, _BEGIN, I64)

            def skip() -> tuple[Val, ...]:
                # A whole character further: an empty match must not cut one apart.
                _, taken = utf8.character(f, f.data, at)
                return at + taken, last, count, f.i64(1)

            def keep() -> tuple[Val, ...]:
                f.store(begin, f.into, count * 2)
                f.store(end, f.into, count * 2 + 1)
                return end, end, count + 1, f.everywhere

            def found() -> tuple[Val, ...]:
                # No empty match where one has just ended.
                return f.when(begin.eq(last) & end.eq(last), skip, keep)

            def ended() -> tuple[Val, ...]:
                return at, last, f.select(end.eq(_LEFT), end, count), f.i64(0)

            return f.when(end >= 0, found, ended)

        _, _, count, _ = f.loop_while(
            lambda at, last, count, goes_on: (at <= f.size) & goes_on.ne(0),
            one, f.i64(0), f.i64(-1), f.i64(0), f.i64(1),
        )  # fmt: skip
        f.give(count)


def _emit_rewritten(m: Module) -> None:
    """`rewritten` (data, size, slots of the matches, number of these, matches, pool, parts, groups, number of parts) -> a new bytes object."""
    arguments: Any = dict(data=PTR, size=I64, spans=PTR, slots=I64, count=I64, pool=PTR, parts=PTR, groups=PTR, number=I64)  # fmt: skip
    with m.fn("rewritten", ret=PTR, internal=True, **arguments) as f:

        def span(i: Val, group: Val) -> tuple[Val, Val]:
            at = i * f.slots + group * 2
            return f.load(f.spans, at, I64), f.load(f.spans, at + 1, I64)

        def size_of(i: Val, group: Val) -> Val:
            begin, end = span(i, group)
            return end - begin

        def grown(i: Val, total: Val) -> tuple[Val]:
            (total,) = f.loop(
                f.i64(1), f.number, 1,
                lambda k, total: (total + size_of(i, f.load(f.groups, k - 1, I64)),), total,
            )  # fmt: skip
            return (total - size_of(i, f.i64(0)),)

        added = f.load(f.parts, f.number, I64) * f.count
        (total,) = f.loop(f.i64(0), f.count, 1, grown, f.size + added)
        text = f.call("PyBytes_FromStringAndSize", f.const(0, PTR), total, ret=PTR)
        out = f.call("PyBytes_AsString", text, ret=PTR)

        def copied(source: Val, first: Val, last: Val, to: Val) -> Val:
            f.memcpy(f.at(out, to), f.at(source, first), last - first)
            return to + (last - first)

        def part(i: Val, to: Val) -> Val:
            return copied(f.pool, f.load(f.parts, i, I64), f.load(f.parts, i + 1, I64), to)

        def one(i: Val, at: Val, to: Val) -> tuple[Val, ...]:
            begin, end = span(i, f.i64(0))
            to = part(f.i64(0), copied(f.data, at, begin, to))

            def group(k: Val, to: Val) -> tuple[Val]:
                return (part(k, copied(f.data, *span(i, f.load(f.groups, k - 1, I64)), to)),)

            (to,) = f.loop(f.i64(1), f.number, 1, group, to)
            return end, to

        at, to = f.loop(f.i64(0), f.count, 1, one, f.i64(0), f.i64(0))
        copied(f.data, at, f.size, to)
        f.give(text)


def _emit_longest(m: Module) -> None:
    with m.fn("longest", ret=I64, internal=True, strings=PTR, rows=I64) as f:

        def one(row: Val, most: Val) -> tuple[Val]:
            _, size = utf8.string(f, f.strings, row)
            return (f.max(most, size),)

        (most,) = f.loop(f.i64(0), f.rows, 1, one, f.i64(0))
        f.give(most)


def _emit_grouped(m: Module) -> None:
    """`grouped` (data, size, spans, their number, state, TABLES) -> the slots of all matches, to be freed; null if a match is left to the caller."""
    arguments: Any = dict(data=PTR, size=I64, spans=PTR, count=I64, state=PTR, **captures.TABLES)
    with m.fn("grouped", ret=PTR, internal=True, noalias=False, **arguments) as f:
        memory = f.call("malloc", f.count * f.slots * 8, ret=PTR)

        def one(i: Val, _: Val) -> tuple[Val, ...]:
            found = f.call(
                "captured", f.data, f.size, f.load(f.spans, i * 2, I64),
                f.load(f.spans, i * 2 + 1, I64), f.state, f.at(memory, i * f.slots, I64),
                *(getattr(f, name) for name in captures.TABLES), ret=I64,
            )  # fmt: skip
            return i + 1, found

        is_there = f.convert(~f.is_null(memory), I64, signed=False)
        _, found = f.loop_while(
            lambda i, found: (i < f.count) & found.ne(0), one, f.i64(0), is_there
        )

        def dropped() -> tuple[Val]:
            f.call("free", memory)
            return (f.const(0, PTR),)

        (memory,) = f.when(found.eq(0), dropped, lambda: (memory,))
        f.give(memory)


def _emit_replace(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, rows=I64, **_TABLES, **captures.TABLES, everywhere=I64, pool=PTR, parts=PTR,
        groups=PTR, number=I64, scratch=PTR, into=PTR,
    )  # fmt: skip
    with m.fn("replace", ret=I64, internal=True, **arguments) as f:
        state = f.alloca(I64, captures.STATE_WORDS)
        f.store(f.i64(0), state, captures.MEMORY)
        f.store(f.i64(0), state, captures.ROOM)

        def one(row: Val, left: Val) -> tuple[Val]:
            item = f.load(f.strings, row, PTR)
            data, size = utf8.string(f, f.strings, row)
            count = f.call("spans", data, size, f.everywhere, f.scratch, *_tables(f), ret=I64)

            def same() -> tuple[Val]:
                f.call("Py_IncRef", item)
                put(f, item, f.into, row)
                return (f.i64(0),)

            def rewrite(spans: Val, slots: Val) -> tuple[Val]:
                options = f.pool, f.parts, f.groups, f.number
                text = f.call("rewritten", data, size, spans, slots, count, *options, ret=PTR)
                put(f, text, f.into, row)
                return (f.i64(0),)

            def with_groups() -> tuple[Val]:
                tables = [getattr(f, name) for name in captures.TABLES]
                found = f.call("grouped", data, size, f.scratch, count, state, *tables, ret=PTR)

                def known() -> tuple[Val]:
                    (zero,) = rewrite(found, f.slots)
                    f.call("free", found)
                    return (zero,)

                return f.when(f.is_null(found), lambda: (f.i64(1),), known)  # type: ignore[return-value]

            def changed() -> tuple[Val]:
                return f.when(
                    f.instructions.eq(0), lambda: rewrite(f.scratch, f.i64(2)), with_groups
                )  # type: ignore[return-value]

            def some() -> tuple[Val]:
                return f.when(count > 0, changed, lambda: (f.i64(1),))  # type: ignore[return-value]

            (is_left,) = f.when(count.eq(0), same, some)
            return (left + is_left,)

        (left,) = f.loop(f.i64(0), f.rows, 1, one, f.i64(0))
        f.call("free", f.load(state, captures.MEMORY, PTR))
        f.give(left)


def _emit_full(m: Module) -> None:
    arguments: Any = dict(strings=PTR, rows=I64, **_TABLES, into=PTR)
    with m.fn("full", ret=I64, internal=True, **arguments) as f:

        def one(row: Val) -> None:
            data, size = utf8.string(f, f.strings, row)
            is_match = f.call("is_full", data, size, *_tables(f), ret=I64)
            f.store(f.convert(is_match, I8), f.into, row)

        f.loop(f.i64(0), f.rows, 1, one)
        f.give(f.i64(0))


def _emit_split(m: Module) -> None:
    kept: Any = {f"kept_{name}": kind for name, kind in _TABLES.items()}
    arguments: Any = dict(
        strings=PTR, rows=I64, **_TABLES, **kept, begins=PTR, ends=PTR, splits=PTR
    )
    with m.fn("split", ret=I64, internal=True, **arguments) as f:
        state = f.alloca(I64, 2)

        def string(row: Val, first: Val, _: Val) -> tuple[Val, ...]:
            data, size = utf8.string(f, f.strings, row)
            f.store(size * _STEPS_PER_BYTE + _MORE_STEPS, state, _STEPS)

            def piece(at: Val, place: Val, count: Val, _: Val) -> tuple[Val, ...]:
                end = f.call("find", data, size, place, at, state, *_tables(f), ret=I64)
                begin = f.load(state, _BEGIN, I64)

                def cut() -> tuple[Val, ...]:
                    (between,) = f.when(
                        begin > at, lambda: _add_piece(f, count, at, begin), lambda: (count,)
                    )
                    is_kept = f.call(
                        "is_full", f.at(data, begin), end - begin, *_tables(f, "kept_"), ret=I64
                    )
                    (behind,) = f.when(
                        is_kept.ne(0),
                        lambda: _add_piece(f, between, begin, end),
                        lambda: (between,),
                    )
                    return end, end, behind, f.i64(0)

                def found() -> tuple[Val, ...]:
                    # Nothing is cut by an empty match.
                    return f.when(end > begin, cut, lambda: (at, end + 1, count, f.i64(0)))

                return f.when(end >= 0, found, lambda: (at, size + 1, count, end))

            at, _, count, end = f.loop_while(
                lambda at, place, count, end: place <= size,
                piece, f.i64(0), f.i64(0), first, f.i64(0),
            )  # fmt: skip
            (count,) = f.when(at < size, lambda: _add_piece(f, count, at, size), lambda: (count,))
            f.store(count, f.splits, row + 1)
            return row + 1, count, f.convert(end.eq(_LEFT), I64, signed=False)

        _, _, is_left = f.loop_while(
            lambda row, count, is_left: (row < f.rows) & is_left.eq(0),
            string, f.i64(0), f.i64(0), f.i64(0),
        )  # fmt: skip
        f.give(is_left)


def _add_piece(f: Fn, count: Val, begin: Val, end: Val) -> tuple[Val]:
    """Writes where a piece begins and ends; returns the number of pieces."""
    f.store(begin, f.begins, count)
    f.store(end, f.ends, count)
    return (count + 1,)
