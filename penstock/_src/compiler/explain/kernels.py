"""A plan's kernels: the launches of each, its computation, loads and stores, and its operations."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from penstock._src.compiler.explain.costs import bytes_of
from penstock._src.compiler.explain.origins import (
    folded_operations,
    forward_operations,
    is_literal,
    kernel_operations,
)
from penstock._src.compiler.explain.records import KernelRecord, Stored
from penstock._src.compiler.fusion.column_sums import TASKS
from penstock._src.compiler.fusion.partition import in_memory_already
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.plan.buffers import memory_of
from penstock._src.compiler.plan.launch_table import STATUS, Launch, Record
from penstock._src.compiler.plan.plan import Plan
from penstock._src.graph.operation import Operation
from penstock._src.ir.extents.values import Values
from penstock._src.ir.function import Function, bodies
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.control import total_flops
from penstock._src.util.dataclass import dataclass

SILENT = frozenset({"constant", "iota", "size", "item", "parameter", "read"})
MOVEMENTS = frozenset({"broadcast", "reshape", "bitcast", "transpose", "slice", "pad", "reverse"})


def kernel_records(
    plan: Plan,
    equal: Mapping[int, Sequence[Operation]],
    operations: Sequence[Operation],
    number: int,
) -> list[KernelRecord]:
    """A program's kernels.

    Args:
      plan: its plan.
      equal: further operations that have a node's value, by the node's id.
      operations: those that were lowered, in the graph's order.
      number: of the first kernel.
    """
    with shown_extents(plan.extents):
        return _records(plan, equal, operations, number)


def shown_extents(extents: Values) -> Values:
    """Numbers of unknown extents for reports; sums of tasks are shown as if there were one task."""
    return Values({**extents.symbols, TASKS: 1})


def _records(
    plan: Plan,
    equal: Mapping[int, Sequence[Operation]],
    operations: Sequence[Operation],
    number: int,
) -> list[KernelRecord]:
    """The kernels, within numbers of extents."""
    function, groups = plan.function, list(kernel_groups(plan.launches))
    parts = compute_kernels([group.nodes for group in groups])
    direct = [kernel_operations(part.nodes, equal) for part in parts]
    folded = folded_operations(operations, direct)
    known = {t._id: op for ops in (operations, *direct) for op in ops for t in op._outputs[:1]}
    roles, rounds = _roles(function), _rounds(function)
    return [
        KernelRecord(
            number=number + i,
            label=str(group.launches[-1].label),
            emitter=group.launches[-1].code.emitter,
            schedule=group.launches[-1].schedule,
            computes=_what(group, part),
            nodes=part.nodes,
            operations=own,
            forward=forward_operations(own, known),
            folded=tuple(more),
            stored=tuple(_stored(group, roles)),
            read=part.read,
            flops=0 if part.copies else total_flops(part.nodes),
            bytes=sum(map(bytes_of, (*part.read, *group.nodes))),
            tasks=max(launch.tasks for launch in group.launches),
            records=tuple(group.records),
            rounds=rounds.get(group.nodes[0].id, 1) if group.nodes else 1,
            stream=group.launches[0].stream,
        )
        for i, (group, part, own, more) in enumerate(zip(groups, parts, direct, folded))
    ]


@dataclass
class Group:
    """The launches of one kernel. `records` are their numbers in the launch table."""

    nodes: Sequence[Node]
    launches: list[Launch]
    records: list[int]

    @property
    def checks(self) -> bool:
        """True if the group only checks: it stores nothing but an error's code, which ends the run."""
        return memory_of(self.launches[0].args[0])[0] is STATUS


def kernel_groups(records: Sequence[Record]) -> Iterator[Group]:
    """The launches of a table, kernel by kernel: those of one kernel have one list of the nodes that it makes."""
    group: Group | None = None
    for number, record in enumerate(records):
        if not isinstance(record, Launch):
            continue
        # By identity: two kernels may well have equal lists.
        if group is None or record.nodes is not group.nodes:
            if group is not None:
                yield group
            group = Group(record.nodes, [], [])
        group.launches.append(record)
        group.records.append(number)
    if group is not None:
        yield group


