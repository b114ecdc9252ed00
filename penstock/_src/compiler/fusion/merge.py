"""Units: what will become one kernel, and their merging, before any loop nest is written.

    map        nodes of one shape                                    one nest over the shape
    reduction  nodes that end reductions of one space along the same axes
    rows       both: reductions of rows, and nodes of the rows' elements that may need their results
    other      a contraction, a node with an emitter of its own, a bounds check

Units over one space that read a common array become one, if some place in the order suits both: an optimizer's
moments and weights, a batch norm's two sums, the loss of a softmax and its gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from penstock._src.compiler.kernels.index import extent_key, is_one
from penstock._src.compiler.kernels.inline import SAME_PLACE
from penstock._src.compiler.kernels.reductions import cut_of
from penstock._src.compiler.kernels.stored_blocks import (
    MOST_READS,
    SMALL,
    block_shape,
    blocks_of,
    extents,
    extents_of,
)
from penstock._src.ir import dims
from penstock._src.ir.node import Node

MOST_OUTPUTS = 12
LONGEST_ROW = 1 << 16  # elements of a row that is gone over several times: it stays in the L2
OPEN = 6  # units that a new one is compared with


@dataclass(frozen=True)
class Rows:
    """Elements of some extents (less those that are 1), of which the last `inner` are reduced together."""

    extents: tuple[Any, ...]
    inner: int

    @classmethod
    def of(cls, root: Node) -> Rows | None:
        """The rows that a reduce node goes along; None if it does not, or they are not one task's each."""
        (x,) = root.args
        axes = set(root.attrs["axes"])
        kept = [a for a, e in enumerate(x.shape) if not is_one(e)]
        inner = sum(a in axes for a in kept)
        length = dims.product([x.shape[a] for a in kept if a in axes])
        if not 0 < inner < len(kept) or not axes.issuperset(kept[-inner:]):
            return None
        if cut_of(root)[0] is not None:
            return None
        if type(length) is not int or length > LONGEST_ROW:
            return None
        return cls(tuple(extents(x)), inner)


@dataclass(eq=False)
class Unit:
    """Nodes made by one kernel.

    space    equal for units that may be merged (None: never)
    roots    the reduce node that each of `nodes` ends, None for nodes of elements
    rows     how rows are reduced, if they are
    """

    kind: str
    nodes: list[Node]
    reads: set[int]
    space: Any = None
    roots: list[Node | None] = field(default_factory=list)
    rows: Rows | None = None
    extra: Any = None
    position: int = 0
    waits: bool = True  # whether it may be launched later than where it stands

    def __post_init__(self) -> None:
        self.roots = self.roots or [None] * len(self.nodes)

    @property
    def stores(self) -> int:
        """How many arrays or parts of arrays its kernel writes."""
        return sum(len(blocks_of(n)) for n in self.nodes)

    def forget(self, ids: set[int]) -> None:
        """Leaves nodes out."""
        kept = [(n, r) for n, r in zip(self.nodes, self.roots) if n.id not in ids]
        self.nodes, self.roots = [n for n, _ in kept], [r for _, r in kept]
        if all(r is None for r in self.roots):
            self.kind = "map"
        elif None not in self.roots:
            self.kind = "reduction"

    @property
    def reduced(self) -> list[Node]:
        """The reduce nodes that its nodes end."""
        return [root for root in self.roots if root is not None]

    @property
    def elements(self) -> int:
        """How many elements it goes over, now."""
        root = self.roots[0]
        return int(self.nodes[0].size if root is None else root.args[0].size)

    @property
    def made(self) -> set[int]:
        return {n.id for n in self.nodes}


def map_space(node: Node) -> Any:
    """What tells spaces of elementwise kernels apart: extents, less those that are 1."""
    return ("map", tuple(extents_of(block_shape(node))))


def reduction_space(node: Node) -> Any:
    """What tells spaces of reductions apart."""
    return ("reduce", tuple([extent_key(e) for e in node.args[0].shape]), tuple(node.attrs["axes"]))


Readers = dict[int, dict[int, Unit]]  # a stored node's id -> the units that read it, by identity


def merge(units: list[Unit], by_id: dict[int, Node], unrelated: bool = False) -> list[Unit]:
    """Units merged where it pays, in an order in which each comes after what it reads; `by_id` are all nodes.

    `unrelated`: also those that read nothing in common, where launches are many and small.
    """
    for i, unit in enumerate(units):
        unit.position = i
    maker = {n.id: u for u in units for n in u.nodes}
    readers: Readers = {}
    for unit in units:
        for i in unit.reads:
            readers.setdefault(i, {})[id(unit)] = unit
    open_by_space: dict[Any, list[Unit]] = {}
    gone: set[int] = set()
    for unit in list(units):
        if unit.space is None:
            continue
        lists = [open_by_space.setdefault(space, []) for space in _spaces(unit)]
        current = unit
        for earlier in dict.fromkeys(u for known in lists for u in reversed(known[-OPEN:])):
            if id(earlier) in gone or earlier is current or earlier.position > current.position:
                continue
            if _join(earlier, current, by_id, maker, readers, unrelated):
                gone.add(id(current))
                current = earlier  # which others may join by now
        if current is unit:
            for known in lists:
                known.append(unit)
    return sorted([u for u in units if id(u) not in gone], key=lambda u: u.position)


