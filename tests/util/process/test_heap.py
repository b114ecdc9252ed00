"""Freed memory goes back to the system."""

import platform
import subprocess
import sys

import pytest

# Many small blocks, of which the last stays: the C library keeps all that lie before it.
PROGRAM = """
import ctypes, pathlib
from penstock._src.util.process import heap

def kilobytes():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [library.malloc(1000) for _ in range(40_000)]
for block in blocks:
    ctypes.memset(block, 1, 1000)
for block in blocks[:-1]:
    library.free(block)
before = kilobytes()
heap.give_back()
assert kilobytes() < before - 30_000, (before, kilobytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_freed_blocks_are_given_back():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
