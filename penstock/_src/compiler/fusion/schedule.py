"""The stage: Partition -> Schedule. Each fusion group is written as the kernels that compute it: loop nests over their space."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from penstock._src.compiler.fusion.exchange_order import in_exchange_order
from penstock._src.compiler.fusion.groups import FusionGroup
from penstock._src.compiler.fusion.late_order import in_late_order
from penstock._src.compiler.fusion.merge import merge
from penstock._src.compiler.fusion.partition import Partition, partition
from penstock._src.compiler.fusion.stream_sections import StreamSection, in_sections
from penstock._src.compiler.fusion.update_order import in_update_order
from penstock._src.compiler.kernels.kernel import Kernel, NestKernel, map_nest, piece_nest
from penstock._src.compiler.kernels.loop_nest import LoopNest
from penstock._src.compiler.kernels.memory import in_memory_already
from penstock._src.compiler.kernels.reductions import reduction_kernels, row_kernel
from penstock._src.compiler.kernels.stored_blocks import runs_of
from penstock._src.compiler.recognize.recognize import recognize
from penstock._src.core.errors import InternalError
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags


@dataclass(frozen=True, eq=False)
class Schedule:
    """The kernels of a function in launch order.

    stored        ids of the nodes that they store
    makers        of a stored node, the numbers of the kernels that make it
    last_readers  of a node in memory, the number of the last kernel that reads it; the end of a section in which several streams do
    sections      ranges of kernels whose streams may run side by side
    nested        schedules of the functions of loops and branches
    """

    function: Function
    nodes: tuple[Node, ...]
    kernels: tuple[Kernel, ...]
    stored: frozenset[int]
    makers: Mapping[int, list[int]]
    last_readers: Mapping[int, int]
    nested: "Mapping[Function, Schedule]"
    sections: tuple[StreamSection, ...] = ()

    def is_leaf(self, node: Node) -> bool:
        """True if kernels read a node from memory."""
        return node.id in self.stored or in_memory_already(node)

    def are_side_by_side(self, one: int, other: int) -> bool:
        """True if two kernels may run at the same time."""
        streams = ((s.stream_of(one), s.stream_of(other)) for s in self.sections)
        return any(a is not None and b is not None and a != b for a, b in streams)

    def __str__(self) -> str:
        lines = [f"{self.function.name}:", *[f"  {kernel.label}" for kernel in self.kernels]]
        return "\n".join([*lines, *map(str, self.nested.values())])


def schedule(part: Partition) -> Schedule:
    """The kernels of a function and of those nested in it."""
    shared: dict[tuple, LoopNest] = {}
    scheduled = []
    for group in part.groups:
        for kernel in _kernels_of(group, part):
            if isinstance(kernel, NestKernel):
                share(kernel.nest, shared)
            scheduled.append(kernel)
    # Streams are laid out last: any other order of kernels would take them apart again.
    kernels, sections = in_sections(_ordered(scheduled, part), part)
    makers: dict[int, list[int]] = {}
    last_readers: dict[int, int] = {}
    for number, kernel in enumerate(kernels):
        for leaf in kernel.inputs:
            # Memory is free after its last reader, and the order of readers on several streams is not known.
            last_readers[leaf.id] = later_reader(last_readers.get(leaf.id), number, sections)
            if not in_memory_already(leaf) and leaf.id not in makers:
                message = f"{kernel.label} reads {leaf!r}, which no earlier kernel stores."
                raise InternalError(None, None, message)
        for node in kernel.outputs:
            makers.setdefault(node.id, []).append(number)
    nested = {function: schedule(inner) for function, inner in part.nested.items()}
    nodes, stored = part.recognized.nodes, part.stored
    return Schedule(
        function=part.function,
        nodes=nodes,
        kernels=kernels,
        stored=stored,
        makers=makers,
        last_readers=last_readers,
        nested=nested,
        sections=sections,
    )


def _ordered(kernels: Sequence[Kernel], part: Partition) -> tuple[Kernel, ...]:
    """The kernels of a function in launch order, apart from its streams."""
    if part.function.exchanges:
        # An early update would wait for its exchange, with no other work left to overlap it.
        return in_exchange_order(kernels)
    if part.recognized.streams:
        return tuple(kernels)
    return in_late_order(in_update_order(kernels, part.function), part.function)


def share(nest: LoopNest, shared: dict[tuple, LoopNest]) -> None:
    """Takes the loops and values of an earlier nest that has the same: those of all layers of a model are kept in memory once.

    Args:
      nest: the nest.
      shared: the first of each signature.

    Nests of one signature have one code; in one function their extents are equal too, as equal expressions of Dims are.
    """
    equal = shared.setdefault(nest.signature(), nest)
    if equal is not nest:
        nest.take_loops(equal)


def later_reader(before: int | None, number: int, sections: Sequence[StreamSection]) -> int:
    """A further reader's number, or the end of the section that it shares with a reader in another stream."""
    for section in sections:
        if before is not None and section.start <= number < section.end:
            if before == section.end:
                return section.end
            if section.stream_of(before) not in (None, section.stream_of(number)):
                return section.end
    return number


def schedule_function(function: Function) -> Schedule:
    """The kernels of a function: all stages from recognize to schedule."""
    part = partition(recognize(function))
    return schedule(part if "merge" in flags.disable else merge(part))


def _kernels_of(group: FusionGroup, part: Partition) -> Iterator[Kernel]:
    """The kernels that compute a group."""
    is_leaf = part.is_leaf
    if group.kernel is not None:
        yield group.kernel
    elif group.kind == "pieces":
        (node,) = group.nodes
        for run in runs_of(node, lambda n: {m.id for m in part.memory_of(n)}):
            yield piece_nest(node, run, is_leaf)
    elif group.kind == "map":
        yield _map(group, part)
    elif group.kind == "reduction":
        yield from reduction_kernels(group.nodes, group.reduced, is_leaf)
    else:
        yield row_kernel(group.nodes, group.roots, is_leaf)


def _map(group: FusionGroup, part: Partition) -> NestKernel:
    """The nest of a group. Arrays in which its nodes replace a block count as read."""
    kernel = map_nest(group.nodes, part.is_leaf)
    updated = [n.args[0] for n in group.nodes if n.kind == "dynamic_update_slice"]
    # What is around the block has to be there before the kernel writes into the array.
    read = dict.fromkeys([*kernel.inputs, *[x for n in updated for x in part.memory_of(n)]])
    return replace(kernel, inputs=list(read)) if updated else kernel
