"""Datasets that read files: lines of text, records, comma-separated values, names of files."""

import glob
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
)
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import INDEX
from penstock._src.ops.data.pipeline import (
    UNKNOWN,
    Element,
    Failure,
    Pipeline,
    Raising,
    Run,
    UnnamedDatasetOp,
    attempt,
    scalar,
    text,
)
from penstock._src.ops.data_shared.csv_records import read_records, selected
from penstock._src.util.files import records


def string_scalar(value: bytes) -> np.ndarray:
    """A host string scalar."""
    made = np.empty((), object)
    made[()] = value
    return made


def names_of(filenames: np.ndarray) -> list[str]:
    """The names in a host string tensor."""
    return [os.fsdecode(name) for name in filenames.ravel()]


def open_file(name: str) -> BinaryIO:
    """Opens a file to read.

    Raises:
      NotFoundError: nothing has this name.
    """
    try:
        if "://" in name:
            return _open_remote(name)
        return open(name, "rb", records.BUFFER)
    except FileNotFoundError as error:
        raise NotFoundError(f"{name}; No such file or directory") from error


def _open_remote(name: str) -> BinaryIO:
    try:
        import fsspec  # type: ignore[import-not-found,import-untyped]
    except ImportError as error:
        raise InvalidArgumentError(
            f"Reading {name} needs the package fsspec: pip install penstock[files]."
        ) from error
    return fsspec.open(name, "rb").open()


class _FromFiles(Pipeline):
    """The elements that `read` yields for each file in sequence."""

    def __init__(
        self, names: list[str], compression: str, read: Callable[[Any, str], Iterator[Element]]
    ) -> None:
        if compression not in records.COMPRESSIONS:
            raise InvalidArgumentError(f"Unsupported compression_type: {compression}.")
        self.names, self.compression, self.read = names, compression, read

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return Raising(self.items())

    def items(self) -> Iterator[Element | Failure]:
        for name in self.names:
            try:
                with open_file(name) as file:
                    yield from self.read(records.opened(file, self.compression), name)
            except records.DamagedRecord as error:
                yield Failure(DataLossError(str(error)))
            except OpError as error:
                # What follows is in the next file.
                yield Failure(error)


def _lines(file: Any, name: str) -> Iterator[Element]:
    for line in file:
        line = line[:-1] if line.endswith(b"\n") else line
        yield (string_scalar(line[:-1] if line.endswith(b"\r") else line),)


def _records(file: Any, name: str) -> Iterator[Element]:
    for record in records.read_records(file, name):
        yield (string_scalar(record),)


class TextLineDataset(Op):
    """The lines of text files, without line endings."""

    signature = """filenames: string, compression_type: string, buffer_size: int64
        -> handle: variant[]"""
    capabilities = "read_files"
    file_arguments = "filenames"
    metadata: str = ""
    stateful = True

    def eager(self, filenames, compression_type, buffer_size):
        return _strings(_FromFiles(names_of(filenames), text(compression_type), _lines))


class TFRecordDataset(Op):
    """The records of TFRecord files."""

    signature = """filenames: string, compression_type: string, buffer_size: int64
        -> handle: variant[]"""
    capabilities = "read_files"
    file_arguments = "filenames"
    metadata: str = ""
    stateful = True

    def eager(self, filenames, compression_type, buffer_size):
        return _strings(_FromFiles(names_of(filenames), text(compression_type), _records))


class TFRecordDatasetV2(Op):
    """The records of TFRecord files, from the given offsets on."""

    signature = """filenames: string, compression_type: string, buffer_size: int64,
        byte_offsets: int64 -> handle: variant[]"""
    capabilities = "read_files"
    file_arguments = "filenames"
    metadata: str = ""
    stateful = True

    def eager(self, filenames, compression_type, buffer_size, byte_offsets):
        offsets = dict(zip(names_of(filenames), byte_offsets.ravel().tolist()))

        def read(file: Any, name: str) -> Iterator[Element]:
            file.read(offsets.get(name, 0))
            return _records(file, name)

        return _strings(_FromFiles(names_of(filenames), text(compression_type), read))


class FixedLengthRecordDatasetV2(Op):
    """The records of files in which all have the same length."""

    signature = """filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64,
        buffer_size: int64, compression_type: string -> handle: variant[]"""
    capabilities = "read_files"
    file_arguments = "filenames"
    metadata: str = ""
    stateful = True

    def eager(self, filenames, header_bytes, record_bytes, footer_bytes, buffer_size, compression):
        header, size, footer = int(header_bytes), int(record_bytes), int(footer_bytes)
        if size <= 0:
            raise InvalidArgumentError("`record_bytes` must be > 0")

        def read(file: Any, name: str) -> Iterator[Element]:
            data = file.read()
            body = data[header : len(data) - footer]
            if len(body) % size:
                raise InvalidArgumentError(
                    f"Excess bytes at the end of the body of {name}: its size {len(body)} is not "
                    f"a multiple of the record length {size}."
                )
            for at in range(0, len(body), size):
                yield (string_scalar(body[at : at + size]),)

        return _strings(_FromFiles(names_of(filenames), text(compression), read))


def _strings(made: Pipeline) -> Pipeline:
    made.types, made.shapes = (dtypes.string,), (TensorShape([]),)
    return made


class _Names(Pipeline):
    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        found = {name for pattern in self.patterns for name in glob.glob(pattern)}
        for name in sorted(found):
            yield (string_scalar(os.fsencode(name)),)


class MatchingFilesDataset(Op):
    """The names of the files that match a pattern."""

    signature = "patterns: string -> handle: variant[]"
    capabilities = "read_files"
    file_arguments = "patterns"
    stateful = True

    def eager(self, patterns):
        return _strings(_Names(names_of(patterns)))


class CSVDatasetV2(UnnamedDatasetOp):
    """The rows of files of comma-separated values, a component per column."""

    signature = """filenames: string, compression_type: string, buffer_size: int64, header: bool,
        field_delim: string, use_quote_delim: bool, na_value: string, select_cols: int64,
        record_defaults: *output_types, exclude_cols: int64 -> handle: variant"""
    capabilities = "read_files"
    file_arguments = "filenames"
    output_types = INDEX | frozenset({dtypes.float32, dtypes.float64, dtypes.string})
    stateful = True

    def pipeline(self, filenames, compression_type, buffer_size, header, field_delim, *rest):
        use_quotes, na_value, select, defaults, exclude = rest
        delimiter, missing = text(field_delim).encode(), scalar(na_value)
        types, chosen, dropped = self.output_types, select.tolist(), set(exclude.tolist())
        _check_columns(int(buffer_size), defaults, chosen, dropped)

        def row(fields: list[bytes]) -> Element:
            found = selected(fields, len(types), chosen, dropped)
            columns = enumerate(zip(found, types, defaults))
            return tuple([_csv_value(*column, at, missing) for at, column in columns])

        def read(file: Any, name: str) -> Iterator[Element]:
            records = read_records(file, delimiter, bool(use_quotes))
            if header and next(records, None) is None:
                raise InvalidArgumentError(f"Can't read header of file {name}")
            for record in records:
                yield record if isinstance(record, Failure) else attempt(row, record)

        return _FromFiles(names_of(filenames), text(compression_type), read)


def _check_columns(
    buffer_size: int, defaults: list[np.ndarray], chosen: list[int], dropped: set[int]
) -> None:
    if buffer_size <= 0:
        raise InvalidArgumentError("buffer_size should be positive")
    if chosen and dropped:
        raise InvalidArgumentError("Either select_cols or exclude_cols should be empty")
    if any(default.ndim > 1 for default in defaults):
        raise InvalidArgumentError("Each record default should be at most rank 1")
    columns = chosen or sorted(dropped)
    if any(first >= second for first, second in itertools.pairwise(columns)):
        raise InvalidArgumentError("select_cols should be strictly increasing indices")
    if columns and columns[0] < 0:
        raise InvalidArgumentError("select_cols should be non-negative indices")
    if chosen and len(chosen) != len(defaults):
        raise InvalidArgumentError("select_cols should match output size")


def _csv_value(field: bytes, dtype: Any, default: Any, at: int, missing: bytes) -> np.ndarray:
    if field == missing or not field:
        if default.size == 0:
            raise InvalidArgumentError(f"Field {at} is required but missing in record!")
        return default.reshape(())
    if dtype is dtypes.string:
        return string_scalar(field)
    try:
        return np.array(int(field) if dtype.is_integer else float(field), dtype.np)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"Field {at} in record is not a valid {dtype.name}: {field.decode(errors='replace')}"
        ) from error