@dataclass
class Part:
    """The nodes of one kernel, and those that it reads. `copies`: it only copies data in memory."""

    nodes: tuple[Node, ...]
    read: tuple[Node, ...]
    copies: bool = False


def compute_kernels(nodes_of_kernels: Sequence[Sequence[Node]]) -> list[Part]:
    """For each kernel, given by the nodes that it stores, the nodes that it computes, up to those that others have stored."""
    stored = {node.id for nodes in nodes_of_kernels for node in nodes}
    known: set[int] = set()
    parts = []
    for nodes in nodes_of_kernels:
        # A copy stores what is stored already: a loop's new state, or a result that is an argument.
        copies = all(n.id in known or (in_memory_already(n) and not _is_made(n)) for n in nodes)
        known.update(n.id for n in nodes)
        own = {n.id for n in nodes}
        parts.append(
            Part(tuple(nodes), tuple(nodes), True) if copies else _part(own, nodes, stored)
        )
    return parts


def _is_made(node: Node) -> bool:
    """True if an item of a node with several results is stored by that node's own kernel, not by a loop's body."""
    return node.kind == "item" and node.args[0].kind not in ("while", "case")


def _part(own: set[int], nodes: Iterable[Node], stored: set[int]) -> Part:
    part: dict[int, Node] = {}
    read: dict[int, Node] = {}
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if node.id in part or node.id in read:
            continue
        # What another kernel stores is read; everything else is computed again here.
        if node.id not in own and (node.id in stored or in_memory_already(node)):
            read[node.id] = node
            continue
        part[node.id] = node
        pending.extend(node.args)
    return Part(
        tuple([part[i] for i in sorted(part)]),
        tuple({home(n).id: home(n) for n in read.values()}.values()),
    )


def _what(group: Group, part: Part) -> str:
    if group.checks:
        return "an error, if what is checked does not hold"
    return "a copy" if part.copies else _computes(part.nodes)


def _stored(group: Group, roles: dict[int, str]) -> list[Stored]:
    outputs = () if group.checks else group.nodes
    return [Stored(n, roles.get(home(n).id, "temporary")) for n in outputs]


def _computes(nodes: Sequence[Node]) -> str:
    """The primitives that compute something, in order, equal ones counted where they begin."""
    counts = Counter(
        _name(n) for n in nodes if n.kind not in SILENT | MOVEMENTS and not is_literal(n)
    )
    if not counts:
        counts = Counter(n.kind for n in nodes if n.kind not in SILENT)
    return ", ".join(name if n == 1 else f"{n} {name}" for name, n in counts.items())


def _name(node: Node) -> str:
    if node.kind == "contract":
        return f"contract {node.attrs['spec']}"
    if node.kind in ("unary", "binary", "compare"):
        return node.op
    return f"{node.kind}_{node.op}" if "op" in node.attrs else node.kind


def _roles(function: Function) -> dict[int, str]:
    """The roles of stored nodes that are not temporaries."""
    numbers = {p.id: i for i, p in enumerate(function.parameters)}
    roles = {home(v).id: f"new value of argument {numbers[h.id]}" for h, v in function.updates}
    return roles | {home(r).id: f"result {i}" for i, r in enumerate(function.results)}


def _rounds(function: Function) -> dict[int, int | None]:
    """The trip counts of loops whose bodies contain nodes, if not 1; None if unknown."""
    rounds_of: dict[int, int | None] = {}

    def look(inner: Function, rounds: int | None) -> None:
        for node in inner.nodes():
            if rounds != 1:
                rounds_of[node.id] = rounds
            trips = node.attrs.get("max_trips") if node.kind == "while" else 1
            # Loops within loops multiply; an unknown count makes all within it unknown.
            within = rounds * int(trips) if rounds is not None and trips is not None else None
            for body in bodies(node):
                look(body, within)

    look(function, 1)
    return rounds_of
