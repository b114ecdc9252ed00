"""Reads record files (TFRecord): finds and checks the records in a part of a file, and cuts strings out of bytes.

`util/files/records.py` describes the format.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I32, I64, PTR
from ..language.value import Val
from . import checksum, rows

# Why `scan` stopped, if not for `rows.FULL`: a record goes on after the data; a checksum is wrong, of a length or of a record.
CUT, WRONG_LENGTH, WRONG_DATA = 1, 2, 3
HEADER, FOOTER = 12, 4  # bytes before and after a record


class RecordReader(NamedTuple):
    """Builtins over bytes and int64 arrays.

    scan (data, begin, end, most, table [most, 2], ends [2]) -> number of records; writes the start and end of each, the start of the
         next frame, and the reason for stopping
    cut  (data, table [rows, 2], rows, values) -> rows; writes the bytes between the two positions of each row as objects
    """

    scan: Callable[..., int]
    cut: Callable[..., int]


def record_reader() -> RecordReader | None:
    """The functions, compiled; None if the CPU lacks the instruction for the checksum."""
    return _record_reader() if checksum.is_native_here() else None


@compiled(RecordReader)
def _record_reader(m: Module) -> None:
    checksum.emit(m)
    _emit_checksum(m)
    _emit_scan(m)
    _emit_cut(m)
    py.emit_entry(m, "scan", "bnnnaa")
    py.emit_entry(m, "cut", "bana", holds_gil=True)


def _word(f: Fn, at: Val, ty: str) -> Val:
    """A number at any address."""
    copy = f.alloca(I64)
    f.memcpy(copy, f.at(f.data, at), 8 if ty == I64 else 4)
    return f.convert(f.load(copy, 0, ty), I64, signed=False)


def _emit_checksum(m: Module) -> None:
    """Emit the condition that some bytes are followed by their masked checksum."""
    with m.fn("checks", ret=I64, internal=True, data=PTR, begin=I64, end=I64) as f:
        crc = f.call("crc32c", f.at(f.data, f.begin), f.end - f.begin, f.i64(0), ret=I64)
        rotated = f.binary("lshr", crc, 15) | (crc << 17)
        # Masked since the checksum of data that contain their own checksum says little.
        masked = (rotated + 0xA282EAD8) & 0xFFFFFFFF
        f.give(f.convert(masked.eq(_word(f, f.end, I32)), I64))


def _emit_scan(m: Module) -> None:
    arguments: Any = dict(data=PTR, begin=I64, end=I64, most=I64, table=PTR, ends=PTR)
    with m.fn("scan", ret=I64, internal=True, **arguments) as f:

        def checks(begin: Val, end: Val) -> Val:
            return f.call("checks", f.data, begin, end, ret=I64).ne(0)

        def framed(at: Val) -> tuple[Val, ...]:
            length = _word(f, at, I64)
            start = at + HEADER
            # Compared with the difference: the sum overflows for a length out of damaged bytes.
            fits = (length >= 0) & (length <= f.end - start - FOOTER)
            stop = f.select(fits, start + length, start)

            def record() -> tuple[Val, ...]:
                (is_right,) = f.when(
                    fits, lambda: (checks(start, stop),), lambda: (f.const(1, "i1"),)
                )
                wrong = f.select(is_right, f.i64(rows.FULL), f.i64(WRONG_DATA))
                return (f.select(fits, wrong, f.i64(CUT)),)

            # Before the length is believed: a wrong one would read as a record that goes on.
            (stopped,) = f.when(checks(at, at + 8), record, lambda: (f.i64(WRONG_LENGTH),))
            return start, stop, stopped

        def step(row: Val, at: Val, _: Val) -> tuple[Val, ...]:
            start, stop, stopped = f.when(
                f.end - at >= HEADER, lambda: framed(at), lambda: (at, at, f.i64(CUT))
            )
            f.store(start, f.table, row * 2)
            f.store(stop, f.table, row * 2 + 1)
            is_read = stopped.eq(rows.FULL)
            return (
                row + f.convert(is_read, I64),
                f.select(is_read, stop + FOOTER, at),
                stopped,
            )

        f.give(rows.fill(f, step))


def _emit_cut(m: Module) -> None:
    with m.fn("cut", ret=I64, internal=True, data=PTR, table=PTR, rows=I64, values=PTR) as f:

        def row(i: Val) -> None:
            start, stop = f.load(f.table, i * 2, I64), f.load(f.table, i * 2 + 1, I64)
            string = f.call("PyBytes_FromStringAndSize", f.at(f.data, start), stop - start, ret=PTR)
            # The array of objects contains a reference already.
            f.call("Py_DecRef", f.load(f.values, i, PTR))
            f.store(string, f.values, i)

        f.loop(f.i64(0), f.rows, 1, row)
        f.give(f.rows)
