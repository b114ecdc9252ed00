"""Files as arrays of bytes; only the parts that are used are read."""

import mmap
import os

import numpy as np

from penstock._src.filesystems import files
from penstock._src.filesystems.local.system import LOCAL, plain
from penstock._src.filesystems.translation import translated


def mapped(path: str) -> np.ndarray:
    """Returns the bytes of a file, uint8 `[size]`, read-only: mapped into memory, or read where the file is not on this machine.

    Raises:
      NotFoundError: there is no such file.
    """
    if files.system_of(path) is not LOCAL:
        return np.frombuffer(files.read(path), np.uint8)
    with translated(path):
        if not os.stat(plain(path)).st_size:  # nothing can be mapped
            return np.empty(0, np.uint8)
        # A plain array over the map: each slice of a `memmap` is an object with attributes of its own.
        return np.memmap(plain(path), np.uint8, "r").view(np.ndarray)


def drop_pages(array: np.ndarray) -> None:
    """Takes the pages of a part of a mapped file out of the process's memory; they are read again if they are used. Other arrays stay as they are."""
    owner = _owner(array)
    if not isinstance(owner, mmap.mmap) or not array.nbytes or not hasattr(mmap, "MADV_DONTNEED"):
        return
    whole = np.frombuffer(owner, np.uint8)
    if whole.flags.writeable:  # what was written would be lost
        return
    begin = array.ctypes.data - whole.ctypes.data
    end = begin + array.nbytes
    # Whole pages: others are read beside them, and would bring back their neighbors.
    begin, end = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE, end - end % mmap.PAGESIZE
    if begin >= end:
        return
    owner.madvise(mmap.MADV_RANDOM, begin, end - begin)
    owner.madvise(mmap.MADV_DONTNEED, begin, end - begin)


def is_mapped(array: np.ndarray) -> bool:
    """True if an array is a part of a mapped file."""
    return isinstance(_owner(array), mmap.mmap)


def _owner(array: np.ndarray) -> object:
    """The object that owns an array's memory; None if NumPy does."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner
