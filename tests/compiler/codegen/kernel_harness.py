"""Runs a KernelCode on arrays that end at guard pages, so that an access out of bounds ends the test."""

import ctypes
import mmap

import numpy as np

from penstock._src.native import Call, kernels

PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def guarded(array, at_end: bool = True):
    """A copy of `array` that ends where an unreadable page begins (or begins where one ends)."""
    array = np.ascontiguousarray(array)
    pages = max(1, -(-array.nbytes // PAGE))
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (0, pages + 1):
        assert libc.mprotect(start + page * PAGE, PAGE, 0) == 0
    offset = PAGE + (pages * PAGE - array.nbytes if at_end else 0)
    copy = (
        np.frombuffer(memory, np.uint8, array.nbytes, offset).view(array.dtype).reshape(array.shape)
    )
    copy[...] = array
    return copy


def run_kernel(kernel, left, right, output, sizes=(), operands=(), at_end=True, prepare=None):
    """Runs all stages; returns (output, partials as bytes rows or None)."""
    sizes = tuple(int(s) for s in sizes)
    left, right, output = (guarded(x, at_end) for x in (left, right, output))
    operands = [guarded(x, at_end) if isinstance(x, np.ndarray) else x for x in operands]
    scratch_bytes = kernel.scratch(sizes)
    scratch = guarded(np.full(-(-scratch_bytes // 64) * 64, 0xFF, np.uint8), at_end)  # 0xFF...: NaN
    tasks, each = kernel.partials(sizes)
    partials = guarded(np.zeros((tasks, each), np.uint8), at_end) if each else None
    library = kernels()[kernel.code]
    table = []
    for stage in kernel.stages(sizes):
        words = kernel.context(
            stage,
            left.ctypes.data,
            right.ctypes.data,
            output.ctypes.data,
            0 if partials is None else partials.ctypes.data,
            lambda offset: scratch.ctypes.data + offset,
            sizes,
            [x.ctypes.data if isinstance(x, np.ndarray) else x for x in operands],
        )
        table += [library[stage.function], stage.tasks(sizes), 4 + len(words), 0, *words]
    call = Call(
        table,
        0,
        threads=kernel.threads,
        keep=(library, left, right, output, scratch, partials, operands),
    )
    call.run()
    if prepare is not None:
        prepare(call)
    return output, partials
