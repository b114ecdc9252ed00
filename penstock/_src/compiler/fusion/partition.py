"""A function's nodes -> kernels.

A node has memory of its own (is *stored*) only if it must: it is a result, a reduction, a contraction or another node
with an emitter of its own, or such a node reads it; or if computing it again in every consumer would cost more than
reading it.  Everything else is computed inside the kernels that want it.  `stored` is the one decision; `verify` holds
every kernel's leaves against it.

    elementwise nodes     stored if two consumers would each read three or more arrays for it, if the expression is
                          long, or if a consumer reads elements many times (broadcast along rows, gather, windows)
    movements             never stored unless memory of that layout is asked for
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock._src.compiler.fusion.column_sums import sum_on_tiles
from penstock._src.compiler.fusion.costs import cost_of
from penstock._src.compiler.fusion.merge import Rows, Unit, map_space, merge, reduction_space
from penstock._src.compiler.kernels.contraction import (
    ELEMENTWISE,
    ContractKernel,
    EpilogueExpression,
    final_of,
    write_epilogue,
)
from penstock._src.compiler.kernels.inline import RULES, is_splat
from penstock._src.compiler.kernels.kernel import (
    BoundsKernel,
    Kernel,
    NestKernel,
    SpecialKernel,
    home,
    map_nest,
    piece_nest,
)
from penstock._src.compiler.kernels.reductions import reduction_kernels, row_kernel
from penstock._src.compiler.kernels.stored_blocks import is_regular, runs_of
from penstock._src.compiler.recognize.attention import Attention, AttentionKernel, find_attentions
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError, UnimplementedError
from penstock._src.ir import dims
from penstock._src.ir.dims import shape_key
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

SPECIAL = frozenset({"scan", "sort", "scatter", "random_bits", "while", "case"})
ALWAYS_STORED = frozenset({"reduce", "arg_reduce", "contract", "dynamic_update_slice"}) | SPECIAL
LONG = 60  # operations of an expression that several kernels should not each compute
DEEP = 40  # nodes of an expression: beyond, it is stored however many want it
HOISTED = 40  # cost of what may be computed again for every row
MOST_PIECES = 4  # of a concat that is not stored: each element chooses among them
LONGEST_ROW = 4096  # elements of a row that a kernel may go over several times
REPEATED = 2  # cost of what may be computed again for every element of a larger array


def in_memory_already(node: Node) -> bool:
    """Whether a node lies in memory without being computed: an argument, a variable, a known array, a loop's result."""
    if node.kind == "constant":
        return not is_splat(node)
    return node.kind in ("parameter", "read", "item")


@dataclass(frozen=True)
class Options:
    """Choices of a partition.

    match    recognises a contraction that has an emitter of its own (None: all are loop nests)
    epilogues    whether contractions and reductions take elementwise consumers along
    merge    whether kernels over one space become one
    rows     whether short rows are reduced again by every kernel that works on them
    attention  whether attentions are kernels of their own, whose scores are not stored
    """

    match: Callable[[Node], Any] | None = None
    epilogues: bool = True
    merge: bool = True
    rows: bool = True
    attention: bool = True

    @classmethod
    def from_flags(cls, match: Callable[[Node], Any]) -> Options:
        """All of it, less what PENSTOCK_DISABLE names: contractions, epilogues, merge, rows, attention."""
        off = {name.strip() for name in flags.disable.split(",")}
        chosen = None if "contractions" in off else match
        names = "epilogues", "merge", "rows", "attention"
        return cls(chosen, *[name not in off for name in names])


