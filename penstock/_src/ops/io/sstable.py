"""Sorted string tables: the index file of a checkpoint.

A table is a sequence of blocks of sorted (key, value) pairs, then an index block (each block's last key -> its position),
then a footer that points to the index. Keys are prefix-compressed: the number of bytes shared with the previous key, then
the rest; every 16th key is stored completely.
"""

import struct
from collections.abc import Iterable, Iterator

from penstock._src.core import errors
from penstock._src.util.files import crc32c, varints

MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5  # kind of compression, checksum
_BLOCK = 262144
_RESTART = 16


def write_table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a table of `entries`, which are sorted by key."""
    table, index, block = bytearray(), _Block(), _Block()

    def finish(built: _Block) -> bytes:
        contents = built.contents() + b"\0"
        handle = varints.encode(len(table)) + varints.encode(len(contents) - 1)
        table.extend(contents + crc32c.packed(contents))
        return handle

    for key, value in entries:
        block.add(key, value)
        if len(block.data) >= _BLOCK:
            index.add(key, finish(block))
            block = _Block()
    if block.data:
        index.add(block.last, finish(block))
    meta = finish(_Block())
    footer = meta + finish(index)
    return bytes(table) + footer.ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", MAGIC)


def read_table(data: bytes, name: str) -> dict[bytes, bytes]:
    """All entries of a table; `name` is for messages.

    Raises:
      DataLossError: it is not a table, or damaged.
    """
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise errors.DataLossError(f"{name}: not an sstable (bad magic number).")
    footer = data[-_FOOTER:]
    try:
        _, at = varints.decode(footer, 0)  # the block of metadata, which is empty
        _, at = varints.decode(footer, at)
        entries = {}
        for _, handle in _block_entries(_read_block(data, footer, at, name)):
            entries.update(_block_entries(_read_block(data, handle, 0, name)))
        return entries
    except (IndexError, struct.error) as error:
        raise errors.DataLossError(f"{name}: truncated or damaged sstable.") from error


class _Block:
    """A block of prefix-compressed entries."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.restarts = [0]
        self.count = 0
        self.last = b""

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self.count == _RESTART:
            self.restarts.append(len(self.data))
            self.count = 0
        else:
            limit = min(len(key), len(self.last))
            while shared < limit and key[shared] == self.last[shared]:
                shared += 1
        for number in (shared, len(key) - shared, len(value)):
            self.data += varints.encode(number)
        self.data += key[shared:] + value
        self.last = key
        self.count += 1

    def contents(self) -> bytes:
        return bytes(self.data) + struct.pack(
            f"<{len(self.restarts) + 1}I", *self.restarts, len(self.restarts)
        )


def _read_block(data: bytes, handle: bytes, at: int, name: str) -> bytes:
    offset, at = varints.decode(handle, at)
    size, at = varints.decode(handle, at)
    block = data[offset : offset + size + 1]
    (stored,) = struct.unpack("<I", data[offset + size + 1 : offset + size + _TRAILER])
    if crc32c.masked(block) != stored:
        raise errors.DataLossError(f"{name}: checksum mismatch in a block.")
    if block[-1] == 0:
        return block[:-1]
    if block[-1] == 1:
        return _unsnap(block[:-1])
    raise errors.DataLossError(f"{name}: unknown compression {block[-1]}.")


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise IndexError("more restarts than a block holds")
    at, key = 0, b""
    while at < end:
        shared, at = varints.decode(block, at)
        rest, at = varints.decode(block, at)
        size, at = varints.decode(block, at)
        if shared > len(key) or at + rest + size > end:
            raise IndexError("an entry is longer than its block")
        key = key[:shared] + block[at : at + rest]
        at += rest
        yield key, block[at : at + size]
        at += size


def _unsnap(data: bytes) -> bytes:
    """Decompresses Snappy: literals, and copies of earlier output."""
    expected, at = varints.decode(data, 0)
    out = bytearray()
    while at < len(data):
        if len(out) > expected:
            raise IndexError("more data than Snappy's header says")
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            size = tag >> 2
            if size >= 60:
                width = size - 59
                size = int.from_bytes(data[at : at + width], "little")
                at += width
            out += data[at : at + size + 1]
            at += size + 1
            continue
        if kind == 1:
            size, offset = (tag >> 2 & 7) + 4, tag >> 5 << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            size, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + width], "little")
            at += width
        if not 0 < offset <= len(out):
            raise IndexError("a copy of what Snappy has not written")
        for _ in range(size):
            out.append(out[-offset])
    if len(out) != expected:
        raise IndexError("less data than Snappy's header says")
    return bytes(out)
