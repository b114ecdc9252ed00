"""The C library's heap, which does not return freed memory below blocks still in use; memory that is taken by pages."""

from __future__ import annotations

import ctypes
import functools
import mmap
import sys
from collections.abc import Callable

_NO_HUGE_PAGES = 15  # MADV_NOHUGEPAGE


def give_back() -> None:
    """Returns freed memory of the heap to the system, where the C library can: after work that used much of it for a short time."""
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """glibc's `malloc_trim`; None elsewhere."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None  # another library, or a system without such handles
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim  # type: ignore[no-any-return]


def take_small_pages(address: int, size: int) -> None:
    """Makes Linux back untouched memory with small pages: NumPy asks for huge pages of 2 MB, each of which is allocated as a whole. Other systems have neither."""
    advise = _advise()
    begin = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    if advise is not None and address + size > begin:
        advise(begin, address + size - begin, _NO_HUGE_PAGES)


@functools.cache
def _advise() -> Callable[[int, int, int], int] | None:
    """Linux's `madvise`; None elsewhere."""
    if sys.platform != "linux":
        return None
    advise = ctypes.CDLL(None).madvise
    advise.argtypes, advise.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], ctypes.c_int
    return advise  # type: ignore[no-any-return]
