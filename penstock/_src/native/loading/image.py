"""Memory for linked code: reserved, so that addresses are known; written to an anonymous file; then mapped with the rights of each part.

No page is ever writable and executable, and none that was mapped as writable becomes executable. The processor's instruction caches are in step, as with code
that the system's loader maps from a file.
"""

import ctypes
import functools
import os
import weakref
from collections.abc import Sequence
from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_READ, _WRITE, _EXECUTE = 1, 2, 4
_PRIVATE, _FIXED, _ANONYMOUS, _NORESERVE = 2, 0x10, 0x20, 0x4000
_NOEXEC_SEAL = 8  # of memfd_create, Linux 6.3
_FAILED = ctypes.c_void_p(-1).value
CODE, CONSTANTS, DATA = _READ | _EXECUTE, _READ, _READ | _WRITE


def pages(size: int) -> int:
    """A size, rounded up to whole pages."""
    return -(-size // _PAGE) * _PAGE


class Image:
    """A range of addresses, to be filled once; it is unmapped with this object.

    Args:
      size: in bytes, of whole pages.
    """

    def __init__(self, size: int) -> None:
        unmap = ctypes.CDLL(None).munmap
        unmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.size = size
        # Without rights: nothing can run or be written there until the parts are mapped over it.
        self.address = _mapped(None, size, 0, _PRIVATE | _ANONYMOUS | _NORESERVE, -1, 0)
        # Not at the interpreter's end, when threads may still run code.
        weakref.finalize(self, unmap, self.address, size).atexit = False

    def fill(self, content: bytes, parts: Sequence[tuple[int, int, int]]) -> None:
        """Maps the content.

        Args:
          content: all bytes.
          parts: (start, end, rights) of ranges of whole pages.
        """
        file = _new_file()
        try:
            # Pages beyond the content would raise SIGBUS when they are touched.
            os.ftruncate(file, self.size)
            written = 0
            while written < len(content):
                written += os.pwrite(file, memoryview(content)[written:], written)
            for start, end, rights in parts:
                _mapped(self.address + start, end - start, rights, _PRIVATE | _FIXED, file, start)
        finally:
            os.close(file)


def _new_file() -> int:
    name, flags = "penstock-code", os.MFD_CLOEXEC
    try:
        return os.memfd_create(name, flags)
    except PermissionError:
        # vm.memfd_noexec=2 allows files that may be mapped, but not executed as programs.
        return os.memfd_create(name, flags | _NOEXEC_SEAL)


@functools.cache
def _map() -> Any:
    function = ctypes.CDLL(None, use_errno=True).mmap
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    return function


def _mapped(address: int | None, size: int, rights: int, kind: int, file: int, at: int) -> int:
    result = _map()(address, size, rights, kind, file, at)
    if result is None or result == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, f"Machine code cannot be mapped: {os.strerror(number)}")
    return int(result)
