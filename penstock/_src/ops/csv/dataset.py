"""The dataset of the records of files of comma-separated values."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.typesets import INDEX
from penstock._src.core.values import memory_limit
from penstock._src.native.readers import csv as native
from penstock._src.ops.csv import columns
from penstock._src.ops.csv.records import Record, read_record, selected
from penstock._src.ops.csv.values import value_of
from penstock._src.ops.data.iteration.resume import Failure, attempt
from penstock._src.ops.data.pipeline import UnnamedDatasetOp, scalar, text
from penstock._src.ops.data.readers.blocks import Block, sliced
from penstock._src.ops.data.readers.files import FromFiles, names_of

_BYTES = 1 << 18  # read at once
_MOST_ROWS = 1 << 13  # in a block


class CSVDatasetV2(UnnamedDatasetOp):
    """The rows of files of comma-separated values, a component per column."""

    signature = """filenames: string, compression_type: string, buffer_size: int64, header: bool,
        field_delim: string, use_quote_delim: bool, na_value: string, select_cols: int64,
        record_defaults: *output_types, exclude_cols: int64 -> handle: variant"""
    ranks = {"filenames": (0, 1), "exclude_cols": (1,)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    output_types = INDEX | frozenset({dtypes.float32, dtypes.float64, dtypes.string})
    stateful = True

    def shape(self, *inputs):
        names = [argument.name for argument in self.inputs]
        for default in inputs[names.index("record_defaults")]:
            default.with_rank_at_most(1)
        return super().shape(*inputs)

    def pipeline(self, filenames, compression_type, buffer_size, header, field_delim, *rest):
        use_quotes, na_value, select, defaults, exclude = rest
        delimiter, missing = scalar(field_delim), scalar(na_value)
        chosen, dropped = select.tolist(), exclude.tolist()
        if len(delimiter) != 1:
            raise InvalidArgumentError("field_delim should be only 1 char")
        _check_columns(int(buffer_size), defaults, chosen, dropped)
        quotes = bool(use_quotes)
        form = columns.Columns(defaults, delimiter, quotes, missing, chosen, dropped)

        def read(file: Any, name: str) -> Iterator[Block | Failure]:
            return _File(file, name, form, delimiter, quotes, chosen, set(dropped)).blocks(
                bool(header)
            )

        return FromFiles(names_of(filenames), text(compression_type), read)


class _File:
    """Reads an open file in blocks."""

    def __init__(
        self,
        file: Any,
        name: str,
        form: columns.Columns,
        delimiter: bytes,
        quotes: bool,
        chosen: list[int],
        dropped: set[int],
    ) -> None:
        self.file, self.name = file, name
        self.form, self.delimiter, self.quotes = form, delimiter, quotes
        self.chosen, self.dropped = chosen, dropped
        self.data, self.at, self.last = b"", 0, False

    def blocks(self, header: bool) -> Iterator[Block | Failure]:
        """The records of the file."""
        if header:
            first = self._one()
            if first is None or any(isinstance(field, Exception) for field in first.fields):
                yield Failure(InvalidArgumentError("Can't read header of file"))
            if first is None:
                return
        while self._has_more():
            stopped = native.MALFORMED
            if columns.is_available():
                read = self.form.lines(self.data, self.at, self.last, _MOST_ROWS)
                stopped = read.stopped
                if len(read.table):
                    yield from self._columns(read.table)
                self.at = read.end
            if stopped == native.CUT:
                self._read_on()
            elif stopped == native.MALFORMED:
                record = self._one()
                if record is not None:
                    yield attempt(self._row, record)

    def _has_more(self) -> bool:
        while self.at == len(self.data) and not self.last:
            self._read_on()
        return self.at < len(self.data)

    def _read_on(self) -> None:
        rest = self.data[self.at :]
        memory_limit.require_bytes(4 * len(rest), self.name)  # the rest, as much again, and both
        more = self.file.read(max(_BYTES, len(rest)))
        self.data, self.at, self.last = rest + more, 0, not more

    def _one(self) -> Record | None:
        """The next record, read in Python."""
        while self._has_more():
            record = read_record(self.data, self.at, self.delimiter, self.quotes, self.last)
            if record is not None:
                self.at = record.end
                return record
            self._read_on()
        return None

    def _row(self, record: Record) -> Block:
        form = self.form
        fields = selected(record, len(form.defaults), self.chosen, self.dropped)
        arrays = [np.empty(1, default.dtype) for default in form.defaults]
        for column, field in fields:
            default = form.defaults[column]
            arrays[column][0] = value_of(field, column, default, form.missing, "record")
        return arrays

    def _columns(self, table: np.ndarray) -> Iterator[Block | Failure]:
        form = self.form
        failures: dict[int, InvalidArgumentError] = {}

        def read_field(row: int, column: int, field: bytes) -> Any:
            default = form.defaults[column]
            try:
                return value_of(field, column, default, form.missing, "record")
            except InvalidArgumentError as error:
                # Columns are checked in order: the first bad one gives the error of the record.
                failures.setdefault(row, error)
                return np.zeros(1, default.dtype)[0]

        return sliced(form.values(self.data, table, read_field), failures)


def _check_columns(
    buffer_size: int, defaults: list[np.ndarray], chosen: list[int], dropped: list[int]
) -> None:
    if buffer_size <= 0:
        raise InvalidArgumentError("buffer_size should be positive")
    if chosen and dropped:
        raise InvalidArgumentError("Either select_cols or exclude_cols should be empty")
    if any(default.ndim > 1 for default in defaults):
        raise InvalidArgumentError("Each record default should be at most rank 1")
    order = chosen or sorted(dropped)
    if any(first >= second for first, second in itertools.pairwise(order)):
        raise InvalidArgumentError("select_cols should be strictly increasing indices")
    if order and order[0] < 0:
        raise InvalidArgumentError("select_cols should be non-negative indices")
    if chosen and len(chosen) != len(defaults):
        raise InvalidArgumentError("select_cols should match output size")
