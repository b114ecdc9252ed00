"""Streams compressed by Snappy, as TensorFlow writes them: blocks, each after its length as four bytes, the highest first."""

import io
from typing import Any, BinaryIO

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.native.readers.snappy import HASH_BITS, snappy, worst
from penstock._src.native.systems import runs_native_code
from penstock._src.util.files import records, varints
from penstock._src.util.files.records import DamagedRecord

SNAPPY = "SNAPPY"
BLOCK = 1 << 18  # bytes that are compressed together
_PREFIX = 4


def opened(file: BinaryIO, compression: str, name: str) -> Any:
    """A reader of the decompressed bytes of an open file; see `records.opened`."""
    if compression == SNAPPY:
        return io.BufferedReader(SnappyReader(file, name), BLOCK)
    return records.opened(file, compression, name=name)


def record_file(file: BinaryIO, compression: str) -> records.RecordFile:
    """Writes records to an open file, compressed or not."""
    if compression == SNAPPY:
        return records.RecordFile(file, encoder=SnappyEncoder())
    return records.RecordFile(file, compression)


def _native() -> Any:
    if not runs_native_code():
        raise UnimplementedError("Snappy: native code does not run on this system.")
    return snappy()


def compressed(data: bytes) -> bytes:
    """The bytes in Snappy's raw format."""
    places = np.zeros(1 << HASH_BITS, np.int64)
    into = np.empty(worst(len(data)), np.uint8)
    size = _native().encode(data, 0, len(data), places, into)
    return varints.encode(len(data)) + into[:size].tobytes()


def decompressed(data: bytes) -> bytes:
    """The bytes that were compressed.

    Raises:
      DamagedRecord: the data is in no such format.
    """
    size, begin = _length(data)
    # A copy of three bytes gives at most 64: a length beyond that is not believed.
    if size is None or size > 22 * len(data) + 64:
        raise DamagedRecord("Snappy_GetUncompressedLength failed")
    into = np.empty(size, np.uint8)
    if _native().decode(data, begin, len(data), size, into) != size:
        raise DamagedRecord("Snappy_Uncompress failed")
    return into.tobytes()


def _length(data: bytes) -> tuple[int | None, int]:
    """The number at the beginning and the position after it."""
    value = 0
    for at, byte in enumerate(data[:5]):
        value |= (byte & 127) << (7 * at)
        if byte < 128:
            return value, at + 1
    return None, 0


class SnappyReader(io.RawIOBase):
    """The decompressed bytes of a stream."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name, self.held, self.at = file, name, b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while self.at == len(self.held):
            if not self._next():
                return 0
        count = min(len(target), len(self.held) - self.at)
        target[:count] = self.held[self.at : self.at + count]
        self.at += count
        return count

    def _next(self) -> bool:
        """Reads a block; False at the end of the file."""
        prefix = self.file.read(_PREFIX)
        if not prefix:
            return False
        size, block = int.from_bytes(prefix, "big"), b""
        # The file, not the length, decides how much memory is asked for.
        while len(block) < size and (more := self.file.read(min(size - len(block), 1 << 20))):
            block += more
        if len(prefix) < _PREFIX or len(block) < size:
            raise DamagedRecord(f"{self.name}: a block of {size} bytes is cut short")
        try:
            self.held, self.at = decompressed(block), 0
        except DamagedRecord as error:
            raise DamagedRecord(f"{self.name}: {error}") from error
        return True


class SnappyEncoder:
    """Compresses a stream; the interface is that of zlib's."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.size = 0

    def compress(self, data: bytes) -> bytes:
        """Takes data in; returns the part that is ready to be written."""
        self.held.append(data)
        self.size += len(data)
        return self.flush() if self.size >= BLOCK else b""

    def flush(self, _mode: int = 0) -> bytes:
        """Gives all that is left."""
        data = b"".join(self.held)
        self.held, self.size = [], 0
        blocks = [compressed(data[at : at + BLOCK]) for at in range(0, len(data), BLOCK)]
        return b"".join(len(block).to_bytes(_PREFIX, "big") + block for block in blocks)
