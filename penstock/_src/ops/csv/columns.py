"""Columns of comma-separated records, read by native code."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.native.readers import csv as native
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.numbers import needs_care

# Reads the field of a row and column by other means.
ReadField = Callable[[int, int, bytes], Any]


@functools.cache
def is_available() -> bool:
    """True if native code runs on this system."""
    return runs_native_code()


class Read(NamedTuple):
    """Result of reading some lines: the positions of fields, the start of the next record, and the reason why reading stopped."""

    table: np.ndarray
    end: int
    stopped: int


class Columns:
    """The columns of records. Some fields may be left out.

    Args:
      defaults: an array for each column that is read: of its type, with the value of missing fields, or empty if there must be one.
      delimiter: a byte.
      quotes: whether quotes enclose fields.
      missing: what stands for a missing value, besides nothing.
      chosen: the numbers of the fields that are read; none means all but `dropped`.
      dropped: the numbers of the others.
    """

    def __init__(
        self,
        defaults: Sequence[np.ndarray],
        delimiter: bytes,
        quotes: bool,
        missing: bytes,
        chosen: Sequence[int] = (),
        dropped: Sequence[int] = (),
    ) -> None:
        self.defaults, self.missing, self.delimiter = defaults, missing, delimiter[0]
        self.mode = native.QUOTES * quotes
        if chosen:
            self.width = max(chosen) + 1
            self.mode |= native.LONGER
            order = list(chosen)
        else:
            self.width, order = _without(set(dropped), len(defaults))
        self.kept = np.full(self.width, -1, np.int64)
        self.kept[order] = np.arange(len(defaults))

    def lines(self, data: bytes, begin: int, last: bool, most: int) -> Read:
        """Reads up to `most` records from a position on; `last` if nothing follows the data."""
        table = np.empty((most, len(self.defaults), native.ENTRY), np.int64)
        ends = np.zeros(2, np.int64)
        mode = self.mode | native.LINES | native.LAST * last
        rows = native.csv().lines(
            data, begin, len(data), mode, self.delimiter, self.kept, self.width,
            len(self.defaults), table, most, ends,
        )  # fmt: skip
        return Read(table[:rows], int(ends[0]), int(ends[1]))

    def records(self, data: bytes, bounds: np.ndarray) -> np.ndarray | None:
        """Return the positions of fields in the records between bounds; None if a record is malformed."""
        rows = len(bounds) - 1
        table = np.empty((rows, len(self.defaults), native.ENTRY), np.int64)
        mode = self.mode | native.LAST
        read = native.csv().records(
            data,
            bounds,
            rows,
            mode,
            self.delimiter,
            self.kept,
            self.width,
            len(self.defaults),
            table,
        )
        return table if read == rows else None

    def values(self, data: bytes, table: np.ndarray, read_field: ReadField) -> list[np.ndarray]:
        """The columns; `read_field` is called with the row, column and text of each field that is read by other means."""
        return [
            self._column(data, table, column, default, read_field)
            for column, default in enumerate(self.defaults)
        ]

    def _column(
        self,
        data: bytes,
        table: np.ndarray,
        column: int,
        default: np.ndarray,
        read_field: ReadField,
    ) -> np.ndarray:
        rows, columns, _ = table.shape
        marks, kind = np.empty(rows + 1, np.int64), default.dtype
        filler = default.reshape(-1)[:1]
        place: Any = (
            data,
            table,
            columns,
            column,
            rows,
            self.missing,
            len(self.missing),
            filler.size,
        )
        if kind.kind == "O":
            values = np.full(rows, filler[0] if filler.size else b"", object)
            count = native.csv().texts(*place, values, marks)
        elif kind.kind == "i":
            wide = np.resize(filler, 1).astype(np.int64) if filler.size else np.zeros(1, np.int64)
            limits = np.array([np.iinfo(kind).min, np.iinfo(kind).max], np.int64)
            values = np.empty(rows, np.int64)
            count = native.csv().integers(*place, wide, limits, values, marks)
            values = values.astype(kind, copy=False)
        else:
            wide = filler.astype(np.float64) if filler.size else np.zeros(1, np.float64)
            values = np.empty(rows, np.float64)
            count = native.csv().floats(*place, wide, values, marks)
            if kind != np.float64:
                careful = np.flatnonzero(needs_care(values))
                marks, count = np.union1d(marks[:count], careful), -1
                with np.errstate(over="ignore"):
                    values = values.astype(kind)
        for row in marks[: None if count < 0 else count].tolist():
            values[row] = read_field(row, column, _text(data, *table[row, column].tolist()))
        return values


def _without(dropped: set[int], count: int) -> tuple[int, list[int]]:
    """Return the number of fields of a record, and the numbers of the `count` fields that are read."""
    order: list[int] = []
    width = 0
    while len(order) < count or width in dropped:
        if width not in dropped:
            order.append(width)
        width += 1
    return width, order


def _text(data: bytes, start: int, stop: int) -> bytes:
    """The text of a field; quotes in it are doubled if its end is inverted."""
    return data[start:stop] if stop >= 0 else data[start:~stop].replace(b'""', b'"')
