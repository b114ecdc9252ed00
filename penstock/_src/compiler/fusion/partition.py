"""The stage: Recognized -> Partition, the fusion groups of a function before groups are merged; each becomes a kernel.

Each stored node begins a group, which also computes the unstored nodes that it needs (storing.py). Contractions, attentions and nodes
with their own emitters become kernels here; the other groups may be merged (merge.py) first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from penstock._src.compiler.fusion.attention import attention_kernel
from penstock._src.compiler.fusion.groups import (
    FusionGroup,
    kernel_group,
    map_group,
    pieces_group,
    reduction_group,
)
from penstock._src.compiler.fusion.storing import SPECIAL, choose_stored
from penstock._src.compiler.kernels.contraction import (
    ContractKernel,
    epilogue_between,
    operands_of_epilogues,
)
from penstock._src.compiler.kernels.kernel import BoundsKernel, SpecialKernel
from penstock._src.compiler.kernels.memory import home, in_memory_already
from penstock._src.compiler.kernels.stored_blocks import is_regular
from penstock._src.compiler.recognize.recognized import Recognized
from penstock._src.core import dtypes
from penstock._src.ir import printer
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True, eq=False)
class Partition:
    """The fusion groups of a function, each after the groups whose results it reads.

    stored    ids of the nodes that have memory
    reads     for a stored node, ids of the nodes that its group reads from memory
    leaves    for any node, ids of the nodes from which it is computed; its own id if it has memory
    nested    partitions of the functions of loops and branches
    """

    recognized: Recognized
    groups: tuple[FusionGroup, ...]
    stored: frozenset[int]
    reads: Mapping[int, frozenset[int]]
    leaves: Mapping[int, frozenset[int]]
    by_id: Mapping[int, Node]
    nested: "Mapping[Function, Partition]"

    @property
    def function(self) -> Function:
        return self.recognized.function

    @property
    def in_loop(self) -> bool:
        """True if the function is a loop's body."""
        return self.recognized.in_loop

    def is_leaf(self, node: Node) -> bool:
        """True if kernels read a node from memory."""
        return node.id in self.stored or in_memory_already(node)

    def memory_of(self, node: Node) -> list[Node]:
        """The stored nodes and leaves from which a node is read."""
        if self.is_leaf(home(node)):
            return [home(node)]
        return [self.by_id[i] for i in self.leaves[node.id]]

    def __str__(self) -> str:
        numbers = printer.numbers(self.function)
        lines = [f"{self.function.name}:", *[f"  {g.text(numbers)}" for g in self.groups]]
        return "\n".join([*lines, *map(str, self.nested.values())])


def partition(recognized: Recognized) -> Partition:
    """The groups of a function and of those nested in it."""
    chosen = choose_stored(recognized)
    nested = {function: partition(inner) for function, inner in recognized.nested.items()}
    part = Partition(
        recognized=recognized,
        groups=(),
        stored=chosen.stored,
        reads=chosen.reads,
        leaves=chosen.leaves,
        by_id=chosen.by_id,
        nested=nested,
    )
    groups = tuple([g for node in recognized.nodes for g in _groups_of(node, part)])
    return replace(part, groups=groups)


def _groups_of(node: Node, part: Partition) -> Iterator[FusionGroup]:
    """The groups that begin with a node."""
    recognized = part.recognized
    # Before the gather's own group: its kernel may trust the indices.
    if node.kind == "gather" and node.attrs["mode"] == "error":
        indices = home(node.args[1])
        extent = node.args[0].shape[node.attrs["axis"]]
        yield kernel_group(BoundsKernel([], [indices], node, extent))
    if node.kind in SPECIAL and node.id not in recognized.absorbed:
        yield kernel_group(_special(node, part))
    elif node.id in recognized.attentions:
        # The forward kernel computes the other outputs as well.
        attention = attention_kernel(node, recognized.attentions[node.id], part.is_leaf)
        if attention is not None:
            yield kernel_group(attention)
    elif node.id in recognized.contractions:
        yield kernel_group(_contraction(node, recognized.contractions[node.id], part))
    elif node.id in part.stored:
        reads = part.reads[node.id]
        if node.id in recognized.reductions:
            yield reduction_group(node, recognized.reductions[node.id], reads)
        elif node.kind == "concat" and not is_regular(node):
            yield pieces_group(node, reads)
        else:
            yield map_group(node, reads)


def _special(node: Node, part: Partition) -> SpecialKernel:
    """The kernel of a node with an emitter of its own."""
    users = part.recognized.users[node.id]
    outputs = [node] if node.results is None else [u for u in users if u.kind == "item"]
    arrays = [a for a in node.args if a.dtype != dtypes.resource]
    return SpecialKernel(outputs, [x for a in arrays for x in part.memory_of(a)], node)


def _contraction(final: Node, node: Node, part: Partition) -> ContractKernel:
    """The kernel of a contraction whose epilogue ends in `final`."""
    match = part.recognized.matches[node.id]
    sources = [home(match.left), home(match.right)]
    epilogue = epilogue_between(node, final, match.columns, part.is_leaf)
    operands = operands_of_epilogues([epilogue])
    return ContractKernel([final], [*sources, *operands], node, match, epilogue, operands)
