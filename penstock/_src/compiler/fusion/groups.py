"""Fusion groups: nodes that will become one kernel, before any loop nest is written.

map        nodes of one shape                                    one nest over the shape
reduction  nodes that end reductions of one space along the same axes
rows       both: reductions of rows, and nodes of the rows' elements that may need their results
pieces     a concat of unequal parts                             a nest for each run of parts of one shape
kernel     a contraction, a node with an emitter of its own, a bounds check: a kernel already
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any

from penstock._src.compiler.kernels.index import extent_key
from penstock._src.compiler.kernels.kernel import Kernel
from penstock._src.compiler.kernels.reductions import cut_of
from penstock._src.compiler.kernels.stored_blocks import block_shape, extents, extents_of
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import is_one
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

LONGEST_ROW = 1 << 16  # elements of a row that several passes read: it stays in the L2


@dataclass(frozen=True)
class RowSpace:
    """Elements of some extents (without those that are 1); the last `inner` are reduced together."""

    extents: tuple[Any, ...]
    inner: int

    @classmethod
    def of(cls, root: Node) -> "RowSpace | None":
        """The rows that a reduce node reduces; None if it does not reduce rows, or if one row is divided among several tasks."""
        (x,) = root.args
        axes = set(root.attrs["axes"])
        # Axes of extent 1 are in no loop, wherever they stand.
        long = [a for a, e in enumerate(x.shape) if not is_one(e)]
        inner = sum(a in axes for a in long)
        length = dims.product([x.shape[a] for a in long if a in axes])
        if not 0 < inner < len(long) or not axes.issuperset(long[-inner:]):
            return None
        # A row in several tasks has no thread that could go over it again.
        if cut_of(root)[0] is not None:
            return None
        # A row is gone over once for each result that others of the group need.
        if type(length) is not int or length > LONGEST_ROW:
            return None
        return cls(tuple(extents(x)), inner)


@dataclass(frozen=True, eq=False)
class FusionGroup:
    """Nodes made by one kernel.

    reads    ids of the stored nodes and leaves that it reads
    space    equal for groups that may be merged (None: cannot be merged)
    roots    for each of `nodes` the reduce node that it ends, None for elementwise nodes
    rows     the reduced rows, if rows are reduced
    kernel   of the kind "kernel"
    """

    kind: str
    nodes: tuple[Node, ...]
    reads: frozenset[int]
    roots: tuple[Node | None, ...]
    space: Any = None
    rows: RowSpace | None = None
    kernel: Kernel | None = None

    @property
    def reduced(self) -> list[Node]:
        """The reduce nodes that its nodes end."""
        return [root for root in self.roots if root is not None]

    def without(self, ids: Container[int]) -> "FusionGroup":
        """The group without some of its nodes, and of the kind that the others need."""
        kept = [(n, r) for n, r in zip(self.nodes, self.roots) if n.id not in ids]
        nodes, roots = tuple([n for n, _ in kept]), tuple([r for _, r in kept])
        kind = self.kind
        if all(r is None for r in roots):
            kind = "map"
        elif None not in roots:
            kind = "reduction"
        return replace(self, nodes=nodes, roots=roots, kind=kind)

    def text(self, numbers: Mapping[int, int]) -> str:
        """The nodes that it stores and reads, by their numbers in the function's text."""
        nodes = " ".join(f"%{numbers[n.id]}" for n in self.nodes)
        return f"{self.kind} {nodes} <- {' '.join(f'%{numbers[i]}' for i in sorted(self.reads))}"


def map_group(node: Node, reads: Iterable[int]) -> FusionGroup:
    """The group of a node that is computed element by element. Extents of 1 do not count in its space."""
    space = ("map", tuple(extents_of(block_shape(node))))
    return FusionGroup("map", (node,), frozenset(reads), (None,), space)


def reduction_group(node: Node, root: Node, reads: Iterable[int]) -> FusionGroup:
    """The group of a node that ends the epilogue of a reduction."""
    shape = tuple([extent_key(e) for e in root.args[0].shape])
    space = ("reduce", shape, tuple(root.attrs["axes"]))
    return FusionGroup("reduction", (node,), frozenset(reads), (root,), space, RowSpace.of(root))


def pieces_group(node: Node, reads: Iterable[int]) -> FusionGroup:
    """The group of a concat whose parts are written by separate nests."""
    return FusionGroup("pieces", (node,), frozenset(reads), (None,))


def kernel_group(kernel: Kernel) -> FusionGroup:
    """The group of a node that has a kernel already."""
    reads = frozenset([n.id for n in kernel.inputs])
    return FusionGroup(
        "kernel", tuple(kernel.outputs), reads, (None,) * len(kernel.outputs), kernel=kernel
    )
