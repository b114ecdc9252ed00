"""When a kernel may write where one of its inputs lies."""

from __future__ import annotations

from penstock._src.compiler.schedule.kernel import Kernel, NestKernel, SpecialKernel
from penstock._src.compiler.schedule.partition import Partition, home
from penstock._src.compiler.schedule.values import Value, closure
from penstock._src.ir.node import Node


def writable_in_place(part: Partition, value: Node, old: Node, also: set[int]) -> bool:
    """Whether the kernel that computes `value` may store it over `old`.

    It may if no later kernel reads `old`, and it reads each element of `old` only to compute that element. `also` are
    values that are written in place as well.
    """
    makers = [i for i, k in enumerate(part.kernels) if any(o is value for o in k.outputs)]
    if len(makers) != 1:
        return False
    (maker,) = makers
    kernel = part.kernels[maker]
    if any(reads(k, old) for k in part.kernels[maker + 1 :]):
        return False
    if isinstance(kernel, SpecialKernel) and value.kind == "scatter":
        return home(value.args[0]) is old and all(home(a) is not old for a in value.args[1:])
    return isinstance(kernel, NestKernel) and same_element(kernel, value, old)


def reads(kernel: Kernel, node: Node) -> bool:
    """Whether a kernel reads a node from memory."""
    return any(n is node for n in kernel.inputs)


def same_element(kernel: NestKernel, value: Node, old: Node) -> bool:
    """Whether every load of `old` is at the place where `value` is stored, by stores of that very nest level."""
    nest = kernel.nest
    slot = next((i for i, leaf in enumerate(nest.leaves) if leaf is old), None)
    if slot is None:
        return True
    own = {len(nest.leaves) + i for i, o in enumerate(nest.outputs) if o is value}
    if len(own) > 1:
        return False
    offset = next(s.offset for s in nest.stores if s.slot in own)
    if any(not s.offset.vars <= offset.vars for s in nest.stores):
        return False
    for v in nest.values():
        if v.kind in ("reduce", "arg_reduce") and _loads_below(v, slot):
            return False
        if (
            v.kind == "load"
            and v.attrs[0] == slot
            and (v.attrs[1].key != offset.key or v.dtype.size != value.dtype.size)
        ):
            return False
    return True


def _loads_below(v: Value, slot: int) -> bool:
    return any(x.kind == "load" and x.attrs[0] == slot for x in closure(v.args))
