"""Exchanges with GPUs of other processes: calls of NCCL in place of kernels, and kernels that report which process has failed.

A process whose run has failed takes part in all exchanges of the run, as the others wait for it. With the last one of each unit the
processes report failures to each other, so none continues with a sum that has invalid terms.
"""

import functools
import math

from penstock._src.cluster.transport import exchanged_shape
from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaModule
from penstock._src.ir.function import ExchangeUnit
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True, eq=False)
class ExchangeCode(CudaCode):
    """Represents, instead of a kernel, a position in the stream where an exchange begins, or is awaited.

    unit      the exchange, and its processes
    elements  number of elements that each process receives, or sends if values are only moved
    dtype     the name of their type
    begins    True if the exchange begins here
    is_last   True if it is the last of its unit
    """

    unit: ExchangeUnit = None  # type: ignore[assignment]
    elements: int = 0
    dtype: str = ""
    begins: bool = False
    is_last: bool = False


def exchange_start(node: Node) -> SpecialLaunch:
    """The start of an exchange. Context: the array that is sent, the address of the result."""
    argument, unit = node.args[0], node.attrs["unit"]
    count, dtype = _elements(node, argument), _type(unit, argument)
    is_last = node.attrs["number"] + 1 == node.attrs["last"]
    return SpecialLaunch(
        ("exchange_start in a stream", unit, count, dtype, is_last),
        lambda target: ExchangeCode(
            "", ("task",), target, unit=unit, elements=count, dtype=dtype, begins=True, is_last=is_last
        ),
        1, (argument, node), f"{unit.kind}_start[{int(argument.size)}]",
    )  # fmt: skip


def exchange_wait(node: Node) -> SpecialLaunch:
    """The wait for a unit. Context: the status, the code of its failure."""
    unit = node.attrs["unit"]
    return SpecialLaunch(
        ("exchange_wait in a stream", unit),
        lambda target: ExchangeCode("", ("task",), target, unit=unit),
        1, (), f"{unit.kind}_wait",
    )  # fmt: skip


def _elements(node: Node, array: Node) -> int:
    """The number of elements that a process receives from a reduction, or sends."""
    unit: ExchangeUnit = node.attrs["unit"]
    shape = [int(d) for d in array.shape]
    if unit.merge:
        return math.prod(exchanged_shape(unit.kind, shape, node.attrs["size"]))
    return math.prod(shape) * array.dtype.size


def _type(unit: ExchangeUnit, array: Node) -> str:
    """The type in which values are sent: bytes if they are only moved."""
    return array.dtype.name if unit.merge else "uint8"


@functools.cache
def failure_given(target: Target) -> CudaCode:
    """Writes the word that a process sends to the others: its number if its run has failed, else 0.

    Context: the status, the number, where to.
    """
    m = CudaModule(target, 1)
    with m.kernel() as f:
        failed = f.load(f.load(f.ctx, 0, PTR), 0, I64).ne(0)
        f.store(f.select(failed, f.load(f.ctx, 1, I64), f.i64(0)), f.load(f.ctx, 2, PTR))
    return m.finished()


@functools.cache
def failure_taken(target: Target) -> CudaCode:
    """Ends the run if another process has failed, unless it has already ended: the status then has that process.

    Context: the status, the code, the words of the processes.
    """
    m = CudaModule(target, 1)
    with m.kernel() as f:
        status, told = f.load(f.ctx, 0, PTR), f.load(f.load(f.ctx, 2, PTR), 0, I64)

        def end() -> None:
            f.store(f.load(f.ctx, 1, I64), status)
            f.store(told, status, 1)

        f.when(f.load(status, 0, I64).eq(0) & told.ne(0), end)
    return m.finished()
