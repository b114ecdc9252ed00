"""Reads serialized tf.train.SequenceExamples: the features of their context as those of Examples, and lists of features by step.

`sequences()` gives the functions. As for Examples, any form but that of all writers is left to the caller.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.module import Module
from ..language.types import I64, PTR
from ..language.value import Val
from . import examples, wire
from .examples import ENTRY

# Words of a list: True if it exists, its start and end in the data, number of steps.
LIST = 4


class SequenceReader(NamedTuple):
    """Builtins over the bytes of sequence examples and int64 arrays.

    scan  (data, row ends [rows + 1], rows, names, name ends [keys + 1], keys, table [rows, keys, ENTRY], the same for lists: names, name
          ends, keys, table [rows, keys, LIST]) -> rows that are well-formed before the first that is not
    steps (data, lists, keys, key, rows, table [steps, 1, ENTRY]) -> number of steps, less if one is malformed; fills the entries of the
          steps of a list, one row's after the other's
    floats, ints and texts are those of ExampleReader
    """

    scan: Callable[..., int]
    steps: Callable[..., int]
    floats: Callable[..., int]
    ints: Callable[..., int]
    texts: Callable[..., int]


@compiled(SequenceReader)
def sequences(m: Module) -> None:
    """The functions, compiled."""
    examples.emit(m)
    _emit_list(m)
    _emit_lists(m)
    _emit_scan(m)
    _emit_steps(m)
    py.emit_entry(m, "scan", "banbanabana")
    py.emit_entry(m, "steps", "bannna")


def _emit_list(m: Module) -> None:
    """Emit the description of a list of features. The message reaches from the cursor to the end."""
    with m.fn("feature_list", internal=True, data=PTR, cursor=PTR, end=I64, described=PTR) as f:
        wire.require(f, f.cursor, f.load(f.described, 0, I64).eq(0))
        start, count = wire.messages(f)
        for word, value in enumerate((f.i64(1), start, f.end, count)):
            f.store(value, f.described, word)


def _emit_lists(m: Module) -> None:
    """Describes the lists of features in a message from the cursor to the end."""
    arguments: Any = dict(data=PTR, cursor=PTR, end=I64, names=PTR, ends=PTR, keys=I64, entries=PTR)
    with m.fn("feature_lists", internal=True, **arguments) as f:

        def message(tag: int, end: Val) -> Val:
            wire.require(f, f.cursor, wire.varint(f, f.data, f.cursor, end).eq(tag))
            return wire.length(f, f.data, f.cursor, end)

        def entry(guess: Val) -> tuple[Val, ...]:
            end = message(wire.BYTES_1, f.end)
            key_end = message(wire.BYTES_1, end)
            start = f.load(f.cursor, 0, I64)
            f.store(key_end, f.cursor)
            wire.require(f, f.cursor, message(wire.BYTES_2, end).eq(end))
            needle = f.at(f.data, start)
            key = f.call("find", f.names, f.ends, f.keys, needle, key_end - start, guess, ret=I64)

            def wanted() -> tuple[Val, ...]:
                place = f.at(f.entries, key * LIST, I64)
                f.call("feature_list", f.data, f.cursor, end, place)
                # Writers mostly keep one order of keys: the following one is tried first.
                return (key + 1,)

            (following,) = f.when(key >= 0, wanted, lambda: (guess,))
            is_bad = f.load(f.cursor, 0, I64).eq(wire.BAD)
            # After a feature that was not read, the next entry begins where this one's length says.
            f.store(f.select(is_bad, f.i64(wire.BAD), end), f.cursor)
            return (following,)

        f.loop_while(lambda _: f.load(f.cursor, 0, I64) < f.end, entry, f.i64(0))


def _emit_scan(m: Module) -> None:
    arguments: Any = dict(
        data=PTR, bounds=PTR, rows=I64, names=PTR, ends=PTR, keys=I64, table=PTR,
        list_names=PTR, list_ends=PTR, list_keys=I64, lists=PTR,
    )  # fmt: skip
    with m.fn("scan", ret=I64, internal=True, **arguments) as f:
        cursor = f.alloca(I64)

        def step(row: Val, _: Val) -> tuple[Val, ...]:
            begin, end = f.load(f.bounds, row, I64), f.load(f.bounds, row + 1, I64)
            records = f.at(f.table, row * f.keys * ENTRY, I64)
            entries = f.at(f.lists, row * f.list_keys * LIST, I64)
            # The context with its tag is an Example.
            middle = _tagged(f, cursor, begin, end, wire.BYTES_1)
            # BAD is beyond any end, so that the following comparison fails.
            middle = f.select(f.load(cursor, 0, I64).eq(wire.BAD), f.i64(wire.BAD), middle)

            def context() -> tuple[Val, ...]:
                asked = f.names, f.ends, f.keys, records
                return (f.call("row", f.data, begin, middle, *asked, ret=I64),)

            (good,) = f.when(middle <= end, context, lambda: (f.i64(0),))
            last = _tagged(f, cursor, f.min(middle, end), end, wire.BYTES_2)
            wire.require(f, cursor, last.eq(end))

            def rest() -> None:
                asked = f.list_names, f.list_ends, f.list_keys, entries
                f.call("feature_lists", f.data, cursor, end, *asked)

            f.when(f.load(cursor, 0, I64) < end, rest)
            good = good & f.convert(f.load(cursor, 0, I64).eq(end), I64)
            return row + good, good

        row, _ = f.loop_while(
            lambda row, good: (row < f.rows) & good.ne(0), step, f.i64(0), f.i64(1)
        )
        f.give(row)


def _tagged(f: Any, cursor: Val, at: Val, end: Val, tag: int) -> Val:
    """The end of a message with this tag, or its beginning if another is there."""
    f.store(at, cursor)

    def is_there() -> tuple[Val, ...]:
        return (wire.varint(f, f.data, cursor, end).eq(tag),)

    (is_tag,) = f.when(at < end, is_there, lambda: (f.const(0, "i1"),))
    return f.when(is_tag, lambda: (wire.length(f, f.data, cursor, end),), lambda: (at,))[0]


def _emit_steps(m: Module) -> None:
    arguments: Any = dict(data=PTR, lists=PTR, keys=I64, key=I64, rows=I64, table=PTR)
    with m.fn("steps", ret=I64, internal=True, **arguments) as f:
        cursor = f.alloca(I64)

        def row(i: Val, total: Val) -> tuple[Val, ...]:
            entry = f.at(f.lists, (i * f.keys + f.key) * LIST, I64)
            start, end, count = (f.load(entry, word, I64) for word in range(1, LIST))
            f.store(start, cursor)

            def step(number: Val, good: Val) -> tuple[Val, ...]:
                wire.varint(f, f.data, cursor, end)
                stop = wire.length(f, f.data, cursor, end)
                record = f.at(f.table, (total + number) * ENTRY, I64)
                f.call("feature", f.data, cursor, stop, record)
                is_bad = f.load(cursor, 0, I64).eq(wire.BAD)
                f.store(f.select(is_bad, f.i64(wire.BAD), stop), cursor)
                return (good + f.convert(~is_bad, I64),)

            (good,) = f.loop(f.i64(0), count, 1, step, f.i64(0))
            return (total + good,)

        (total,) = f.loop(f.i64(0), f.rows, 1, row, f.i64(0))
        f.give(total)
