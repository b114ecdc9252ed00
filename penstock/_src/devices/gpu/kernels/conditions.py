"""Kernels that set conditional nodes of a graph from results on the GPU: one thread sets a node's number.

`cudaGraphSetConditional` is a system call of the driver: ptxas and the driver's linker know it without a library.
"""

import functools

from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.native import Target
from penstock._src.native.language.types import I8, I32, I64, PTR
from penstock._src.native.language.value import Val

SET = "cudaGraphSetConditional"


def _set(f: CudaFn, node: Val, number: Val) -> None:
    f.call(SET, node, f.cast("trunc", number, I32))


@functools.cache
def loop_condition(target: Target) -> CudaCode:
    """Makes a loop's node run another iteration if its condition holds, and no check has failed.

    Context: the condition's byte, the status (or 0), the node.
    """
    m = CudaModule(target, 1)
    with m.kernel() as f:
        holds = f.load(f.load(f.ctx, 0, PTR), 0, I8).ne(0)
        status = f.load(f.ctx, 1, PTR)
        is_checked = f.load(f.ctx, 1, I64).ne(0)
        # After a failure the kernels of the body do nothing, so the condition would hold forever.
        (failed,) = f.when(is_checked, lambda: (f.load(status, 0, I64),), lambda: (f.i64(0),))
        _set(f, f.load(f.ctx, 2, I64), f.select(holds & failed.eq(0), f.i64(1), f.i64(0)))
    return m.finished()


def _chosen(f: CudaFn) -> Val:
    """The number of the branch that an int32 selects among this many: the last one if it is out of range."""
    # Signed: a negative index is large as an unsigned number, hence out of range too.
    index = f.convert(f.load(f.load(f.ctx, 0, PTR), 0, I32), I64)
    count = f.load(f.ctx, 1, I64)
    return f.select(f.compare("ult", index, count), index, count - 1)


@functools.cache
def branch_number(target: Target) -> CudaCode:
    """Selects the branch of a node with several branches.

    Context: the index, the number of branches, the node.
    """
    m = CudaModule(target, 1)
    with m.kernel() as f:
        _set(f, f.load(f.ctx, 2, I64), _chosen(f))
    return m.finished()


@functools.cache
def branch_condition(target: Target) -> CudaCode:
    """Enables the node of one branch if it is selected.

    Context: the index, the number of branches, the node, the branch's number.
    """
    m = CudaModule(target, 1)
    with m.kernel() as f:
        is_chosen = _chosen(f).eq(f.load(f.ctx, 3, I64))
        _set(f, f.load(f.ctx, 2, I64), f.select(is_chosen, f.i64(1), f.i64(0)))
    return m.finished()