class Partition:
    """The kernels of one function, in order, and the ids of the nodes they store."""

    def __init__(self, function: Function, options: Options | None = None, inner: bool = False):
        """`inner`: of a loop's body, where launches count for more."""
        self.function, self.options, self.inner = function, options or Options(), inner
        self.nodes = function.nodes()
        self.users: dict[int, list[Node]] = {n.id: [] for n in self.nodes}
        for node in self.nodes:
            for arg in dict.fromkeys(node.args):
                self.users[arg.id].append(node)
        self.stored: set[int] = set()
        self.inside: set[int] = set()  # nodes that exist only in a contraction's epilogue
        self.matches: dict[int, Any] = {}
        self.by_id: dict[int, Node] = {}
        self._feeding: dict[tuple[int, Any], bool] = {}
        self.leaves: dict[int, frozenset[int]] = {}
        self.finals: dict[int, Node] = {}  # final node's id -> its contraction
        self.reads: dict[int, frozenset[int]] = {}  # stored node's id -> what its expression reads
        self.ends: dict[int, Node] = {}  # id of a node that ends a reduction -> the reduce node
        self.attended: dict[int, Attention] = {}  # id of what an attention's kernels store -> it
        self._match_attention()
        self._match_contractions()
        self._end_reductions()
        # ends of reductions that are computed again in every row that wants them, and where they begin
        self.in_rows: set[int] = set()
        self.row_roots: set[int] = set()
        if self.options.rows:
            self._find_row_reductions()
        self._choose()
        self.kernels = self._make_kernels()
        self.makers: dict[int, list[int]] = {}  # numbers of the kernels that make a node
        self.last_reader: dict[int, int] = {}  # number of the last kernel that reads a node
        self.verify()

    def is_leaf(self, node: Node) -> bool:
        """Whether kernels read a node from memory."""
        return node.id in self.stored or in_memory_already(node)

    # -- attention
    def _match_attention(self) -> None:
        if self.options.match is None or not self.options.attention:
            return
        wanted = {home(node).id for node in self.function.roots}
        for found in find_attentions(self.nodes, self.users, lambda n: home(n).id in wanted):
            self.inside.update(n.id for n in found.never_stored)
            self.attended.update((n.id, found) for n in found.made)

    def _attention(self, node: Node) -> AttentionKernel | None:
        """The kernel that is launched where a node of an attention is due: the backward one where its first is."""
        found = self.attended[node.id]
        sources = [home(n) for n in found.sources]
        if node is found.output:
            epilogues = [self._epilogue(found.scores, found.logits)]
            read = [*sources[:3], *_operands(epilogues)]
            return AttentionKernel(found.outputs, read, found, epilogues=epilogues)
        gradient = found.gradient
        if gradient is None or node is not min(gradient.outputs, key=lambda n: n.id):
            return None
        epilogues = [
            self._epilogue(found.scores, found.logits),
            self._epilogue(gradient.scores, gradient.final),
        ]
        read = [*sources, *found.outputs, *_operands(epilogues)]
        return AttentionKernel(gradient.outputs, read, found, True, epilogues)

    def _is_attended(self, node: Node) -> bool:
        """Whether a node is made in an attention's kernel."""
        return node.id in self.attended or node.id in self.inside

    def _epilogue(self, root: Node, final: Node) -> EpilogueExpression | None:
        """The elementwise nodes from scores to what is made of them."""
        if final is root:
            return None
        epilogue = write_epilogue(root, final, 1, self.is_leaf)
        if epilogue is None:
            raise InternalError(None, None, f"{final!r} does not fit the tiles of {root!r}.")
        return epilogue

    # -- contractions
    def _match_contractions(self) -> None:
        wanted = {home(node).id for node in self.function.roots}
        for node in self.nodes:
            if node.kind != "contract" or self.options.match is None or self._is_attended(node):
                continue
            found = self.options.match(node)
            if found is None:
                continue
            self.matches[node.id] = found
            final = node
            if self.options.epilogues and (node.dtype.is_floating or node.dtype == dtypes.int32):
                final, inside = final_of(node, self.users, lambda n: home(n).id in wanted)
                if any(n.id in self.inside or n.id in self.finals for n in (final, *inside)):
                    final, inside = (
                        node,
                        [],
                    )  # another contraction's epilogue already: a sum of two products
                self.inside.update(n.id for n in (node, *inside) if n is not final)
            self.finals[final.id] = node

    # -- reductions
    def _end_reductions(self) -> None:
        """A reduction takes along the elementwise nodes of its shape of which each alone consumes the one before."""
        wanted = {home(node).id for node in self.function.roots}
        for node in self.nodes:
            if node.kind != "reduce" or self._is_attended(node):
                continue
            end, length = node, 0
            while self.options.epilogues and end.id not in wanted and len(self.users[end.id]) == 1:
                (user,) = self.users[end.id]
                if (
                    user.kind not in (*ELEMENTWISE, "compare")
                    or user.id in self.inside
                    or user.id in self.finals
                ):
                    break
                if any(a.id in self.ends_of(user) for a in user.args if a is not end):
                    break
                if length == DEEP:
                    break
                end, length = user, length + 1
            step = node
            while step is not end:
                self.inside.add(step.id)
                (step,) = self.users[step.id]
            if end.id in self.ends:  # of another reduction already: this one stands for itself
                self.inside.difference_update(self._chain(node, end))
                end = node
            self.ends[end.id] = node

    def ends_of(self, user: Node) -> set[int]:
        """Ids of nodes that are part of another reduction's end."""
        return {a.id for a in user.args if a.kind == "reduce" or a.id in self.inside}

    def _chain(self, node: Node, end: Node) -> list[int]:
        found = []
        while node is not end:
            found.append(node.id)
            (node,) = self.users[node.id]
        return found

    def _find_row_reductions(self) -> None:
        """Reductions along the last axis that only serve rows of the reduced array's own shape (softmax, layer norm)."""
        wanted = {home(node).id for node in self.function.roots}
        for end in reversed(self.nodes):
            root = self.ends.get(end.id)
            if root is None or end.id in wanted:
                continue
            (x,) = root.args
            extent = x.shape[-1] if x.shape else 0
            short = type(extent) is int and 1 < extent <= LONGEST_ROW
            if (
                tuple(root.attrs["axes"]) == (len(x.shape) - 1,)
                and short
                and self._serves_rows(end, x)
            ):
                self.in_rows.add(end.id)
                self.row_roots.add(root.id)

    def _serves_rows(self, end: Node, x: Node) -> bool:
        """Whether a row's number is only broadcast along that row, in one place."""
        node, lead = end, len(x.shape) - 1
        while len(self.users[node.id]) == 1:
            (user,) = self.users[node.id]
            if user.kind == "reshape" and [e for e in user.shape if e != 1] == [
                e for e in end.shape if e != 1
            ]:
                node = user
                continue
            same = user.kind == "broadcast" and shape_key(user.shape) == shape_key(x.shape)
            straight = same and all(
                e == 1 or a < lead for e, a in zip(node.shape, user.attrs["axes"])
            )
            takers = self.users[user.id]
            return (
                straight
                and len(takers) <= 2
                and not any(u.id in self.inside or u.id in self.finals for u in takers)
            )
        return False

    def _feeds_rows(self, node: Node, shape: Any) -> bool:
        """Whether a node of a shape (a `shape_key`) is only used for reductions that are computed in rows."""
        pending = [node]
        while pending:
            current = pending[-1]
            if (current.id, shape) in self._feeding:
                pending.pop()
                continue
            onward = self._rows_need(current, shape)
            unknown = (
                [] if onward is None else [u for u in onward if (u.id, shape) not in self._feeding]
            )
            if unknown:
                pending += unknown
                continue
            feeds = onward is not None and all(self._feeding[u.id, shape] for u in onward)
            self._feeding[current.id, shape] = feeds
            pending.pop()
        return self._feeding[node.id, shape]

    def _rows_need(self, node: Node, shape: Any) -> list[Node] | None:
        """The users that must feed rows for a node to do so; None if it does not whatever they do."""
        if node.kind == "reduce":
            return [] if node.id in self.row_roots else None
        plain = node.kind in (*ELEMENTWISE, "compare") and shape_key(node.shape) == shape
        return self.users[node.id] if plain and node.id not in self.finals else None

    def _stays_in_rows(self, node: Node) -> bool:
        """Whether all that uses a node with reductions in it is one kernel over the same rows."""
        shape = shape_key(node.shape)
        others = [u for u in self.users[node.id] if not self._feeds_rows(u, shape)]
        if not others:
            return bool(self.users[node.id])
        (user, *more) = others
        plain = user.kind in (*ELEMENTWISE, "compare") and shape_key(user.shape) == shape
        return plain and not more and user.id not in self.finals and user.id not in self.inside

    # -- what has memory
    def _choose(self) -> None:
        demanded = set()
        for node in self.function.roots:
            demanded.add(home(node).id)
        for found in self.matches.values():
            demanded.update((home(found.left).id, home(found.right).id))
        for attention in self.attended.values():
            demanded.update(home(n).id for n in attention.sources)
        for node in self.nodes:
            if node.kind in SPECIAL:
                demanded.update(home(a).id for a in self._wanted_in_memory(node))
            if node.kind == "gather" and node.attrs["mode"] == "error":
                demanded.add(home(node.args[1]).id)
            if node.kind == "bitcast" and node.dtype.size != node.args[0].dtype.size:
                demanded.add(node.args[0].id)
        inside: dict[int, frozenset[int]] = {}  # the nodes computed with a node
        leaves = self.leaves = {}  # the arrays read for it
        cost: dict[int, int] = {}
        by_id = self.by_id = {n.id: n for n in self.nodes}
        for node in self.nodes:
            if in_memory_already(node) or node.results is not None or node.dtype == dtypes.resource:
                inside[node.id], leaves[node.id], cost[node.id] = (
                    frozenset(),
                    frozenset((node.id,)),
                    0,
                )
                continue
            if node.kind not in RULES and node.kind not in SPECIAL:
                raise UnimplementedError(None, None, f"{node.kind}: not in compiled code.")
            own = frozenset((node.id,)).union(*[inside[a.id] for a in node.args])
            read = frozenset().union(*[leaves[a.id] for a in node.args])
            weight = sum(cost_of(by_id[i]) for i in own)
            if node.id in self.inside:
                inside[node.id], leaves[node.id], cost[node.id] = own, read, weight
                continue
            if (
                node.id in demanded
                or node.id in self.attended
                or (node.kind in ALWAYS_STORED and node.id not in self.in_rows)
                or node.id in self.finals
                or (node.id in self.ends and node.id not in self.in_rows)
                or (
                    not self.in_rows.isdisjoint(own)
                    and node.id not in self.in_rows
                    and self._leaves_rows(node)
                )
                or self._worth_storing(node, own, read, weight, by_id)
            ):
                if node.kind not in ("constant", "size", "iota") or node.id in demanded:
                    self.stored.add(node.id)
                    self.reads[node.id] = read
                    own, read, weight = frozenset(), frozenset((node.id,)), 0
            inside[node.id], leaves[node.id], cost[node.id] = own, read, weight

    def _wanted_in_memory(self, node: Node) -> list[Node]:
        """The arguments of a special node that must lie in memory: all, but the first values of a loop's state."""
        args = [a for a in node.args if a.dtype != dtypes.resource]
        if node.kind == "scatter":
            return args[1:]  # the first is copied to the result's place
        if node.kind != "while":
            return args
        first, rest = args[: node.attrs["carried"]], args[node.attrs["carried"] :]
        return [
            *rest,
            *[a for a in first if len(self.users[a.id]) > 1 or a.kind not in RULES or a in rest],
        ]

    def _leaves_rows(self, node: Node) -> bool:
        """Whether a node that has a row's reduction in it must be stored."""
        if node.kind in ("reshape", "broadcast") or not node.shape:
            return False
        return not self._stays_in_rows(node)

    def _worth_storing(self, node, own, read, weight, by_id) -> bool:
        if node.kind in ("reshape", "broadcast", "size", "constant", "iota"):
            return False
        if len(own) > DEEP:
            return True
        if node.kind in ("transpose", "slice", "reverse"):
            return False
        users = self.users[node.id]
        if node.kind == "concat" and len(node.args) > MOST_PIECES:
            return True
        if len(users) > 1:
            if weight > LONG:
                return True
            size = int(node.size)
            if (
                size > 1
                and sum(int(by_id[i].size) == size for i in read if by_id[i].dtype is not None) >= 3
            ):
                return True
        return any(self._reads_often(user, node, node, weight) for user in users)

    def _reads_often(self, user: Node, arg: Node, node: Node, weight: int) -> bool:
        """Whether a consumer would compute an element of `node` many times, at a cost that matters."""
        if user.kind == "contract":
            if user.id in self.matches:
                return False
            return weight > 0 or node.kind in (
                "gather",
                "concat",
                "pad",
                "windows",
                "dynamic_slice",
            )
        if user.kind in ("gather", "windows"):
            return user.args[0] is arg and weight > REPEATED
        if user.kind == "broadcast":
            if int(user.size) == int(arg.size):
                return False
            last = user.shape[-1] if user.shape else 1
            along_rows = bool(arg.shape) and len(user.shape) - 1 in user.attrs["axes"]
            varies = along_rows and arg.shape[-1] != 1 and last != 1
            return weight > (REPEATED if varies else HOISTED)
        if user.kind in ("reshape", "transpose", "slice"):
            return any(self._reads_often(u, user, node, weight) for u in self.users[user.id])
        return False

    # -- kernels
    def _make_kernels(self) -> list[Kernel]:
        kernels: list[Kernel] = []
        units = self._units()
        if self.options.merge:
            self._hold_conditions(units)
            units = merge(units, self.by_id, self.inner)
            self._forget(units)
            units = [u for u in units if u.nodes or u.kind == "other"]
            if self.options.epilogues:
                sum_on_tiles(units, self.is_leaf)
        for unit in units:
            if unit.kind == "pieces":
                (node,) = unit.nodes
                for run in runs_of(node, lambda n: {m.id for m in self._memory_of(n)}):
                    kernels.append(piece_nest(node, run, self.is_leaf))
            elif unit.kind == "map":
                kernels.append(self._map(unit.nodes))
            elif unit.kind == "reduction":
                kernels += reduction_kernels(unit.nodes, unit.reduced, self.is_leaf)
            elif unit.kind == "rows":
                kernels.append(row_kernel(unit.nodes, unit.roots, self.is_leaf))
            else:
                kernels.append(unit.extra)
        return kernels

    def _hold_conditions(self, units: list[Unit]) -> None:
        """Keeps what checks ask for early: variables may not change before they are looked at (plan/stops.py)."""
        checks = self.function.checks if self.function.updates else ()
        conditions = {home(check.condition).id for check in checks}
        for unit in units:
            unit.waits = conditions.isdisjoint(unit.made)

    def _forget(self, units: list[Unit]) -> None:
        """Keeps nodes out of memory that by now only the kernel that makes them reads."""
        wanted = {home(node).id for node in self.function.roots}
        wanted.update(*[u.reads for u in units])
        for unit in units:
            unused = {n.id for n in unit.nodes} - wanted if unit.kind != "other" else set()
            if unused:
                unit.forget(unused)
                self.stored -= unused

    def _units(self) -> list[Unit]:
        units: list[Unit] = []
        for node in self.nodes:
            if node.kind == "gather" and node.attrs["mode"] == "error":
                check = BoundsKernel(
                    [], [home(node.args[1])], node, node.args[0].shape[node.attrs["axis"]]
                )
                units.append(_other(check))
            if node.kind in SPECIAL:
                units.append(_other(self._special(node)))
            elif node.id in self.attended:
                attention = self._attention(node)
                units += [_other(attention)] if attention else []
            elif node.id in self.finals:
                units.append(_other(self._contraction(node, self.finals[node.id])))
            elif node.id in self.ends and node.id in self.stored:
                root = self.ends[node.id]
                space = reduction_space(root)
                reads = set(self.reads[node.id])
                units.append(Unit("reduction", [node], reads, space, [root], Rows.of(root)))
            elif node.id in self.stored and node.kind == "concat" and not is_regular(node):
                units.append(Unit("pieces", [node], set(self.reads[node.id])))
            elif node.id in self.stored:
                units.append(Unit("map", [node], set(self.reads[node.id]), map_space(node)))
        return units

    def _contraction(self, final: Node, node: Node) -> ContractKernel:
        found = self.matches[node.id]
        sources = [home(found.left), home(found.right)]
        if final is node:
            return ContractKernel([final], sources, node, found)
        epilogue = write_epilogue(node, final, found.columns, self.is_leaf)
        if epilogue is None:
            raise InternalError(None, None, f"{final!r} does not fit the tiles of {node!r}.")
        operands = epilogue.slots[1:]
        return ContractKernel([final], [*sources, *operands], node, found, epilogue, operands)

    def _map(self, nodes: list[Node]) -> NestKernel:
        """The nest of a unit; it also reads the arrays of which its nodes replace blocks."""
        kernel = map_nest(nodes, self.is_leaf)
        for node in nodes:
            if node.kind == "dynamic_update_slice":
                kernel.inputs += [
                    x for x in self._memory_of(node.args[0]) if x not in kernel.inputs
                ]
        return kernel

    def _memory_of(self, node: Node) -> list[Node]:
        """The stored nodes and leaves from which a node is read."""
        if self.is_leaf(home(node)):
            return [home(node)]
        return [self.by_id[i] for i in self.leaves[node.id]]

    def _special(self, node: Node) -> SpecialKernel:
        outputs = (
            [node] if node.results is None else [u for u in self.users[node.id] if u.kind == "item"]
        )
        inputs = []
        for a in node.args:
            if a.dtype == dtypes.resource:
                continue
            inputs += self._memory_of(a)
        return SpecialKernel(outputs, inputs, node)

    def verify(self) -> None:
        """Every leaf of every kernel lies in memory, and is made by an earlier kernel."""
        for number, kernel in enumerate(self.kernels):
            for leaf in kernel.inputs:
                self.last_reader[leaf.id] = number
                if not in_memory_already(leaf) and leaf.id not in self.makers:
                    raise InternalError(
                        None,
                        None,
                        f"{kernel.label} reads {leaf!r}, which no earlier kernel stores.",
                    )
            for node in kernel.outputs:
                self.makers.setdefault(node.id, []).append(number)


def _operands(epilogues: list[EpilogueExpression | None]) -> list[Node]:
    """What epilogues read besides their root."""
    return [n for epilogue in epilogues if epilogue is not None for n in epilogue.slots[1:]]


def _other(kernel: Kernel) -> Unit:
    """A unit that is a kernel already."""
    return Unit("other", list(kernel.outputs), {n.id for n in kernel.inputs}, extra=kernel)


def bytes_of(node: Node) -> int:
    """Bytes of a node's elements."""
    return int(dims.product(node.shape)) * node.dtype.size


__all__ = ["NestKernel", "Partition", "bytes_of", "home", "in_memory_already"]
