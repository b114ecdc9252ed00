"""The order of kernels that read nothing but a function's arguments: each just before a kernel reads what it stores.

Nodes are in the order of the user's program, so such a kernel would run where a value is first used. Packed weights are first used in the forward pass; if
they were unpacked there for their gradients, all of them would occupy the arena until the backward pass.
"""

import math
from collections import Counter
from collections.abc import Sequence

from penstock._src.compiler.kernels.kernel import Kernel, NestKernel, SpecialKernel
from penstock._src.compiler.kernels.memory import home
from penstock._src.ir.function import Function
from penstock._src.ir.primitives.packed import Unpack

_SMALL = 1024  # most elements that may be stored early
_ARGUMENTS = ("parameter", "constant")


def in_late_order(kernels: Sequence[Kernel], function: Function) -> tuple[Kernel, ...]:
    """The kernels of a function, those of arguments alone as late as they can be; others keep their order."""
    readers = _first_readers(kernels, _movable(kernels, function))
    before: dict[int, list[int]] = {}
    for number, reader in sorted(readers.items()):
        before.setdefault(reader, []).append(number)
    order: list[int] = []
    for number in range(len(kernels)):
        if number not in readers:
            order += [*before.get(number, ()), number]
    return tuple([kernels[number] for number in order])


def _movable(kernels: Sequence[Kernel], function: Function) -> dict[int, int]:
    """The numbers of the kernels that may run later, by the ids of the nodes that they store."""
    times = Counter(node.id for kernel in kernels for node in kernel.outputs)
    roots = {home(node).id for node in function.roots}
    return {
        node.id: number
        for number, kernel in enumerate(kernels)
        if _is_of_arguments(kernel)
        and all(n.id not in roots and times[n.id] == 1 for n in kernel.outputs)
        for node in kernel.outputs
    }


def _is_of_arguments(kernel: Kernel) -> bool:
    """True if a kernel stores much, computed of arrays that are in memory all the time."""
    is_pure = isinstance(kernel, NestKernel) or (
        isinstance(kernel, SpecialKernel) and kernel.node.kind == Unpack.kind
    )
    return (
        is_pure
        and all(home(leaf).kind in _ARGUMENTS for leaf in kernel.inputs)
        and not all(_is_small(node.shape) for node in kernel.outputs)
    )


def _is_small(shape: Sequence[object]) -> bool:
    extents = [extent for extent in shape if isinstance(extent, int)]
    return len(extents) == len(shape) and math.prod(extents) <= _SMALL


def _first_readers(kernels: Sequence[Kernel], movable: dict[int, int]) -> dict[int, int]:
    """For each kernel in `movable` whose results are read: the number of its first reader."""
    readers: dict[int, int] = {}
    for number, kernel in enumerate(kernels):
        for leaf in kernel.inputs:
            maker = movable.get(home(leaf).id)
            if maker is not None:
                readers.setdefault(maker, number)
    return readers
