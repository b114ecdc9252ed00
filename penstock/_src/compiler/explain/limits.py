"""The limits of this machine, measured once per process, in about a tenth of a second.

    peak        fused multiply-adds of float32 vectors that stay in registers, on all threads
    bandwidth   a copy between two arrays that are larger than most caches: bytes read and written

Kernels of narrow dtypes may exceed the peak, and those with data in a cache may exceed the bandwidth.
"""

import functools
import time
from collections.abc import Sequence

import numpy as np

from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native import Call, Code, Module, Target, host, kernels, pool
from penstock._src.native.language.types import F32, I64, PTR
from penstock._src.native.runner import HEADER
from penstock._src.util.dataclass import dataclass

CHAINS = 12  # independent chains of multiply-adds, enough to hide the latency of each
ROUNDS = 1 << 16  # multiply-adds of each chain
ELEMENTS = 1 << 24  # elements of the copied array
TIMES = 5  # that each is run; the best counts
TASKS = 4  # for each thread


@dataclass(frozen=True)
class Limits:
    """Floating point operations and bytes per second, with this number of threads."""

    flops: float
    bandwidth: float
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.flops / 1e9:.3g} GF/s in float32, {self.bandwidth / 1e9:.3g} GB/s from memory, {self.threads} threads"
            " (measured once per process)"
        )


@functools.cache
def machine_limits() -> Limits:
    """The limits of the threads that programs run on."""
    target, threads = host(), pool().threads
    tasks = TASKS * threads
    seconds = _seconds(_multiply_adds(target), tasks, [np.zeros(tasks, np.float32)])
    flops = 2 * CHAINS * ROUNDS * target.lanes(F32) * tasks / seconds
    arrays = [empty_aligned((ELEMENTS,), np.dtype(np.float32)) for _ in range(2)]
    for array in arrays:
        array.fill(1)
    seconds = _seconds(_copy(target), tasks, arrays, [ELEMENTS // tasks])
    # Each element is read once and written once, four bytes each.
    return Limits(flops, 2 * 4 * (ELEMENTS // tasks) * tasks / seconds, threads)


def _multiply_adds(target: Target) -> Code:
    """Multiply-adds in chains. Each task stores its sums to the context's array, or LLVM would drop the computation."""
    m = Module(target)
    with m.task("limit") as f:
        lanes = target.lanes(F32)
        factor = f.splat(0.5, lanes)

        def step(_: object, *sums):
            return tuple([f.fma(x, factor, factor) for x in sums])

        sums = f.loop(0, ROUNDS, 1, step, *[f.splat(float(i), lanes) for i in range(CHAINS)])
        total = sums[0]
        for other in sums[1:]:
            total = total + other
        f.store(f.reduce("fadd", total), f.load(f.ctx, 0, PTR), f.task)
    return Code.of(m)


def _copy(target: Target) -> Code:
    """Context: from, to, elements of a task."""
    m = Module(target)
    with m.task("limit") as f:
        source, result, count = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR), f.load(f.ctx, 2, I64)
        vector, start = target.vector(F32), f.task * count

        def step(i):
            f.store(f.load(source, start + i, vector), result, start + i)

        f.loop(0, count, target.lanes(F32), step)
    return Code.of(m)


def _seconds(
    code: Code, tasks: int, arrays: Sequence[np.ndarray], numbers: Sequence[int] = ()
) -> float:
    """The least time that a code's tasks take."""
    library = kernels()[code]
    args = [*[a.ctypes.data for a in arrays], *numbers]
    words = [library["limit"], tasks, HEADER + len(args), 0, *args]
    call = Call(np.array(words, np.int64), 0, threads=pool().threads, keep=(library, arrays))
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        call.run()
        best = min(best, time.perf_counter() - start)
    return best
