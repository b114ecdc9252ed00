"""Reads comma-separated values: the positions of the fields of each record, and the numbers and strings in them.

`csv()` returns the functions. They handle well-formed records; at any other record `lines` and `records` stop. Fields that `integers`, `floats` and
`texts` cannot read are marked, so that the caller reads them by other means.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F64, I8, I64, PTR
from ..language.value import Val
from . import decimals, rows

# Modes, as bits: fields may be enclosed in quotes; line breaks end records; nothing follows the data; records may have more fields.
QUOTES, LINES, LAST, LONGER = 1, 2, 4, 8
# Why `lines` stopped, if not for `rows.FULL`: a record is malformed; a record goes on after the data.
MALFORMED, CUT = 1, 2
ENTRY = 2  # words for a field: where it starts and ends; the end is inverted if quotes in it are doubled

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13
_MORE, _DONE, _WRONG, _OPEN = 0, 1, 2, 3  # states while a record is read


class CsvReader(NamedTuple):
    """Builtins over the bytes of records and int64 arrays.

    lines    (data, begin, end, mode, delimiter, kept [width], width, columns, table [most, columns, ENTRY], most, ends [2]) -> number
             of records read; writes where the next begins, and why it stopped. `kept` has the column of each field, or -1
    records  (data, bounds [rows + 1], rows, mode, delimiter, kept, width, columns, table) -> records read before the first malformed one
    integers (data, table, columns, column, rows, missing, its size, has a default, default [1], bounds [2], values, marks) -> number of
             marks: the rows that are not an integer within the bounds
    floats   the same without bounds; the values are doubles
    texts    (data, table, columns, column, rows, missing, its size, has a default, values, marks) -> number of marks
    """

    lines: Callable[..., int]
    records: Callable[..., int]
    integers: Callable[..., int]
    floats: Callable[..., int]
    texts: Callable[..., int]


@compiled(CsvReader)
def csv(m: Module) -> None:
    """The functions, compiled."""
    decimals.emit(m)
    _emit_enclosed(m)
    _emit_record(m)
    _emit_lines(m)
    _emit_records(m)
    _emit_integers(m)
    _emit_floats(m)
    _emit_texts(m)
    py.emit_entry(m, "lines", "bnnnnannana")
    py.emit_entry(m, "records", "bannnanna")
    py.emit_entry(m, "integers", "bannnbnnaaaa")
    py.emit_entry(m, "floats", "bannnbnnaaa")
    py.emit_entry(m, "texts", "bannnbnnaa", holds_gil=True)


def _is(f: Fn, mode: int) -> Val:
    return (f.mode & mode).ne(0)


def _byte(f: Fn, at: Any) -> Val:
    """A byte of the data; at the end it is the zero that follows every Python bytes object."""
    return f.load(f.data, at, I8)


# -- where the fields are


def _emit_enclosed(m: Module) -> None:
    """Emit the search for the quote that closes a field: its position, inverted if it contains doubled quotes; the end if there is none."""
    with m.fn("enclosed", ret=I64, internal=True, data=PTR, begin=I64, end=I64) as f:

        def step(at: Val, doubled: Val, _: Val) -> tuple[Val, ...]:
            is_quote = _byte(f, at).eq(_QUOTE)
            # The byte after the data may be read: there are more data, or Python's zero.
            is_pair = is_quote & _byte(f, at + 1).eq(_QUOTE) & (at + 1 < f.end)
            following = f.select(is_pair, at + 2, at + 1)
            closes = is_quote & ~is_pair
            return (
                f.select(closes, at, following),
                doubled | f.convert(is_pair, I64),
                f.convert(closes, I64),
            )

        at, doubled, closed = f.loop_while(
            lambda at, _, closed: closed.eq(0) & (at < f.end), step, f.begin, f.i64(0), f.i64(0)
        )
        f.give(f.select(closed.eq(0), f.end, f.select(doubled.ne(0), ~at, at)))


def _emit_record(m: Module) -> None:
    """Fills the entries of a record; where the next one begins, or ~MALFORMED or ~CUT."""
    arguments: Any = dict(
        data=PTR, begin=I64, end=I64, mode=I64, delimiter=I8, kept=PTR, width=I64, entries=PTR
    )
    with m.fn("record", ret=I64, internal=True, **arguments) as f:
        quotes, lines, last = _is(f, QUOTES), _is(f, LINES), _is(f, LAST)

        def field(at: Val, column: Val, _: Val) -> tuple[Val, ...]:
            is_enclosed = quotes & (at < f.end) & _byte(f, at).eq(_QUOTE)
            start, stop, after, read = f.when(
                is_enclosed, lambda: _enclosed_field(f, at), lambda: _plain_field(f, at, quotes)
            )

            def keep() -> None:
                place = f.load(f.kept, column, I64) * ENTRY

                def store() -> None:
                    f.store(start, f.entries, place)
                    f.store(stop, f.entries, place + 1)

                f.when(place >= 0, store)

            f.when(column < f.width, keep)
            byte, at_end = _byte(f, after), after >= f.end
            is_delimiter = byte.eq(f.delimiter) & ~at_end
            is_return = byte.eq(_RETURN) & ~at_end
            is_break = lines & (is_return | (byte.eq(_NEWLINE) & ~at_end))
            is_pair = is_return & (after + 1 < f.end) & _byte(f, after + 1).eq(_NEWLINE)
            # A line feed may follow a carriage return at the end.
            is_cut = lines & ~last & (at_end | (is_return & (after + 1 >= f.end)))
            done = f.select(at_end | is_break, f.i64(_DONE), f.i64(_WRONG))
            state = f.select(is_delimiter, f.i64(_MORE), done)
            # An open quote at the end of all data is an error; else it is a cut, below.
            state = f.select(read.eq(_OPEN), f.i64(_WRONG), state)
            state = f.select(is_cut, f.i64(_OPEN), state)
            step = f.select(at_end, f.i64(0), f.select(is_pair, f.i64(2), f.i64(1)))
            return after + step, column + 1, state

        at, count, state = f.loop_while(
            lambda _, __, state: state.eq(_MORE), field, f.begin, f.i64(0), f.i64(_MORE)
        )
        is_sized = count.eq(f.width) | (_is(f, LONGER) & (count >= f.width))
        stopped = f.select(state.eq(_OPEN), f.i64(~CUT), f.i64(~MALFORMED))
        f.give(f.select(state.eq(_DONE) & is_sized, at, stopped))


def _enclosed_field(f: Any, at: Val) -> tuple[Val, ...]:
    """Reads a field in quotes: where its text begins and ends, the position after it, and if it is closed."""
    stop = f.call("enclosed", f.data, at + 1, f.end, ret=I64)
    place = f.select(stop < 0, ~stop, stop)
    state = f.select(place.eq(f.end), f.i64(_OPEN), f.i64(_DONE))
    return at + 1, stop, f.min(place + 1, f.end), state


def _plain_field(f: Any, at: Val, quotes: Val) -> tuple[Val, ...]:
    """Reads a field without quotes, as `_enclosed_field` does."""

    def inside(place: Val) -> Val:
        byte = _byte(f, place)
        breaks = byte.eq(_NEWLINE) | byte.eq(_RETURN)
        stops = byte.eq(f.delimiter) | breaks | (quotes & byte.eq(_QUOTE))
        return (place < f.end) & ~stops

    (stop,) = f.loop_while(inside, lambda place: (place + 1,), at)
    return at, stop, stop, f.i64(_DONE)


def _emit_lines(m: Module) -> None:
    arguments: Any = dict(
        data=PTR, begin=I64, end=I64, mode=I64, delimiter=I64, kept=PTR, width=I64, columns=I64,
        table=PTR, most=I64, ends=PTR,
    )  # fmt: skip
    with m.fn("lines", ret=I64, internal=True, **arguments) as f:
        delimiter = f.convert(f.delimiter, I8)

        def step(row: Val, at: Val, _: Val) -> tuple[Val, ...]:
            entries = f.at(f.table, row * f.columns * ENTRY, I64)
            arguments = f.data, at, f.end, f.mode, delimiter, f.kept, f.width, entries
            following = f.call("record", *arguments, ret=I64)
            is_read = following >= 0
            return (
                row + f.convert(is_read, I64),
                f.select(is_read, following, at),
                f.select(is_read, f.i64(rows.FULL), ~following),
            )

        f.give(rows.fill(f, step))


def _emit_records(m: Module) -> None:
    arguments: Any = dict(
        data=PTR, bounds=PTR, rows=I64, mode=I64, delimiter=I64, kept=PTR, width=I64, columns=I64,
        table=PTR,
    )  # fmt: skip
    with m.fn("records", ret=I64, internal=True, **arguments) as f:
        delimiter = f.convert(f.delimiter, I8)

        def step(row: Val, _: Val) -> tuple[Val, ...]:
            begin, end = f.load(f.bounds, row, I64), f.load(f.bounds, row + 1, I64)
            entries = f.at(f.table, row * f.columns * ENTRY, I64)
            arguments = f.data, begin, end, f.mode, delimiter, f.kept, f.width, entries
            following = f.call("record", *arguments, ret=I64)
            # An empty record has no field, not an empty one.
            good = f.convert((following >= 0) & (begin < end), I64)
            return row + good, good

        row, _ = f.loop_while(
            lambda row, good: (row < f.rows) & good.ne(0), step, f.i64(0), f.i64(1)
        )
        f.give(row)


# -- elements


class _Field(NamedTuple):
    row: Val
    start: Val
    stop: Val
    is_plain: Val  # no quotes are doubled
    is_missing: Val


def _each_field(f: Fn, read: Callable[[_Field], Val]) -> Val:
    """Calls `read` with the field of a column in every row; marks those for which it is false, and gives their number."""

    def row(i: Val, count: Val) -> tuple[Val, ...]:
        entry = (i * f.columns + f.column) * ENTRY
        start, stop = f.load(f.table, entry, I64), f.load(f.table, entry + 1, I64)

        def compared() -> tuple[Val, ...]:
            here = f.at(f.data, start)
            return (f.call("memcmp", here, f.missing, f.size, ret="i32").eq(0),)

        (is_named,) = f.when((stop - start).eq(f.size), compared, lambda: (f.const(0, "i1"),))
        field = _Field(i, start, stop, stop >= 0, is_named | stop.eq(start))
        is_read = read(field)
        f.store(i, f.marks, count)
        return (count + f.convert(~is_read, I64),)

    (count,) = f.loop(f.i64(0), f.rows, 1, row, f.i64(0))
    return count


_COLUMN: Any = dict(
    data=PTR, table=PTR, columns=I64, column=I64, rows=I64, missing=PTR, size=I64, defaulted=I64
)


def _number(f: Fn, kind: str, read: Callable[[_Field], tuple[Val, Val]]) -> Val:
    """Fills the values of a column of numbers from `read`, which returns a number and True if it is valid."""

    def value(field: _Field) -> Val:
        def default() -> tuple[Val, ...]:
            return f.load(f.default, 0, kind), f.defaulted.ne(0)

        number, is_read = f.when(field.is_missing, default, lambda: read(field))
        f.store(number, f.values, field.row)
        return is_read & field.is_plain

    return _each_field(f, value)


def _emit_integers(m: Module) -> None:
    rest: Any = dict(default=PTR, bounds=PTR, values=PTR, marks=PTR)
    with m.fn("integers", ret=I64, internal=True, **_COLUMN, **rest) as f:
        valid = f.alloca(I64)

        def read(field: _Field) -> tuple[Val, Val]:
            stop = f.max(field.stop, field.start)
            value = f.call("integer", f.data, field.start, stop, valid, ret=I64)
            low, high = f.load(f.bounds, 0, I64), f.load(f.bounds, 1, I64)
            is_valid = f.load(valid, 0, I64).ne(0) & (value >= low) & (value <= high)
            return value, is_valid

        f.give(_number(f, I64, read))


def _emit_floats(m: Module) -> None:
    rest: Any = dict(default=PTR, values=PTR, marks=PTR)
    with m.fn("floats", ret=I64, internal=True, **_COLUMN, **rest) as f:
        valid = f.alloca(I64)

        def read(field: _Field) -> tuple[Val, Val]:
            stop = f.max(field.stop, field.start)
            value = f.call("decimal", f.data, field.start, stop, valid, ret=F64)
            return value, f.load(valid, 0, I64).ne(0)

        f.give(_number(f, F64, read))


def _emit_texts(m: Module) -> None:
    with m.fn("texts", ret=I64, internal=True, **_COLUMN, values=PTR, marks=PTR) as f:

        def value(field: _Field) -> Val:
            def make() -> None:
                size = field.stop - field.start
                string = f.call(
                    "PyBytes_FromStringAndSize", f.at(f.data, field.start), size, ret=PTR
                )
                # The array of objects contains a reference already.
                f.call("Py_DecRef", f.load(f.values, field.row, PTR))
                f.store(string, f.values, field.row)

            f.when(field.is_plain & ~field.is_missing, make)
            # A missing value keeps the default, with which the caller has filled the array.
            return field.is_plain & (~field.is_missing | f.defaulted.ne(0))

        f.give(_each_field(f, value))