def _spaces(unit: Unit) -> list[Any]:
    """What a unit is looked up by: its space, and its elements if it may be one of rows."""
    if unit.kind == "map":
        return [unit.space, ("rows", unit.space[1])] if _is_plain(unit) else [unit.space]
    return [unit.space] if unit.rows is None else [unit.space, ("rows", unit.rows.extents)]


def _is_plain(unit: Unit) -> bool:
    """Whether each node is written whole, and nowhere but to its place."""
    return all(blocks_of(n)[0].value is n for n in unit.nodes)


def _join(
    a: Unit, b: Unit, by_id: dict[int, Node], maker: dict[int, Unit],
    readers: Readers, unrelated: bool,
) -> bool:  # fmt: skip
    """Makes b part of a if that is possible and of use."""
    common = (a.reads & b.reads) | (a.made & b.reads)
    if a.elements > SMALL:  # streams side by side are slower where they share nothing large
        common = {i for i in common if i in a.made or 4 * int(by_id[i].size) >= a.elements}
    rows = a.rows or b.rows
    as_rows = "rows" in (a.kind, b.kind) or a.kind != b.kind
    if as_rows:
        agree = a.rows in (None, rows) and b.rows in (None, rows)
        if not agree or not _is_plain(a) or not _is_plain(b):
            return False
    elif a.space != b.space:
        return False
    if (
        not (common or unrelated and a.kind == b.kind == "map")
        or a.stores + b.stores > MOST_OUTPUTS
        or len(a.reads | b.reads) > MOST_READS
    ):
        return False
    if a.made & b.reads and not all(_same_place(*end, a, rows) for end in zip(b.nodes, b.roots)):
        return False
    ready = all(i in a.made or i not in maker or maker[i].position < a.position for i in b.reads)
    if not ready:
        waits = a.waits and all(
            u is b or not a.position < u.position <= b.position
            for i in a.made
            for u in readers.get(i, {}).values()
        )
        if not waits:
            return False
        a.position = b.position
    a.nodes += b.nodes
    a.roots += b.roots
    a.rows, a.waits = rows, a.waits and b.waits
    if as_rows:
        a.kind = "rows"
    a.reads = (a.reads | b.reads) - a.made
    for node in b.nodes:
        maker[node.id] = a
    for i in b.reads:
        del readers[i][id(b)]
        readers[i][id(a)] = a
    return True


def _same_place(node: Node, root: Node | None, unit: Unit, rows: Rows | None) -> bool:
    """Whether every way from what a nest computes for a node to what another unit makes keeps to one element or row.

    Ways are followed as "element" (the place is that of the element at hand), "row" (that of its row) or "other".
    """
    made = {n.id: "element" if r is None else "row" for n, r in zip(unit.nodes, unit.roots)}
    others = [a for a in node.args if node.kind == "dynamic_update_slice" and a is not node.args[1]]
    pending = [(a, "other") for a in others]
    if root is None:
        pending += [(b.value, "element") for b in blocks_of(node)]
    else:
        pending.append((node, "row"))
    seen: set[tuple[int, str]] = set()
    first = min(made)
    while pending:
        current, place = pending.pop()
        if made.get(current.id, place) != place:
            return False
        if current.id in made or current.id < first or (current.id, place) in seen:
            continue
        seen.add((current.id, place))
        onward = _place_of_arguments(current, place, rows)
        pending += [(arg, onward) for arg in current.args]
    return True


def _place_of_arguments(node: Node, place: str, rows: Rows | None) -> str:
    """At which place a node's arguments are read for its element at a place."""
    if place == "other" or node.kind in SAME_PLACE:
        return place
    if node.kind == "reshape" and extents(node) == extents(node.args[0]):
        return place
    if rows is None:
        return "other"
    if node.kind == "broadcast" and place == "element" and _along_rows(node, rows):
        return "row"
    if node.kind == "reduce" and place == "row" and Rows.of(node) == rows:
        return "element"
    return "other"


def _along_rows(node: Node, rows: Rows) -> bool:
    """Whether a broadcast repeats one number along each row."""
    if tuple(extents(node)) != rows.extents:
        return False
    (arg,) = node.args
    kept = [a for a, e in enumerate(node.shape) if not is_one(e)]
    mapped = [a for a, e in zip(node.attrs["axes"], arg.shape) if not is_one(e)]
    return mapped == kept[: -rows.inner]
