"""Cuts arrays of strings into pieces: at a separator, or at runs of white space."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..algorithms.texts import sharing, words
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I32, I64, PTR, vec
from ..language.types import lanes as number_of_lanes
from ..language.value import Val


class Splitter(NamedTuple):
    """Builtins over arrays of bytes objects; the separator is white space if its size is 0.

    count (strings, number, separator, its size, counts [number]) -> the total number of pieces; writes those of each string
    split (strings, number, separator, its size, pieces, places [pieces, 2]) -> the same; writes the pieces in order of
          strings, and for each piece the string's number and its number within the string
    take_bytes (strings, number, bytes objects [256], pieces, places) -> the same for pieces of one byte each
    """

    count: Callable[..., int]
    split: Callable[..., int]
    take_bytes: Callable[..., int]


@compiled(Splitter)
def splitter(m: Module) -> None:
    """The functions, compiled."""
    sharing.emit(m)
    _emit_next(m)
    _emit_skip(m)
    _emit_all(m, "count_searched", makes=False)
    _emit_count_marked(m)
    _emit_count(m)
    _emit_all(m, "split", makes=True)
    _emit_take_bytes(m)
    py.emit_entry(m, "take_bytes", "anaaa", holds_gil=True)
    py.emit_entry(m, "count", "anbna", holds_gil=True)
    py.emit_entry(m, "split", "anbnaa", holds_gil=True)


def _byte(f: Fn, data: Val, at: Any) -> Val:
    """A byte; at the end of a string it is the zero that follows every Python bytes object."""
    return f.load(data, at, I8)


def _is_space(byte: Val) -> Val:
    return byte.eq(32) | ((byte >= 9) & (byte <= 13))


def _past(f: Fn, at: Val, spaces: bool) -> Val:
    """The first position, starting at `at`, that is not white space, or that is."""

    def inside(place: Val) -> Val:
        is_space = _is_space(_byte(f, f.data, place))
        return (place < f.end) & (is_space if spaces else ~is_space)

    (position,) = f.loop_while(inside, lambda place: (place + 1,), at)
    return position


def _emit_next(m: Module) -> None:
    """The end of the piece that begins at a position: the next separator, or the end of the string."""
    arguments: Any = dict(data=PTR, begin=I64, end=I64, separator=PTR, size=I64)
    with m.fn("piece_end", ret=I64, internal=True, **arguments) as f:
        first = f.load(f.separator, 0, I8)

        def other(at: Val, is_end: Val) -> tuple[Val, ...]:
            def compared() -> tuple[Val, ...]:
                order = f.call("memcmp", f.at(f.data, at), f.separator, f.size, ret=I32)
                return (f.convert(order.eq(0), I64),)

            # One byte rules out most positions without a call.
            may_be = _byte(f, f.data, at).eq(first)
            (is_here,) = f.when(may_be, compared, lambda: (f.i64(0),))
            return at + f.select(is_here.ne(0), f.i64(0), f.i64(1)), is_here

        def by_separator() -> tuple[Val, ...]:
            at, is_found = f.loop_while(
                lambda at, is_end: (at <= f.end - f.size) & is_end.eq(0), other, f.begin, f.i64(0)
            )
            return (f.select(is_found.ne(0), at, f.end),)

        (stop,) = f.when(f.size.eq(0), lambda: (_past(f, f.begin, False),), by_separator)
        f.give(stop)


def _emit_count_marked(m: Module) -> None:
    """The number of pieces between single bytes, or runs of white space: 32 bytes are classified at once."""
    arguments: Any = dict(data=PTR, end=I64, separator=PTR, size=I64)
    with m.fn("count_marked", ret=I64, internal=True, **arguments) as f:

        def counted(begin: int, count: Val, is_mark: Callable[[Val, str], Val]) -> tuple[Val]:
            at = f.i64(begin)
            for lanes in (32, 8, 1):
                ty = vec(I8, lanes) if lanes > 1 else I8

                def step(at: Val, count: Val, lanes: int = lanes, ty: str = ty) -> tuple[Val, ...]:
                    marks = f.convert(is_mark(at, ty), I8, signed=False)
                    marks = f.reduce("add", marks) if lanes > 1 else marks
                    return at + lanes, count + f.convert(marks, I64, signed=False)

                at, count = f.loop_while(
                    lambda at, _, lanes=lanes: at + lanes <= f.end, step, at, count
                )
            return (count,)

        def words() -> tuple[Val]:
            def begins(at: Val, ty: str) -> Val:
                before, here = f.load(f.data, at - 1, ty), f.load(f.data, at, ty)
                return _is_space(before) & ~_is_space(here)

            is_first = (f.end > 0) & ~_is_space(_byte(f, f.data, f.i64(0)))
            return counted(1, f.convert(is_first, I64, signed=False), begins)

        def separated() -> tuple[Val]:
            first = f.load(f.separator, 0, I8)

            def is_separator(at: Val, ty: str) -> Val:
                here = f.load(f.data, at, ty)
                return here.eq(first if ty == I8 else f.splat(first, number_of_lanes(ty)))

            return counted(0, f.i64(1), is_separator)

        f.give(f.when(f.size.eq(0), words, separated)[0])


def _emit_count(m: Module) -> None:
    """`count`: by marks, or by a search for a separator of several bytes, which may overlap itself."""
    arguments: Any = dict(strings=PTR, number=I64, separator=PTR, size=I64, counts=PTR)
    with m.fn("count", ret=I64, internal=True, **arguments) as f:

        def marked() -> tuple[Val, ...]:
            def string(row: Val, total: Val) -> tuple[Val, ...]:
                data, end = py.bytes_parts(f, f.load(f.strings, row, PTR))
                count = f.call("count_marked", data, end, f.separator, f.size, ret=I64)
                f.store(count, f.counts, row)
                return (total + count,)

            return f.loop(f.i64(0), f.number, 1, string, f.i64(0))

        def searched() -> tuple[Val, ...]:
            more = f.strings, f.number, f.separator, f.size, f.counts
            return (f.call("count_searched", *more, ret=I64),)

        f.give(f.when(f.size <= 1, marked, searched)[0])


def _emit_all(m: Module, name: str, makes: bool) -> None:
    arguments: Any = dict(strings=PTR, number=I64, separator=PTR, size=I64, into=PTR)
    if makes:
        arguments["places"] = PTR
    with m.fn(name, ret=I64, internal=True, **arguments) as f:
        if makes:
            shared = sharing.SharedParts(f)

        def string(row: Val, before: Val) -> tuple[Val, ...]:
            item = f.load(f.strings, row, PTR)
            data, end = py.bytes_parts(f, item)

            def skipped(at: Val) -> Val:
                return f.call("skip", data, at, end, f.size, ret=I64)

            def piece(at: Val, count: Val, _: Val) -> tuple[Val, ...]:
                stop = f.call("piece_end", data, at, end, f.separator, f.size, ret=I64)
                if makes:
                    words.put(f, shared.make(f.at(data, at), stop - at), f.into, count)
                    f.store(row, f.places, 2 * count)
                    f.store(count - before, f.places, 2 * count + 1)
                following = f.select(f.size.eq(0), skipped(stop), stop + f.size)
                # An empty piece follows a separator at the end, but not white space.
                goes_on = f.select(f.size.eq(0), following, stop) < end
                return following, count + 1, f.convert(goes_on, I64)

            begin = skipped(f.i64(0))
            # As in Python, only with a separator is an empty string a piece.
            is_some = f.convert((begin < end) | f.size.ne(0), I64)
            _, count, _ = f.loop_while(
                lambda _, __, goes_on: goes_on.ne(0), piece, begin, before, is_some
            )
            if not makes:
                f.store(count - before, f.into, row)
            return (count,)

        (count,) = f.loop(f.i64(0), f.number, 1, string, f.i64(0))
        f.give(count)


def _emit_take_bytes(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, alphabet=PTR, into=PTR, places=PTR)
    with m.fn("take_bytes", ret=I64, internal=True, **arguments) as f:

        def string(row: Val, before: Val) -> tuple[Val, ...]:
            data, size = py.bytes_parts(f, f.load(f.strings, row, PTR))

            def take(at: Val) -> None:
                code = f.convert(_byte(f, data, at), I64, signed=False)
                piece, count = f.load(f.alphabet, code, PTR), before + at
                f.call("Py_IncRef", piece)
                words.put(f, piece, f.into, count)
                f.store(row, f.places, 2 * count)
                f.store(at, f.places, 2 * count + 1)

            f.loop(f.i64(0), size, 1, take)
            return (before + size,)

        f.give(f.loop(f.i64(0), f.number, 1, string, f.i64(0))[0])


def _emit_skip(m: Module) -> None:
    """The position after white space, if that separates pieces."""
    with m.fn("skip", ret=I64, internal=True, data=PTR, begin=I64, end=I64, size=I64) as f:
        (at,) = f.when(f.size.eq(0), lambda: (_past(f, f.begin, True),), lambda: (f.begin,))
        f.give(at)
