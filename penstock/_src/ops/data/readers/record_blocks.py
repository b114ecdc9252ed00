"""Records of open files in blocks: those of record files, and those that all have one length."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.values import memory_limit
from penstock._src.native.readers import records as native
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.data.readers.blocks import Block, Sequel, Unread, string_column
from penstock._src.util.files import records

_BYTES = 1 << 18  # read at once
_MOST = 1 << 12  # records in a block


@functools.cache
def _reader() -> native.RecordReader | None:
    return native.record_reader() if runs_native_code() else None


class Records(Sequel):
    """The records of a record file.

    Args:
      file: its bytes, decompressed.
      name: of the file, for messages.

    Raises:
      DamagedRecord: after the records before the damage.
    """

    def __init__(self, file: Any, name: str) -> None:
        reader = _reader()
        super().__init__(self.one_by_one if reader is None else self.read, file, name)

    @staticmethod
    def one_by_one(unread: Unread, file: Any, name: str) -> Iterator[Block]:
        """Reads in Python."""
        for record in records.read_records(file, name, admit=memory_limit.require_bytes):
            yield (string_column([record]),)

    @staticmethod
    def read(unread: Unread, file: Any, name: str) -> Iterator[Block]:
        """Reads by native code, a part of the file at once."""
        reader: Any = _reader()
        table, ends = np.empty((_MOST, 2), np.int64), np.zeros(2, np.int64)
        data, at, before = b"", 0, 0  # `before`: bytes of the file before the data
        while True:
            count = reader.scan(data, at, len(data), _MOST, table, ends)
            at, stopped = ends.tolist()
            if count:
                values = np.empty(count, object)
                reader.cut(data, table, count, values)
                unread.count = len(data) - at
                yield (values,)
            if stopped == native.WRONG_LENGTH:
                raise records.DamagedRecord(records.wrong_length(before + at, name))
            if stopped == native.WRONG_DATA:
                raise records.DamagedRecord(records.wrong_data(before + at, name))
            if stopped == native.CUT or at == len(data):
                rest = data[at:]
                # A length field is not trusted: the file's size limits the read.
                memory_limit.require_bytes(4 * len(rest), name)  # the rest, as much again, and both
                more = file.read(max(_BYTES, len(rest)))
                if not more:
                    if len(rest) >= native.HEADER:
                        raise records.DamagedRecord(records.cut_short(before + at, name))
                    return  # whoever writes the file may not have come further
                data, at, before = rest + more, 0, before + at


class FixedLength(Sequel):
    """The records of a file in which all have the same length, between a header and a footer.

    Args:
      file: its bytes, decompressed.
      name: of the file, for messages.
      header: bytes before the records.
      size: bytes of a record.
      footer: bytes after the records.

    Raises:
      InvalidArgumentError: the records do not fill the space between them.
      DataLossError: nor do they in a compressed file.
    """

    def __init__(self, file: Any, name: str, header: int, size: int, footer: int) -> None:
        super().__init__(self.read, file, name, header, size, footer)

    @staticmethod
    def read(
        unread: Unread, file: Any, name: str, header: int, size: int, footer: int
    ) -> Iterator[Block]:
        """Reads a part of the file at once."""
        begin = file.tell() if file.seekable() else None
        if begin is not None:  # a file that was begun goes on after whole records
            header = max(header - begin, 0)
            rest = file.seek(0, 2) - begin - header - footer
            file.seek(begin)
            if rest > 0 and rest % size:
                raise InvalidArgumentError(_excess(rest, size, name))
        else:  # decompressed bytes: a small file may hold any number of them
            memory_limit.require_bytes(2 * max(header, size), name)
        data, taken = file.read(header)[header:], 0
        while more := file.read(max(_BYTES, size)):
            data += more
            count = max(len(data) - footer, 0) // size
            if count:
                unread.count = len(data) - count * size
                yield (_cut(data, count, size),)
                data = data[count * size :]
                taken += count * size
        body = taken + len(data) - footer
        if body > 0 and body % size:
            kind = DataLossError if begin is None else InvalidArgumentError
            raise kind(_excess(body, size, name))


def _excess(body: int, size: int, name: str) -> str:
    return (
        f"Excess bytes at the end of the body of {name}: its size {body} is not "
        f"a multiple of the record length {size}."
    )


def _cut(data: bytes, count: int, size: int) -> np.ndarray:
    reader = _reader()
    if reader is None:
        return string_column([data[at * size : at * size + size] for at in range(count)])
    starts = np.arange(count) * size
    values = np.empty(count, object)
    reader.cut(data, np.stack([starts, starts + size], 1), count, values)
    return values
