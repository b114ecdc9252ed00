"""Datasets that read files: lines of text, records, names of files."""

import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    OpError,
)
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.filesystems import files as filesystems
from penstock._src.ops.data.pipeline import (
    UNKNOWN,
    Element,
    Failure,
    Pipeline,
    Raising,
    Run,
    text,
)
from penstock._src.ops.data_shared.blocks import (
    Block,
    chunks,
    elements,
    stacks,
    string_column,
    string_scalar,
)
from penstock._src.util.files import records

_BYTES = 1 << 18  # of text, read at once
_RECORDS = 64  # read at once


def names_of(filenames: np.ndarray) -> list[str]:
    """The names in a host string tensor."""
    return [os.fsdecode(name) for name in filenames.ravel()]


def open_file(name: str) -> BinaryIO:
    """Opens a file to read.

    Raises:
      NotFoundError: nothing has this name.
    """
    return filesystems.open_file(name)


class FromFiles(Pipeline):
    """The elements of the blocks that `read` yields for each file in sequence."""

    def __init__(
        self, names: list[str], compression: str, read: Callable[[Any, str], Iterator[Any]]
    ) -> None:
        if compression not in records.COMPRESSIONS:
            raise InvalidArgumentError(f"Unsupported compression_type: {compression}.")
        self.names, self.compression, self.read = names, compression, read

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return Raising(elements(self.blocks()))

    def stacks(self, run: Run, size: int) -> Iterator[Element]:
        return Raising(stacks(self.blocks(), size))

    def blocks(self) -> Iterator[Block | Failure]:
        """The elements of all files in blocks, and failures in place of what cannot be read."""
        for name in self.names:
            try:
                with open_file(name) as file:
                    yield from self.read(records.opened(file, self.compression), name)
            except records.DamagedRecord as error:
                yield Failure(DataLossError(str(error)))
            except OpError as error:
                # What follows is in the next file.
                yield Failure(error)


def _lines(file: Any, name: str) -> Iterator[Block]:
    rest: list[bytes] = []
    while data := file.read(_BYTES):
        *whole, last = data.split(b"\n")
        if whole:
            whole[0] = b"".join([*rest, whole[0]])
            rest = []
            yield (string_column(_without_returns(whole, data)),)
        rest.append(last)
    left = b"".join(rest)
    if left:
        yield (string_column(_without_returns([left], left)),)


def _without_returns(lines: list[bytes], data: bytes) -> list[bytes]:
    if b"\r" in data or b"\r" in lines[0]:
        return [line[:-1] if line.endswith(b"\r") else line for line in lines]
    return lines


def _records(file: Any, name: str) -> Iterator[Block]:
    return chunks(records.read_records(file, name), _RECORDS)


class TextLineDataset(Op):
    """The lines of text files, without line endings."""

    signature = """filenames: string, compression_type: string, buffer_size: int64
        -> handle: variant[]"""
    capabilities = "read_files"
    file_arguments = "filenames"
    metadata: str = ""
    stateful = True

    def eager(self, filenames, compression_type, buffer_size):
        return _strings(FromFiles(names_of(filenames), text(compression_type), _lines))


class TFRecordDataset(Op):
    """The records of TFRecord files."""

    signature = """filenames: string, compression_type: string, buffer_size: int64
        -> handle: variant[]"""
    capabilities = "read_files"
    file_arguments = "filenames"
    metadata: str = ""
    stateful = True

    def eager(self, filenames, compression_type, buffer_size):
        return _strings(FromFiles(names_of(filenames), text(compression_type), _records))


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

        def read(file: Any, name: str) -> Iterator[Block]:
            file.read(offsets.get(name, 0))
            return _records(file, name)

        return _strings(FromFiles(names_of(filenames), text(compression_type), read))


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

        def read(file: Any, name: str) -> Iterator[Block]:
            data = file.read()
            body = data[header : len(data) - footer]
            if len(body) % size:
                raise InvalidArgumentError(
                    f"Excess bytes at the end of the body of {name}: its size {len(body)} is not "
                    f"a multiple of the record length {size}."
                )
            yield from chunks((body[at : at + size] for at in range(0, len(body), size)), _RECORDS)

        return _strings(FromFiles(names_of(filenames), text(compression), read))


def _strings(made: Pipeline) -> Pipeline:
    made.types, made.shapes = (dtypes.string,), (TensorShape([]),)
    return made


class _Names(Pipeline):
    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        found = {name for pattern in self.patterns for name in filesystems.matching(pattern)}
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
