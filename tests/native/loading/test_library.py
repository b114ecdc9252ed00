"""Tests loading code into a process whose free memory is scattered."""

import subprocess
import sys

import pytest

# The only free room of several pages lies 5 GB below the free single pages, so that a linker which places code and constants one by one places them
# further apart than an instruction reaches.
PROGRAM = """
import ctypes
import llvmlite.binding as llvm
from penstock._src.native.llvm.compile import machine_for
from penstock._src.native.loading import Library
from penstock._src.native.target import host

TEXT = '''
@table = internal constant [4 x i64] [i64 11, i64 22, i64 33, i64 44]
define i64 @entry(i64 %i) {
  %p = getelementptr [4 x i64], ptr @table, i64 0, i64 %i
  %v0 = load i64, ptr %p
''' + ''.join(
    f'  %w{k} = mul i64 %v{k}, {(k * 0x9E3779B97F4A7C15 | 1) & (1 << 62) - 1}\\n'
    f'  %v{k + 1} = xor i64 %w{k}, {(k * 0xC2B2AE3D27D4EB4F | 1) & (1 << 62) - 1}\\n'
    for k in range(400)
) + '''
  ret i64 %v400
}
'''
PAGE, RESERVED = 4096, 0x22 | 0x4000  # MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

def reserve(size):
    return libc.mmap(None, size, 0, RESERVED, -1, 0)

def scatter():
    size = 5 << 30
    low = reserve(size)
    for shift in range(28, 12, -1):
        while (at := reserve(1 << shift)) > low:
            pass
        libc.munmap(at, 1 << shift)
    for page in range(2, 400, 2):
        libc.munmap(low + size - page * PAGE, PAGE)

def entry():
    library = Library(code, ("entry",))
    return library.function("entry", ctypes.c_int64, result=ctypes.c_int64)

code = machine_for(host()).emit_object(llvm.parse_assembly(TEXT))
before = entry()
scatter()
after = entry()
assert [after(i) for i in range(4)] == [before(i) for i in range(4)]
assert len({after(i) for i in range(4)}) == 4
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the program arranges Linux's memory")
def test_code_reaches_its_constants_where_memory_is_scattered():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
