"""Units: what will become one kernel, and their merging, before any loop nest is written.

    map        nodes of one shape                                    one nest over the shape
    reduction  nodes that end reductions of one space along the same axes
    other      a contraction, a node with an emitter of its own, a bounds check

Units over one space that read a common array become one, if some place in the order suits both: an optimizer's
moments and weights, a batch norm's two sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from penstock._src.compiler.schedule.blocks import block_shape, blocks_of, extents, extents_of
from penstock._src.compiler.schedule.index import extent_key
from penstock._src.ir.node import Node

MOST_OUTPUTS = 12
MOST_READS = 24


@dataclass(eq=False)
class Unit:
    """Nodes made by one kernel. `space` is equal for units that may be merged (None: never)."""

    kind: str
    nodes: list[Node]
    reads: set[int]
    space: Any = None
    roots: list[Node] = field(
        default_factory=list
    )  # of a reduction: the reduce node of each of `nodes`
    extra: Any = None
    position: int = 0

    @property
    def stores(self) -> int:
        """How many arrays or parts of arrays its kernel writes."""
        return sum(len(blocks_of(n)) for n in self.nodes)

    @property
    def made(self) -> set[int]:
        return {n.id for n in self.nodes}


def map_space(node: Node) -> Any:
    """What tells spaces of elementwise kernels apart: extents, less those that are 1."""
    return ("map", tuple(extents_of(block_shape(node))))


def reduction_space(node: Node) -> Any:
    """What tells spaces of reductions apart."""
    return ("reduce", tuple([extent_key(e) for e in node.args[0].shape]), tuple(node.attrs["axes"]))


def merge(units: list[Unit], unrelated: bool = False) -> list[Unit]:
    """Units merged where it pays, in an order in which each comes after what it reads.

    `unrelated`: also those that read nothing in common, where launches are many and small.
    """
    for i, unit in enumerate(units):
        unit.position = i
    maker = {n.id: u for u in units for n in u.nodes}
    readers: dict[int, list[Unit]] = {}
    for unit in units:
        for i in unit.reads:
            readers.setdefault(i, []).append(unit)
    open_by_space: dict[Any, list[Unit]] = {}
    gone: set[int] = set()
    for unit in list(units):
        if unit.space is None:
            continue
        candidates = open_by_space.setdefault(unit.space, [])
        for earlier in reversed(candidates[-6:]):
            if _join(earlier, unit, maker, readers, unrelated):
                gone.add(id(unit))
                break
        else:
            candidates.append(unit)
    return sorted([u for u in units if id(u) not in gone], key=lambda u: u.position)


def _join(
    a: Unit, b: Unit, maker: dict[int, Unit], readers: dict[int, list[Unit]], unrelated: bool
) -> bool:
    """Makes b part of a if that is possible and of use."""
    common = (a.reads & b.reads) or (a.made & b.reads)
    if (
        not (common or unrelated and a.kind == b.kind == "map")
        or a.stores + b.stores > MOST_OUTPUTS
        or len(a.reads | b.reads) > MOST_READS
    ):
        return False
    if a.made & b.reads and not all(_same_place(node, a.made) for node in b.nodes):
        return False
    ready = all(i in a.made or i not in maker or maker[i].position < a.position for i in b.reads)
    if not ready:
        waits = all(
            u is b or not a.position < u.position <= b.position
            for i in a.made
            for u in readers.get(i, ())
        )
        if not waits:
            return False
        a.position = b.position
    a.nodes += b.nodes
    a.roots += b.roots
    a.reads = (a.reads | b.reads) - a.made
    for node in b.nodes:
        maker[node.id] = a
    for i in b.reads:
        readers[i] = [a if u is b else u for u in readers[i]]
    return True


_STRAIGHT = frozenset({"unary", "binary", "compare", "select", "cast"})


def _same_place(node: Node, made: set[int]) -> bool:
    """Whether every way from what a node's nest computes to those in `made` goes through elementwise nodes only."""
    values = [b.value for b in blocks_of(node)]
    others = [a for a in node.args if node.kind == "dynamic_update_slice" and a is not node.args[1]]
    pending: list[tuple[Node, bool]] = [*[(v, True) for v in values], *[(a, False) for a in others]]
    seen: set[tuple[int, bool]] = set()
    first = min(made)
    while pending:
        current, straight = pending.pop()
        if current.id in made and not straight:
            return False
        if current.id in made or current.id < first or (current.id, straight) in seen:
            continue
        seen.add((current.id, straight))
        onward = straight and _keeps_place(current)
        pending += [(arg, onward) for arg in current.args]
    return True


def _keeps_place(node: Node) -> bool:
    """Whether an element of a node is computed from those of its arguments at the same place."""
    if node.kind == "reshape":
        return extents(node) == extents(node.args[0])
    return node.kind in _STRAIGHT
