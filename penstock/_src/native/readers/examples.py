"""Reads serialized tf.train.Examples: the positions of the values of each feature, and the values themselves.

`examples()` returns the functions. They read the form that every writer of Examples produces; for other forms (a repeated feature, unknown
fields, damage) `scan` reports it, and the caller reads such examples by other means.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I32, I64, PTR
from ..language.value import Val
from . import wire

# Kinds of a feature's values, in the first word of its entry in the table; 0 for a missing feature.
BYTES, FLOATS, INTS, EMPTY, SINGLE_FLOATS, SINGLE_INTS = 1, 2, 3, 4, 5, 6
# Words of an entry: kind, start and end in the data, number of values.
ENTRY = 4
SINGLE_FLOAT = 5  # bytes of a float with its tag


class ExampleReader(NamedTuple):
    """Builtins over the bytes of examples and int64 arrays.

    scan    (data, row ends [rows + 1], rows, names, name ends [keys + 1], keys, table [rows, keys, ENTRY]) -> rows that are well-formed
            before the first that is not
    floats  (data, table, keys, key, rows, size, values, places [rows]) -> 0, or an error code. Writes the values of a feature: if
            `size` is not negative each row has that many, one after the other; else each row's values start at its entry of `places`.
    ints    the same
    texts   the same; the values are objects
    """

    scan: Callable[..., int]
    floats: Callable[..., int]
    ints: Callable[..., int]
    texts: Callable[..., int]


# Errors of a column, as bits: a malformed number; another type; another size; a row without the feature.
MALFORMED, OTHER_KIND, OTHER_SIZE, MISSING = 1, 2, 4, 8


@compiled(ExampleReader)
def examples(m: Module) -> None:
    """The functions, compiled."""
    emit(m)
    _emit_scan(m)
    py.emit_entry(m, "scan", "banbana")


def emit(m: Module) -> None:
    """Adds `find`, `feature` and `row`, and the builtins `floats`, `ints` and `texts`, to a module."""
    wire.emit(m)
    _emit_find(m)
    _emit_feature(m)
    _emit_row(m)
    _emit_fill(m, "floats", (FLOATS, SINGLE_FLOATS), _float_values)
    _emit_fill(m, "ints", (INTS, SINGLE_INTS), _int_values)
    _emit_fill(m, "texts", (BYTES,), _text_values)
    for name in ("floats", "ints", "texts"):
        py.emit_entry(m, name, "bannnnaa", holds_gil=name == "texts")


# -- where the values are


def _emit_find(m: Module) -> None:
    """The number of a key, or -1; `guess` is tried first, since examples have their features in one order."""
    arguments: Any = dict(names=PTR, ends=PTR, keys=I64, needle=PTR, size=I64, guess=I64)
    with m.fn("find", ret=I64, internal=True, **arguments) as f:

        def searching(tried: Val, known: Val) -> Val:
            return (tried < f.keys) & (known < 0)

        def step(tried: Val, known: Val) -> tuple[Val, ...]:
            key = (f.guess + tried) % f.keys
            start = f.load(f.ends, key, I64)
            # Sizes first: they tell most names apart without reading them.
            same_size = (f.load(f.ends, key + 1, I64) - start).eq(f.size)

            def compared() -> tuple[Val, ...]:
                order = f.call("memcmp", f.at(f.names, start), f.needle, f.size, ret=I32)
                return (f.select(order.eq(0), key, f.i64(-1)),)

            return tried + 1, *f.when(same_size, compared, lambda: (f.i64(-1),))

        _, number = f.loop_while(searching, step, f.i64(0), f.i64(-1))
        f.give(number)


def _emit_feature(m: Module) -> None:
    """Emit the filling of a feature's entry. The message reaches from the cursor to the end."""
    with m.fn("feature", internal=True, data=PTR, cursor=PTR, end=I64, record=PTR) as f:
        wire.require(f, f.cursor, f.load(f.record, 0, I64).eq(0))

        def describe(kind: int, start: Val, count: Val) -> None:
            for word, value in enumerate((f.i64(kind), start, f.end, count)):
                f.store(value, f.record, word)

        def filled() -> None:
            tag = wire.varint(f, f.data, f.cursor, f.end)
            wire.require(f, f.cursor, wire.length(f, f.data, f.cursor, f.end).eq(f.end))
            _by_tag(
                f,
                tag,
                {
                    wire.BYTES_1: lambda: describe(BYTES, *wire.messages(f)),
                    wire.BYTES_2: lambda: _numbers(f, describe, _packed_floats, _single_floats),
                    wire.BYTES_3: lambda: _numbers(f, describe, _packed_ints, _single_ints),
                },
            )

        is_empty = f.load(f.cursor, 0, I64).eq(f.end)
        f.when(is_empty, lambda: describe(EMPTY, f.end, f.i64(0)), filled)


