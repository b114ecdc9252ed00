"""Datasets that read files: lines of text, records, names of files."""

import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    OpError,
)
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import memory_limit
from penstock._src.filesystems import files as filesystems
from penstock._src.ops.data.iteration.resume import Element, Failure, Indexed, Resumable, State
from penstock._src.ops.data.pipeline import UNKNOWN, Pipeline, PipelineOp, Run, text
from penstock._src.ops.data.readers.blocks import (
    Block,
    BlockElements,
    BlockStacks,
    Sequel,
    Unread,
    string_column,
    string_scalar,
)
from penstock._src.ops.data.readers.record_blocks import FixedLength, Records
from penstock._src.util.files import records

_BYTES = 1 << 18  # of text, read at once


def names_of(filenames: np.ndarray) -> list[str]:
    """The names in a host string tensor."""
    return [os.fsdecode(name) for name in filenames.ravel()]


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
        return BlockElements(BlocksOfFiles(self))

    def stacks(self, run: Run, size: int, aligned: bool = False) -> Iterator[Element] | None:
        # The number of elements lost by a failure in a block is unknown.
        return None if aligned else BlockStacks(BlocksOfFiles(self), size)


class BlocksOfFiles(Resumable):
    """Iterates over the elements of files in blocks, and over failures in place of unreadable ones."""

    plain, sources = ("number", "taken"), ()

    def __init__(self, step: FromFiles) -> None:
        self.step = step
        # The current file, and how many of its blocks were taken.
        self.number = self.taken = 0
        self.file: BinaryIO | None = None
        self.blocks: Iterator[Any] = iter(())

    def __next__(self) -> Block | Failure:
        while self.number < len(self.step.names):
            try:
                if self.file is None:
                    self.open()
                block = next(self.blocks, None)
            except records.DamagedRecord as error:
                self.close()
                return Failure(DataLossError(str(error)))
            except OpError as error:
                # The rest is in the next file.
                self.close()
                return Failure(error)
            if block is not None:
                self.taken += 1
                return block
            self.close()
        raise StopIteration

    def open(self) -> None:
        """Opens the current file."""
        name = self.step.names[self.number]
        self.file = filesystems.open_file(name)
        stream = records.opened(self.file, self.step.compression, name=name)
        self.blocks = self.step.read(stream, name)

    def close(self) -> None:
        """Goes to the next file."""
        if self.file is not None:
            self.file.close()
        self.file, self.number, self.taken = None, self.number + 1, 0

    def save(self) -> State:
        offset = None
        if self.file is not None and not self.step.compression and isinstance(self.blocks, Sequel):
            offset = self.file.tell() - self.blocks.unread
        return super().save() | {"offset": offset}

    def restore(self, state: State) -> None:
        super().restore(state)
        if not self.taken:
            return
        self.open()
        if self.file is not None and state["offset"] is not None:
            self.file.seek(state["offset"])
            return
        for _ in range(self.taken):
            next(self.blocks, None)


class _Lines(Sequel):
    def __init__(self, file: Any, name: str) -> None:
        super().__init__(self.read, file, name)

    @staticmethod
    def read(unread: Unread, file: Any, name: str) -> Iterator[Block]:
        rest: list[bytes] = []
        while data := file.read(_BYTES):
            *whole, last = data.split(b"\n")
            unread.count += len(data)
            if whole:
                whole[0] = b"".join([*rest, whole[0]])
                rest, unread.count = [], len(last)
                yield (string_column(_without_returns(whole, data)),)
            rest.append(last)
            memory_limit.require_bytes(2 * unread.count, name)  # the parts of a line and all of it
        left = b"".join(rest)
        unread.count = 0
        if left:
            yield (string_column(_without_returns([left], left)),)


def _without_returns(lines: list[bytes], data: bytes) -> list[bytes]:
    if b"\r" in data or b"\r" in lines[0]:
        return [
            line.replace(b"\r", b"") for line in lines
        ]  # TensorFlow drops those within lines, too
    return lines


class TextLineDataset(PipelineOp):
    """The lines of text files, without line endings."""

    signature = """filenames: string, compression_type: string, buffer_size: int64
        -> handle: variant[]"""
    ranks = {"filenames": (0, 1), "compression_type": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    metadata: str = ""
    stateful = True

    def pipeline(self, filenames, compression_type, buffer_size):
        return _strings(FromFiles(names_of(filenames), text(compression_type), _Lines))


class TFRecordDataset(PipelineOp):
    """The records of TFRecord files."""

    signature = """filenames: string, compression_type: string, buffer_size: int64
        -> handle: variant[]"""
    ranks = {"filenames": (0, 1), "compression_type": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    metadata: str = ""
    stateful = True

    def pipeline(self, filenames, compression_type, buffer_size):
        return _strings(FromFiles(names_of(filenames), text(compression_type), Records))


class TFRecordDatasetV2(PipelineOp):
    """The records of TFRecord files, from the given offsets on."""

    signature = """filenames: string, compression_type: string, buffer_size: int64,
        byte_offsets: int64 -> handle: variant[]"""
    ranks = {"filenames": (0, 1), "compression_type": (0,), "byte_offsets": (0, 1)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    metadata: str = ""
    stateful = True

    def pipeline(self, filenames, compression_type, buffer_size, byte_offsets):
        offsets = dict(zip(names_of(filenames), byte_offsets.ravel().tolist()))

        def read(file: Any, name: str) -> Iterator[Block]:
            file.read(offsets.get(name, 0))
            return Records(file, name)

        return _strings(FromFiles(names_of(filenames), text(compression_type), read))


class FixedLengthRecordDatasetV2(PipelineOp):
    """The records of files in which all have the same length."""

    signature = """filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64,
        buffer_size: int64, compression_type: string -> handle: variant[]"""
    ranks = {"filenames": (0, 1)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    metadata: str = ""
    stateful = True

    def pipeline(
        self, filenames, header_bytes, record_bytes, footer_bytes, buffer_size, compression
    ):
        header, size, footer = int(header_bytes), int(record_bytes), int(footer_bytes)
        if size <= 0:
            raise InvalidArgumentError("`record_bytes` must be > 0")

        def read(file: Any, name: str) -> Iterator[Block]:
            return FixedLength(file, name, header, size, footer)

        return _strings(FromFiles(names_of(filenames), text(compression), read))


def _strings(pipeline: Pipeline) -> Pipeline:
    pipeline.types, pipeline.shapes = (dtypes.string,), (TensorShape([]),)
    return pipeline


class _Names(Pipeline):
    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        paths = sorted(
            {name for pattern in self.patterns for name in filesystems.matching(pattern)}
        )
        return Indexed(lambda at: (string_scalar(os.fsencode(paths[at])),), len(paths))


class MatchingFilesDataset(PipelineOp):
    """The names of the files that match a pattern."""

    signature = "patterns: string -> handle: variant[]"
    permissions = Permissions(
        capabilities="read_files", file_arguments="patterns", are_patterns=True
    )
    stateful = True

    def pipeline(self, patterns):
        return _strings(_Names(names_of(patterns)))
