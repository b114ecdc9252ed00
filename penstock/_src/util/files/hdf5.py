"""Detects content that crashes the HDF5 library, before it opens a file.

Values of variable length lie in global heaps. The library looks for one object after another, each its size further on; at a free one that
says it has no size it stays forever.
"""

import mmap
import struct
from collections.abc import Iterator

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEAP = b"GCOL\x01\0\0\0"
_BLOCK = 1 << 18  # bytes: a copy stays in the processor's cache
_HEADER = 16  # bytes of a heap's header, and of an object's


def check_hdf5(path: str) -> None:
    """Check the global heaps of a local HDF5 file; do nothing if it has another format.

    Args:
      path: the file.

    Raises:
      OSError: the HDF5 library would not come back from it.
    """
    with open(path, "rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for heap in _heaps(data):
                if (place := _endless_object(data, heap)) is not None:
                    raise OSError(
                        f"{path} is damaged: the free object at byte {place} of a global heap has no size."
                    )


def _heaps(data: mmap.mmap) -> Iterator[int]:
    """Yields where global heaps start. Copied blocks are searched, as `mmap.find` compares byte by byte."""
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK + len(_HEAP) - 1]
        at = block.find(_HEAP)
        while at >= 0:
            yield start + at
            at = block.find(_HEAP, at + 1)


def _endless_object(data: mmap.mmap, heap: int) -> int | None:
    """Return the position of a heap's free object of size 0 that the library would meet; None if there is none."""
    if heap + _HEADER > len(data):
        return None
    end = min(heap + int.from_bytes(data[heap + 8 : heap + _HEADER], "little"), len(data))
    place = heap + _HEADER
    while place + _HEADER <= end:
        number, size = struct.unpack("<H6xQ", data[place : place + _HEADER])
        if number == 0:
            if size == 0:
                return place
            place += size
        else:
            place += _HEADER + (size + 7) // 8 * 8
    return None