def _by_tag(f: Fn, tag: Val, cases: dict[int, Callable[[], None]]) -> None:
    """Runs the case of a tag; of no other is anything known."""
    if not cases:
        return wire.require(f, f.cursor, f.const(0, "i1"))
    (first, case), *others = cases.items()
    f.when(tag.eq(first), case, lambda: _by_tag(f, tag, dict(others)))
    return None


def _numbers(f: Fn, describe: Callable, packed: Callable, single: Callable) -> None:
    """Describes a list of numbers: packed into one field, or each a field of its own."""
    start = f.load(f.cursor, 0, I64)

    def some() -> None:
        tag = wire.varint(f, f.data, f.cursor, f.end)

        def together() -> None:
            wire.require(f, f.cursor, wire.length(f, f.data, f.cursor, f.end).eq(f.end))
            packed(f, describe)

        f.when(tag.eq(wire.BYTES_1), together, lambda: single(f, describe, start))

    f.when(start < f.end, some, lambda: packed(f, describe))


def _packed_floats(f: Fn, describe: Callable) -> None:
    start = f.load(f.cursor, 0, I64)
    wire.require(f, f.cursor, ((f.end - start) & 3).eq(0))
    describe(FLOATS, start, (f.end - start) >> 2)


def _single_floats(f: Fn, describe: Callable, start: Val) -> None:
    size = f.end - start
    wire.require(f, f.cursor, (size % SINGLE_FLOAT).eq(0))

    def has_tag(i: Val, right: Val) -> tuple[Val, ...]:
        tag = f.load(f.data, start + i, I8)
        return (f.select(tag.eq(wire.FIXED32_1), right, f.i64(0)),)

    whole = size // SINGLE_FLOAT * SINGLE_FLOAT
    (right,) = f.loop(f.i64(0), whole, SINGLE_FLOAT, has_tag, f.i64(1))
    wire.require(f, f.cursor, right.eq(1))
    describe(SINGLE_FLOATS, start, size // SINGLE_FLOAT)


def _packed_ints(f: Fn, describe: Callable) -> None:
    start = f.load(f.cursor, 0, I64)

    def ends_here(i: Val, count: Val) -> tuple[Val, ...]:
        # The last byte of a varint has no upper bit: these bytes are as many as the numbers.
        return (count + f.convert(f.load(f.data, i, I8) >= 0, I64),)

    (count,) = f.loop(start, f.end, 1, ends_here, f.i64(0))
    describe(INTS, start, count)


def _single_ints(f: Fn, describe: Callable, start: Val) -> None:
    f.store(start, f.cursor)

    def step(count: Val) -> tuple[Val, ...]:
        wire.require(f, f.cursor, wire.varint(f, f.data, f.cursor, f.end).eq(wire.VARINT_1))
        wire.varint(f, f.data, f.cursor, f.end)
        return (count + 1,)

    (count,) = f.loop_while(lambda _: f.load(f.cursor, 0, I64) < f.end, step, f.i64(0))
    describe(SINGLE_INTS, start, count)


def _emit_row(m: Module) -> None:
    """Fills the entries of an example; 1 if it is well-formed."""
    arguments: Any = dict(data=PTR, begin=I64, end=I64, names=PTR, ends=PTR, keys=I64, records=PTR)
    with m.fn("row", ret=I64, internal=True, **arguments) as f:
        cursor = f.alloca(I64)
        f.store(f.begin, cursor)

        def message(tag: int, end: Val) -> Val:
            wire.require(f, cursor, wire.varint(f, f.data, cursor, end).eq(tag))
            return wire.length(f, f.data, cursor, end)

        def entry(guess: Val) -> tuple[Val, ...]:
            end = message(wire.BYTES_1, f.end)
            key_end = message(wire.BYTES_1, end)
            start = f.load(cursor, 0, I64)
            f.store(key_end, cursor)
            wire.require(f, cursor, message(wire.BYTES_2, end).eq(end))
            needle = f.at(f.data, start)
            key = f.call("find", f.names, f.ends, f.keys, needle, key_end - start, guess, ret=I64)

            def wanted() -> tuple[Val, ...]:
                f.call("feature", f.data, cursor, end, f.at(f.records, key * ENTRY, I64))
                return (key + 1,)

            (following,) = f.when(key >= 0, wanted, lambda: (guess,))
            is_bad = f.load(cursor, 0, I64).eq(wire.BAD)
            # An entry that is not wanted is skipped as a whole, without looking into it.
            f.store(f.select(is_bad, f.i64(wire.BAD), end), cursor)
            return (following,)

        def features() -> None:
            wire.require(f, cursor, message(wire.BYTES_1, f.end).eq(f.end))
            f.loop_while(lambda _: f.load(cursor, 0, I64) < f.end, entry, f.i64(0))

        f.when(f.begin < f.end, features)
        f.give(f.convert(f.load(cursor, 0, I64).eq(f.end), I64))


def _emit_scan(m: Module) -> None:
    arguments: Any = dict(data=PTR, bounds=PTR, rows=I64, names=PTR, ends=PTR, keys=I64, table=PTR)
    with m.fn("scan", ret=I64, internal=True, **arguments) as f:

        def step(row: Val, good: Val) -> tuple[Val, ...]:
            begin, end = f.load(f.bounds, row, I64), f.load(f.bounds, row + 1, I64)
            records = f.at(f.table, row * f.keys * ENTRY, I64)
            good = f.call("row", f.data, begin, end, f.names, f.ends, f.keys, records, ret=I64)
            return row + good, good

        row, _ = f.loop_while(
            lambda row, good: (row < f.rows) & good.ne(0), step, f.i64(0), f.i64(1)
        )
        f.give(row)


# -- the values


def _emit_fill(m: Module, name: str, kinds: tuple[int, ...], fill: Callable[..., None]) -> None:
    """Writes the values of a feature in all rows; see ExampleReader."""
    arguments: Any = dict(
        data=PTR, table=PTR, keys=I64, key=I64, rows=I64, size=I64, values=PTR, places=PTR
    )
    with m.fn(name, ret=I64, internal=True, noalias=False, **arguments) as f:
        cursor = f.alloca(I64)

        def row(i: Val, matters: Val) -> tuple[Val, ...]:
            record = f.at(f.table, (i * f.keys + f.key) * ENTRY, I64)
            kind, start, end, count = (f.load(record, word, I64) for word in range(ENTRY))
            is_known = functools.reduce(lambda a, b: a | b, [kind.eq(each) for each in kinds])
            is_missing = kind.eq(0) | kind.eq(EMPTY)
            is_sized = (f.size < 0) | count.eq(f.size)

            def read() -> tuple[Val, ...]:
                (place,) = f.when(
                    f.size < 0, lambda: (f.load(f.places, i, I64),), lambda: (i * f.size,)
                )
                f.store(start, cursor)
                fill(f, kind, cursor, end, count, place)
                is_malformed = f.load(cursor, 0, I64).eq(wire.BAD)
                return (f.select(is_malformed, f.i64(MALFORMED), f.i64(0)),)

            def refused() -> tuple[Val, ...]:
                matter = f.select(is_known, f.i64(OTHER_SIZE), f.i64(OTHER_KIND))
                return (f.select(is_missing, f.i64(MISSING), matter),)

            (matter,) = f.when(is_known & is_sized, read, refused)
            return (matters | matter,)

        (errors,) = f.loop(f.i64(0), f.rows, 1, row, f.i64(0))
        f.give(errors)


def _float_values(f: Fn, kind: Val, cursor: Val, end: Val, count: Val, place: Val) -> None:
    start, values = f.load(cursor, 0, I64), f.at(f.values, place, "float")

    def single(i: Val) -> None:
        # Floats in a message are not aligned.
        f.memcpy(f.at(values, i, "float"), f.at(f.data, start + i * SINGLE_FLOAT + 1), 4)

    f.when(kind.eq(FLOATS), lambda: f.memcpy(values, f.at(f.data, start), count * 4))
    f.when(kind.eq(SINGLE_FLOATS), lambda: f.loop(f.i64(0), count, 1, single) or None)


def _int_values(f: Fn, kind: Val, cursor: Val, end: Val, count: Val, place: Val) -> None:
    def value(i: Val) -> None:
        f.store(wire.varint(f, f.data, cursor, end), f.values, place + i)

    def single(i: Val) -> None:
        wire.varint(f, f.data, cursor, end)
        value(i)

    f.when(kind.eq(INTS), lambda: f.loop(f.i64(0), count, 1, value) or None)
    f.when(kind.eq(SINGLE_INTS), lambda: f.loop(f.i64(0), count, 1, single) or None)
    # A last number that is cut off was not counted.
    wire.require(f, cursor, f.load(cursor, 0, I64).eq(end))


def _text_values(f: Fn, _: Val, cursor: Val, end: Val, count: Val, place: Val) -> None:
    def value(i: Val) -> None:
        wire.varint(f, f.data, cursor, end)
        stop = wire.length(f, f.data, cursor, end)
        start = f.load(cursor, 0, I64)
        string = f.call("PyBytes_FromStringAndSize", f.at(f.data, start), stop - start, ret=PTR)
        # The array of objects contains a reference already.
        f.call("Py_DecRef", f.load(f.values, place + i, PTR))
        f.store(string, f.values, place + i)
        f.store(stop, cursor)

    f.loop(f.i64(0), count, 1, value)
