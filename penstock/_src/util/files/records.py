"""Record files (TFRecord): a sequence of byte strings, each with its length and checksums.

    uint64 length, uint32 checksum of the length, the bytes, uint32 checksum of the bytes

The whole may be compressed as GZIP or ZLIB.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from penstock._src.util.files import crc32c

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
# Bytes of a record besides its data.
OVERHEAD = _HEADER.size + _FOOTER.size
# A length says little: more than this is asked for only as the file goes on.
_PIECE = 1 << 22
COMPRESSIONS = ("", "GZIP", "ZLIB")
# Buffer size in bytes for record files: a system call costs as much as copying 20 KB.
BUFFER = 1 << 18


class DamagedRecord(Exception):
    """A record is cut short or its checksum differs."""


class RecordCutShort(DamagedRecord):
    """The file ends within the data of a record."""


def frame(record: bytes) -> bytes:
    """The record as stored in a file."""
    length = struct.pack("<Q", len(record))
    return b"".join((length, crc32c.packed(length), record, crc32c.packed(record)))


def wrong_length(at: int, name: str) -> str:
    """Return the error that the length at a position of a file has another checksum."""
    return f"corrupted record at {at}. Is {name} even a TFRecord file?"


def wrong_data(at: int, name: str) -> str:
    """Return the error that the record at a position has another checksum."""
    return f"{name}: corrupted record at {at}"


def cut_short(at: int, name: str) -> str:
    """Return the error that a file ends within the record at a position."""
    return f"{name}: truncated record at {at}' failed with Read less bytes than requested"


def read_records(
    file: BinaryIO,
    name: str,
    check: bool = True,
    admit: Callable[[int, str], None] | None = None,
) -> Iterator[bytes]:
    """The records of an open, decompressed file.

    Args:
      file: positioned at the start of a record.
      name: the name of the file, for messages.
      check: whether to compare the checksums of the data.
      admit: called with the bytes that a long record takes so far, and the name, as it is read; raises where that is too much.

    Raises:
      RecordCutShort: the file ends within the data of a record.
      DamagedRecord: a checksum differs.
    """
    at = 0
    while True:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:  # whoever writes the file may not have come further
            return
        length, stored = _HEADER.unpack(header)
        if crc32c.masked(header[:8]) != stored:
            raise DamagedRecord(wrong_length(at, name))
        data = _read(file, length, name, admit)
        footer = file.read(_FOOTER.size)
        if len(data) < length or len(footer) < _FOOTER.size:
            raise RecordCutShort(cut_short(at, name))
        if check and crc32c.masked(data) != _FOOTER.unpack(footer)[0]:
            raise DamagedRecord(wrong_data(at, name))
        at += OVERHEAD + length
        yield data


def _read(
    file: BinaryIO, length: int, name: str, admit: Callable[[int, str], None] | None
) -> bytes:
    """The next bytes: the requested number, or the remaining ones."""
    if length <= _PIECE:
        return file.read(length)
    parts, left = [], length
    while left and (part := file.read(min(left, _PIECE))):
        parts.append(part)
        left -= len(part)
        if admit is not None:
            admit(2 * (length - left), name)  # the parts and all of them
    return b"".join(parts)


def opened(file: BinaryIO, compression: str, buffer_size: int = BUFFER, name: str = "") -> Any:
    """Returns a reader of the decompressed bytes of an open file.

    It raises DamagedRecord, with the `name` of the file, where they cannot be decompressed.
    """
    if compression == "GZIP":
        return io.BufferedReader(_Decompressed(file, 31, True, name), buffer_size)
    if compression == "ZLIB":
        return io.BufferedReader(_Decompressed(file, zlib.MAX_WBITS, False, name), buffer_size)
    if compression in ("", "NONE"):
        return file
    raise ValueError(
        f"Unsupported compression type '{compression}': expected one of {COMPRESSIONS}"
    )


class _Decompressed(io.RawIOBase):
    """The decompressed bytes of a stream, as far as they are there if it is cut short.

    Args:
      file: the compressed bytes.
      window_bits: of zlib, which says the format.
      goes_on: whether another stream may follow, as in GZIP.
      name: of the file, for messages.
    """

    def __init__(self, file: BinaryIO, window_bits: int, goes_on: bool, name: str) -> None:
        self.file, self.window_bits, self.goes_on = file, window_bits, goes_on
        self.name = name
        self.decoder = zlib.decompressobj(window_bits)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not (self.decoder.eof and not self.goes_on):
            data = self.decoder.unconsumed_tail or self.decoder.unused_data
            data = data or self.file.read(1 << 16)
            if not data:
                break
            if self.decoder.eof:
                self.decoder = zlib.decompressobj(self.window_bits)
            try:
                chunk = self.decoder.decompress(data, len(target))
            except zlib.error as error:
                reason = str(error).removeprefix("Error ").replace(" while decompressing data", "")
                where = f"{self.name}: " if self.name else ""
                raise DamagedRecord(f"{where}inflate() failed with error {reason}") from error
            if chunk:
                target[: len(chunk)] = chunk
                return len(chunk)
        return 0


class RecordFile:
    """Writes records to an open file, compressed or not, or by an encoder with zlib's interface."""

    def __init__(
        self, file: BinaryIO, compression: str = "", level: int = -1, encoder: Any = None
    ) -> None:
        self._file = file
        self._encoder = encoder
        if compression == "GZIP":
            self._encoder = zlib.compressobj(level, zlib.DEFLATED, 31)
        elif compression == "ZLIB":
            self._encoder = zlib.compressobj(level)
        elif compression not in ("", "NONE"):
            raise ValueError(
                f"Unsupported compression type '{compression}': expected one of {COMPRESSIONS}"
            )

    def write(self, record: bytes) -> None:
        """Appends a record."""
        data = frame(record)
        self._file.write(self._encoder.compress(data) if self._encoder else data)

    def flush(self) -> None:
        """Flushes the file."""
        if self._encoder:
            self._file.write(self._encoder.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self, sync: Callable[[BinaryIO], None] | None = None) -> None:
        """Finishes and closes the file, after calling `sync` with it."""
        if self._encoder:
            self._file.write(self._encoder.flush())
            self._encoder = None
        if sync is not None:
            sync(self._file)
        self._file.close()
