"""The record of the results of recognition in a function."""

from collections.abc import Mapping

from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.ir import printer
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process.forks import cached_property


@dataclass(frozen=True, eq=False)
class Recognized:
    """A function, and the groups of nodes that are computed together. Mappings are by ids of nodes.

    nodes           in an order in which each comes after its arguments
    users           the nodes that take a node as an argument, each once
    attentions      of each node that an attention's kernels store, the attention
    matches         for a contract node with a kernel, its Match
    contractions    of the node that ends a contraction's epilogue, the contract node
    reductions      of the node that ends a reduction's epilogue, the reduce node
    row_reductions  ends of reductions that each kernel over the same rows computes again
    rows            the reduce nodes of these
    absorbed        nodes that exist only in registers of the kernel that takes them along
    streams         the stream of each node, if there are several (streams.py)
    in_loop         True if the function is a loop's body, where launches count for more
    nested          the records of the functions of loops and branches
    """

    function: Function
    nodes: tuple[Node, ...]
    users: Mapping[int, list[Node]]
    attentions: Mapping[int, Attention]
    matches: Mapping[int, Match]
    contractions: Mapping[int, Node]
    reductions: Mapping[int, Node]
    row_reductions: frozenset[int]
    absorbed: frozenset[int]
    streams: Mapping[int, int]
    in_loop: bool
    nested: "Mapping[Function, Recognized]"

    @cached_property
    def rows(self) -> frozenset[int]:
        return frozenset([self.reductions[end].id for end in self.row_reductions])

    def __str__(self) -> str:
        numbers = printer.numbers(self.function)
        lines = [f"{self.function.name}: {len(self.nodes)} nodes"]
        for what in ("attentions", "contractions", "reductions"):
            records: Mapping[int, object] = getattr(self, what)
            lines += [f"  {what:12} %{numbers[i]}" for i in records]
        lines += [f"  row reduction %{numbers[i]}" for i in sorted(self.row_reductions)]
        return "\n".join([*lines, *map(str, self.nested.values())])
