"""The data files of checkpoints: written and read in blocks by several threads, which add up the checksums on the way."""

import bisect
import itertools
from collections.abc import Sequence

import numpy as np

from penstock._src.filesystems.base import BLOCK, THREADS, Reader
from penstock._src.filesystems.files import system_of
from penstock._src.util.files import crc32c
from penstock._src.util.lazy import ByName

# Imported by name: small arrays need no threads.
_RUN_ALL = ByName("penstock._src.filesystems.local.direct", "run_all")

# Bytes that are read and summed before they leave the core's cache.
_PIECE = 2 << 20
# Fewest bytes that a thread reads: starting a thread takes longer than reading fewer.
_SHARE = 8 << 20


def as_bytes(value: np.ndarray) -> np.ndarray:
    """The memory of an array in its order as bytes; not a copy, if it is contiguous."""
    return np.ascontiguousarray(value).reshape(-1).view(np.uint8)


def write_data(path: str, parts: Sequence[np.ndarray | bytes], block: int = BLOCK) -> list[int]:
    """Writes parts one after the other, safe at the end; returns their checksums.

    Args:
      path: of the file.
      parts: bytes, or arrays of bytes.
      block: the bytes of a block.
    """
    arrays = [np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part for part in parts]
    starts = list(itertools.accumulate((array.size for array in arrays), initial=0))
    pieces: list[dict[int, tuple[int, int]]] = [{} for _ in arrays]  # {start: (checksum, bytes)}

    def fill(target: memoryview, offset: int) -> None:
        end = offset + len(target)
        number = bisect.bisect_right(starts, offset) - 1
        while number < len(arrays) and starts[number] < end:
            first = max(offset, starts[number])
            last = min(end, starts[number + 1])
            piece = arrays[number][first - starts[number] : last - starts[number]]
            if piece.size:
                place = np.frombuffer(target[first - offset : last - offset], np.uint8)
                np.copyto(place, piece)
                pieces[number][first] = crc32c.crc32c(place.data), piece.size
            number += 1

    system_of(path).write_blocks(path, starts[-1], fill, block)
    return [_joined(sums_of_piece) for sums_of_piece in pieces]


def read_data(reader: Reader, offset: int, target: np.ndarray) -> int | None:
    """Fills an array of bytes from a position in a file; returns their checksum, or None if the file ends before.

    Args:
      reader: of the file.
      offset: of the first byte.
      target: contiguous.
    """
    if offset < 0 or offset + target.size > reader.size:
        return None
    if target.size <= _PIECE:
        whole = not target.size or reader.read_into(target.data, offset) == target.size
        return crc32c.crc32c(target.data) if whole else None  # else somebody cuts the file now
    pieces: dict[int, tuple[int, int]] = {}
    share = max(_SHARE, -(-target.size // (_PIECE * THREADS)) * _PIECE)  # of a thread

    def read(first: int) -> None:
        for start in range(first, min(first + share, target.size), _PIECE):
            piece = target[start : min(start + _PIECE, first + share)]
            if reader.read_into(piece.data, offset + start) < piece.size:
                raise EOFError
            pieces[start] = crc32c.crc32c(piece.data), piece.size

    try:
        if target.size <= share:
            read(0)
        else:
            _RUN_ALL(read, range(0, target.size, share))
    except EOFError:
        return None
    return _joined(pieces)


def _joined(pieces: dict[int, tuple[int, int]]) -> int:
    if len(pieces) == 1:
        ((checksum, _),) = pieces.values()
        return checksum
    total = 0
    for start in sorted(pieces):
        checksum, size = pieces[start]
        total = crc32c.joined(total, checksum, size)
    return total
