"""The stage: merges groups over one space that read a common array, if some position in the order suits both: an optimizer's
moments and weights, a batch norm's two sums, the loss of a softmax and its gradient.

Before: m' = f(m, g);  v' = h(v, g);  w' = k(w, m', v')            three kernels over one space
After:  m', v', w' = one kernel, which reads g once and m' and v' from registers
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from penstock._src.compiler.fusion.column_sums import sum_on_tiles
from penstock._src.compiler.fusion.groups import FusionGroup, RowSpace
from penstock._src.compiler.fusion.partition import Partition
from penstock._src.compiler.fusion.storing import LARGE
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.kernels.stored_blocks import MOST_READS, SMALL, blocks_of, extents
from penstock._src.compiler.recognize.streams import common_stream
from penstock._src.ir.extents.dims import Extent, is_large, is_one, is_symbolic
from penstock._src.ir.meaning.orientation import reads_across_rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags

MOST_OUTPUTS = 12
OPEN = 6  # groups that a new one is compared with


def merge(partition: Partition) -> Partition:
    """The partition with groups merged where that saves time, in the function and in those nested in it."""
    nested = {inner: merge(part) for inner, part in partition.nested.items()}
    groups = _merged(partition)
    stored = set(partition.stored)
    # A check of bounds stores nothing, and stays.
    groups = [g for g in _unread_left_out(groups, partition, stored) if g.nodes or g.kernel]
    partition = replace(partition, stored=frozenset(stored), nested=nested)
    if "epilogues" not in flags.disable:
        groups = sum_on_tiles(groups, partition.is_leaf, partition.recognized.streams)
    return replace(partition, groups=tuple(groups))


def _unread_left_out(
    groups: list[FusionGroup], partition: Partition, stored: set[int]
) -> list[FusionGroup]:
    """The groups without the nodes that only their own kernel reads; these are removed from `stored`."""
    wanted = {home(node).id for node in partition.function.roots}
    wanted.update(*[group.reads for group in groups])
    kept = []
    for group in groups:
        # Other kernels are built already, with all of their outputs.
        unread = {n.id for n in group.nodes} - wanted if group.kernel is None else None
        if unread:
            group = group.without(unread)
            stored -= unread
        kept.append(group)
    return kept


@dataclass(eq=False)
class _Open:
    """A group that others may join. `waits`: True if it may be launched later than at its position. `stream`: of
    all its nodes."""

    kind: str
    nodes: list[Node]
    roots: list[Node | None]
    reads: set[int]
    space: Any
    rows: RowSpace | None
    position: int
    waits: bool
    stream: int | None
    node_ids: set[int] = field(default_factory=set)
    group: FusionGroup | None = None  # while nothing was added

    def closed(self) -> FusionGroup:
        return self.group or FusionGroup(
            self.kind, tuple(self.nodes), frozenset(self.reads), tuple(self.roots), self.space,
            self.rows,
        )  # fmt: skip

    @property
    def stores(self) -> int:
        """The number of arrays, or parts of arrays, that its kernel writes."""
        return sum(len(blocks_of(n)) for n in self.nodes)

    @property
    def elements(self) -> int:
        """The number of elements of its space, for the current sizes."""
        root = self.roots[0]
        return self.nodes[0].size if root is None else root.args[0].size

    @property
    def is_plain(self) -> bool:
        """True if each node is stored as a whole, by one store."""
        return all(blocks_of(n)[0].value is n for n in self.nodes)

    def spaces(self) -> list[Any]:
        """The keys under which candidates for merging are found: its space, and its elements if it could become a group of rows."""
        if self.kind == "map":
            return [self.space, ("rows", self.space[1])] if self.is_plain else [self.space]
        return [self.space] if self.rows is None else [self.space, ("rows", self.rows.extents)]


def _opened(partition: Partition) -> list[_Open]:
    """The groups, ready for merging. A group that computes the condition of a check may not wait: variables may not change before
    the check is evaluated (plan/early_checks.py)."""
    function = partition.function
    checks = function.checks if function.updates else ()
    conditions = {home(check.condition).id for check in checks}
    opened = []
    for i, g in enumerate(partition.groups):
        ids = {n.id for n in g.nodes}
        waits = conditions.isdisjoint(ids)
        opened.append(
            _Open(
                kind=g.kind,
                nodes=list(g.nodes),
                roots=list(g.roots),
                reads=set(g.reads),
                space=g.space,
                rows=g.rows,
                position=i,
                waits=waits,
                stream=common_stream(partition.recognized.streams, g.nodes),
                node_ids=ids,
                group=g,
            )
        )
    return opened


def _merged(partition: Partition) -> list[FusionGroup]:
    """The merged groups, each after the groups whose results it reads."""
    groups = _opened(partition)
    merger = _Merger(partition.by_id, partition.is_leaf, partition.in_loop)
    for group in groups:
        for node in group.nodes:
            merger.maker[node.id] = group
        for i in group.reads:
            merger.readers.setdefault(i, {})[id(group)] = group
    open_by_space: dict[Any, list[_Open]] = {}
    gone: set[int] = set()
    for group in groups:
        if group.space is None:
            continue
        lists = [open_by_space.setdefault(space, []) for space in group.spaces()]
        current = group
        # The latest first: fewer kernels lie between, whose positions could forbid the join.
        for earlier in dict.fromkeys(g for known in lists for g in reversed(known[-OPEN:])):
            # A join moves a group: an earlier one may now come after the current one.
            if id(earlier) in gone or earlier is current or earlier.position > current.position:
                continue
            if merger.join(earlier, current):
                gone.add(id(current))
                current = earlier  # which others may join by now
        if current is group:
            for known in lists:
                known.append(group)
    left = sorted([g for g in groups if id(g) not in gone], key=lambda g: g.position)
    return [g.closed() for g in left]


@dataclass
class _Merger:
    """Joins groups of one partition.

    is_leaf     True if kernels read a node from memory
    unrelated   True if groups without common inputs are merged: worth it where launches are many and small
    maker       for a stored node, the group that computes it
    readers     for a stored node, the groups that read it, by identity
    """

    by_id: Mapping[int, Node]
    is_leaf: Callable[[Node], bool]
    unrelated: bool
    maker: dict[int, _Open] = field(default_factory=dict)
    readers: dict[int, dict[int, _Open]] = field(default_factory=dict)

    def join(self, a: _Open, b: _Open) -> bool:
        """Adds b to a and returns True, if that is possible and saves time."""
        # Streams run side by side, each with kernels of its own.
        if a.stream != b.stream:
            return False
        rows = a.rows or b.rows
        as_rows = "rows" in (a.kind, b.kind) or a.kind != b.kind
        if as_rows:
            agree = a.rows in (None, rows) and b.rows in (None, rows)
            if not agree or not a.is_plain or not b.is_plain:
                return False
            if self._turns_rows(a) or self._turns_rows(b):
                return False
        elif a.space != b.space:
            return False
        if (
            not self._pays(a, b)
            or a.stores + b.stores > MOST_OUTPUTS
            or len(a.reads | b.reads) > MOST_READS
        ):
            return False
        ends = zip(b.nodes, b.roots)
        # Within the merged kernel a result exists only as the element, or row, that is being computed.
        # Nothing is stored between them: the reader takes the value of its own element.
        if a.node_ids & b.reads and not all(_same_place(*end, a, rows) for end in ends):
            return False
        if not self._find_position(a, b):
            return False
        self._add(a, b)
        a.rows, a.waits = rows, a.waits and b.waits
        if as_rows:
            a.kind = "rows"
        return True

    def _pays(self, a: _Open, b: _Open) -> bool:
        """True if two groups read a common node, or one reads a result of the other."""
        common = (a.reads & b.reads) | (a.node_ids & b.reads)
        # Streams side by side are slower where they share nothing large.
        if is_large(a.elements, SMALL + 1):
            common = {i for i in common if i in a.node_ids or self._is_comparable(i, a.elements)}
        return bool(common or self.unrelated and a.kind == b.kind == "map")

    def _is_comparable(self, number: int, elements: Extent) -> bool:
        """True if a node has about as many elements. Unknown extents count as large, so that one program serves all."""
        size = self.by_id[number].size
        if is_symbolic(size) or is_symbolic(elements):
            return is_symbolic(size)
        return 4 * size >= elements

    def _turns_rows(self, group: _Open) -> bool:
        """True if a group of elements is better computed in blocks than row by row, as it reads a large array across its rows."""
        if group.kind != "map" or not is_large(group.elements, LARGE):
            return False
        return any(
            reads_across_rows(block.value, self.is_leaf)
            for node in group.nodes
            for block in blocks_of(node)
        )

    def _find_position(self, a: _Open, b: _Open) -> bool:
        """True if there is a position after all inputs and before all readers of both: that of a, or that of b, to which a is then moved."""
        # b moves up to a if everything that it reads exists there.
        if all(
            i in a.node_ids or i not in self.maker or self.maker[i].position < a.position
            for i in b.reads
        ):
            return True
        # Else a moves down to b, past kernels that do not read its results.
        # A reader between the two positions would then come before its array is stored.
        waits = a.waits and all(
            reader is b or not a.position < reader.position <= b.position
            for i in a.node_ids
            for reader in self.readers.get(i, {}).values()
        )
        if waits:
            a.position = b.position
        return waits

    def _add(self, a: _Open, b: _Open) -> None:
        a.nodes += b.nodes
        a.roots += b.roots
        a.node_ids |= b.node_ids
        a.reads = (a.reads | b.reads) - a.node_ids
        a.group = None
        for node in b.nodes:
            self.maker[node.id] = a
        for i in b.reads:
            # Later merges look at positions of groups: b's are a's from now on.
            del self.readers[i][id(b)]
            self.readers[i][id(a)] = a


def _same_place(node: Node, root: Node | None, group: _Open, rows: RowSpace | None) -> bool:
    """True if a nest needs, for each element of a node, only the same element (or row) of another group's results.

    All paths of arguments are followed; each node is read at the current "element", its "row", or "other".
    """
    kinds = {n.id: "element" if r is None else "row" for n, r in zip(group.nodes, group.roots)}
    # Only the update is read at the result's elements; the array and the starts are read elsewhere.
    others = [a for a in node.args if node.kind == "dynamic_update_slice" and a is not node.args[1]]
    pending = [(a, "other") for a in others]
    if root is None:
        pending += [(b.value, "element") for b in blocks_of(node)]
    else:
        pending.append((node, "row"))
    seen: set[tuple[int, str]] = set()
    first = min(kinds)
    while pending:
        current, place = pending.pop()
        if kinds.get(current.id, place) != place:
            return False
        # A node older than all of the group cannot depend on it.
        if current.id in kinds or current.id < first or (current.id, place) in seen:
            continue
        seen.add((current.id, place))
        onward = _place_of_arguments(current, place, rows)
        pending += [(arg, onward) for arg in current.args]
    return True


def _place_of_arguments(node: Node, place: str, rows: RowSpace | None) -> str:
    """The position at which a node reads its arguments, if it is itself read at `place`."""
    if place == "other" or node.kind in ELEMENTWISE:
        return place
    if node.kind == "reshape" and extents(node) == extents(node.args[0]):
        return place
    if rows is None:
        return "other"
    if node.kind == "broadcast" and place == "element" and _along_rows(node, rows):
        return "row"
    if node.kind == "reduce" and place == "row" and RowSpace.of(node) == rows:
        return "element"
    return "other"


def _along_rows(node: Node, rows: RowSpace) -> bool:
    """True if a broadcast repeats one number along each row."""
    if tuple(extents(node)) != rows.extents:
        return False
    (arg,) = node.args
    long = [a for a, e in enumerate(node.shape) if not is_one(e)]
    # One number a row: the argument has exactly the axes before the reduced ones.
    mapped = [a for a, e in zip(node.attrs["axes"], arg.shape) if not is_one(e)]
    return mapped == long[: -rows.inner]
