"""Cuts arrays of strings into pieces: at a separator, or at runs of white space."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I32, I64, PTR
from ..language.value import Val


class Splitter(NamedTuple):
    """Builtins over arrays of bytes objects; the separator is white space if its size is 0.

    count (strings, number, separator, its size, counts [number]) -> the total number of pieces; writes those of each string
    split (strings, number, separator, its size, pieces, places [pieces, 2]) -> the same; writes the pieces in order of
          strings, and for each piece the string's number and its number within the string
    """

    count: Callable[..., int]
    split: Callable[..., int]


@compiled(Splitter)
def splitter(m: Module) -> None:
    """The functions, compiled."""
    _emit_next(m)
    _emit_skip(m)
    _emit_all(m, "count", makes=False)
    _emit_all(m, "split", makes=True)
    py.emit_entry(m, "count", "anbna", holds_gil=True)
    py.emit_entry(m, "split", "anbnaa", holds_gil=True)


def _byte(f: Fn, at: Any) -> Val:
    """A byte; at the end of a string it is the zero that follows every Python bytes object."""
    return f.load(f.data, at, I8)


def _is_space(byte: Val) -> Val:
    return byte.eq(32) | ((byte >= 9) & (byte <= 13))


def _past(f: Fn, at: Val, spaces: bool) -> Val:
    """The first position, starting at `at`, that is not white space, or that is."""

    def inside(place: Val) -> Val:
        is_space = _is_space(_byte(f, place))
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
            may_be = _byte(f, at).eq(first)
            (is_here,) = f.when(may_be, compared, lambda: (f.i64(0),))
            return at + f.select(is_here.ne(0), f.i64(0), f.i64(1)), is_here

        def by_separator() -> tuple[Val, ...]:
            at, is_found = f.loop_while(
                lambda at, is_end: (at <= f.end - f.size) & is_end.eq(0), other, f.begin, f.i64(0)
            )
            return (f.select(is_found.ne(0), at, f.end),)

        (stop,) = f.when(f.size.eq(0), lambda: (_past(f, f.begin, False),), by_separator)
        f.give(stop)


def _make(f: Fn, data: Val, begin: Val, stop: Val, count: Val) -> None:
    string = f.call("PyBytes_FromStringAndSize", f.at(data, begin), stop - begin, ret=PTR)
    # The array of objects contains a reference already.
    f.call("Py_DecRef", f.load(f.into, count, PTR))
    f.store(string, f.into, count)


def _emit_all(m: Module, name: str, makes: bool) -> None:
    arguments: Any = dict(strings=PTR, number=I64, separator=PTR, size=I64, into=PTR)
    if makes:
        arguments["places"] = PTR
    with m.fn(name, ret=I64, internal=True, **arguments) as f:

        def string(row: Val, before: Val) -> tuple[Val, ...]:
            item = f.load(f.strings, row, PTR)
            data, end = py.bytes_parts(f, item)

            def skipped(at: Val) -> Val:
                return f.call("skip", data, at, end, f.size, ret=I64)

            def piece(at: Val, count: Val, _: Val) -> tuple[Val, ...]:
                stop = f.call("piece_end", data, at, end, f.separator, f.size, ret=I64)
                if makes:
                    _make(f, data, at, stop, count)
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


def _emit_skip(m: Module) -> None:
    """The position after white space, if that separates pieces."""
    with m.fn("skip", ret=I64, internal=True, data=PTR, begin=I64, end=I64, size=I64) as f:
        (at,) = f.when(f.size.eq(0), lambda: (_past(f, f.begin, True),), lambda: (f.begin,))
        f.give(at)
