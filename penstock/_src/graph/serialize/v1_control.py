"""Imports TensorFlow 1's control flow nodes: loops become While, conditionals become If.

Before: Enter -> Merge -> Switch(LoopCond) -> ... -> NextIteration -> Merge; Exit
After:  While(cond, body) over one variable for each Merge

A conditional's Switch passes its value to both branches, and its Merge becomes an If that selects one result. Both branches
are computed, so graphs whose branches have side effects are not converted: `is_functional` finds them.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import find, lookup, raw
from penstock._src.core.shapes import UNKNOWN
from penstock._src.graph.control import add_control_dependencies, has_effect
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor

Path = tuple[str, ...]
Side = tuple[str, bool]
JUMPS = frozenset(
    "Switch Merge Enter Exit NextIteration LoopCond RefSwitch RefMerge RefEnter RefExit".split()
)


def split(text: str) -> tuple[str, int]:
    """Splits `node:index`; a control input gives index -1."""
    if text.startswith("^"):
        return text[1:], -1
    name, _, index = text.partition(":")
    return name, int(index or 0)


class Structure:
    """The loop frame of each node, and the conditional branches that it depends on."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.path: dict[str, Path] = {}
        self.sides: dict[str, frozenset[Side]] = {}
        self.loop_conditions = {node.name for node in nodes if node.op == "LoopCond"}
        pending = list(nodes)
        while pending:
            waiting = [node for node in pending if not self._place(node)]
            if len(waiting) == len(pending):
                raise ValueError(f"The graph has a cycle through {waiting[0].name}.")
            pending = waiting

    def _place(self, node: Any) -> bool:
        sources = [split(text) for text in node.input]
        if node.op in ("Merge", "RefMerge"):  # the back edge comes later
            sources = [s for s in sources if self._op(s[0]) != "NextIteration"]
        sources = [s for s in sources if s[0] in self.nodes]
        if any(name not in self.path for name, _ in sources):
            return False
        path: Path = max((self._path_after(name) for name, _ in sources), key=len, default=())
        if node.op in ("Enter", "RefEnter"):
            path = (*path, node.attr["frame_name"].s.decode())
        self.path[node.name] = path
        sides = [self.side_of(name, index) for name, index in sources]
        merged = frozenset().union(*sides)
        if node.op in ("Merge", "RefMerge"):
            both = {p for p, value in merged if (p, not value) in merged}
            merged = frozenset(side for side in merged if side[0] not in both)
        self.sides[node.name] = merged
        return True

    def _op(self, name: str) -> str:
        return self.nodes[name].op if name in self.nodes else ""

    def _path_after(self, name: str) -> Path:
        path = self.path[name]
        return path[:-1] if self._op(name) in ("Exit", "RefExit") else path

    def side_of(self, name: str, index: int) -> frozenset[Side]:
        """Returns the conditionals that an output depends on, each with its branch."""
        sides = self.sides.get(name, frozenset())
        node = self.nodes.get(name)
        if node is not None and node.op in ("Switch", "RefSwitch") and index >= 0:
            if split(node.input[1])[0] not in self.loop_conditions:
                return sides | {(node.input[1], index == 1)}
        return sides


def is_functional(structure: Structure, library: Any) -> bool:
    """True if loops and conditions are exported in TensorFlow 1's form, and branches have no effects and read no variable directly.

    Others are imported as they are, and run node by node."""
    for node in structure.nodes.values():
        if node.op in ("Merge", "RefMerge") and not _is_plain_merge(structure, node):
            return False
        if node.op in ("Enter", "RefEnter") and not _has_condition(
            structure, structure.path[node.name]
        ):
            return False
        if structure.sides[node.name] and _may_have_effect(node, library):
            return False
        if structure.sides[node.name] and _reads_variable(structure, node):
            return False
    return True


def _reads_variable(structure: Structure, node: Any) -> bool:
    """True if a node reads a variable that may be uninitialized if its branch is not taken."""
    sources = [split(text)[0] for text in node.input if not text.startswith("^")]
    return any(structure._op(name) in ("Variable", "VariableV2") for name in sources)


def _is_plain_merge(structure: Structure, node: Any) -> bool:
    sources = [split(text) for text in node.input if not text.startswith("^")]
    kinds = [structure._op(name) for name, _ in sources]
    if len(sources) != 2:
        return False
    if any(kind.endswith("NextIteration") for kind in kinds):
        return any(kind.endswith("Enter") for kind in kinds)
    first, second = (structure.side_of(*source) for source in sources)
    return any((pred, not value) in second for pred, value in first)


def _has_condition(structure: Structure, path: Path) -> bool:
    return sum(structure.path[name] == path for name in structure.loop_conditions) == 1


def _may_have_effect(node: Any, library: Any) -> bool:
    """True if a node may have an effect, judged by its type and the functions that it calls."""
    if node.op in library:
        return library.get(node.op).is_stateful
    kind = lookup(node.op)
    if kind is None or not kind.stateful or kind.effects.reads_only or kind.effects.effect_free:
        return False
    names = [a.func.name for a in node.attr.values() if a.HasField("func")]
    names += [f.name for a in node.attr.values() for f in a.list.func]
    bodies = [library.get(name).graph for name in names]
    return not bodies or any(has_effect(op) for body in bodies for op in body._operations)


class ControlImporter:
    """Adds the nodes of one frame; `importer` adds plain nodes and holds the tensors made so far."""

    def __init__(self, structure: Structure, importer: Any, prefix: str) -> None:
        self.structure, self.importer, self.prefix = structure, importer, prefix
        self.scheduled: set[str] = set()  # the nodes that are being added

    def add_level(self, nodes: Sequence[Any], path: Path) -> None:
        """Adds the nodes of frame `path` and the loops within it."""
        structure, depth = self.structure, len(path)
        self.scheduled = {node.name for node in nodes}
        direct = [n for n in nodes if structure.path[n.name] == path]
        frames: dict[Path, list[Any]] = {}
        for node in nodes:
            inner = structure.path[node.name]
            if len(inner) > depth:
                frames.setdefault(inner[: depth + 1], []).append(node)
        pending: list[Any] = [*direct, *frames.items()]
        while pending:
            waiting = [item for item in pending if not self._try(item)]
            if len(waiting) == len(pending):
                first = waiting[0]
                name = "/".join(first[0]) if isinstance(first, tuple) else first.name
                raise ValueError(f"The graph has a cycle through {name}.")
            pending = waiting

    def _try(self, item: Any) -> bool:
        if isinstance(item, tuple):
            enters = [
                n for n in item[1] if n.op in ("Enter", "RefEnter") and self._is_of(n, item[0])
            ]
            if not all(self._ready(n.input[0]) for n in enters):
                return False
            _Loop(self, item[0], item[1], enters).build()
            return True
        if not all(self._ready(text) for text in item.input):
            return False
        self._add(item)
        return True

    def _is_of(self, node: Any, path: Path) -> bool:
        return self.structure.path[node.name] == path

    def _ready(self, text: str) -> bool:
        name, index = split(text)
        importer = self.importer
        if index < 0:
            done = name in importer.operations or name in importer.replaced
            return done or name not in self.scheduled
        return (
            text in importer.known
            or f"{name}:{index}" in importer.known
            or name in importer.operations
        )

    def know(self, name: str, outputs: Sequence[Any]) -> None:
        """Records the tensors that replace the outputs of a node."""
        self.importer.replaced.add(name)
        for index, tensor in enumerate(outputs):
            self.importer.known[f"{name}:{index}"] = tensor
            if index == 0:
                self.importer.known[name] = tensor

    def _add(self, node: Any) -> None:
        if node.name in self.importer.replaced:
            return
        tensor = self.importer.tensor
        if node.op in ("Switch", "RefSwitch"):
            value = tensor(node.input[0])
            self.know(node.name, [value, value])
        elif node.op in ("Merge", "RefMerge"):
            self.know(node.name, self._merge(node))
        else:
            self.importer._add(node, self.prefix)

    def _merge(self, node: Any) -> list[Any]:
        inputs = [text for text in node.input if not text.startswith("^")]
        first, second = (self.structure.side_of(*split(text)) for text in inputs[:2])
        pred = next((p for p, value in first if (p, not value) in second), None)
        if pred is None or len(inputs) != 2:
            raise UnimplementedError(f"Merge '{node.name}': its conditional was not recognized.")
        values = [self.importer.tensor(text) for text in inputs]
        if (pred, True) in first:
            values.reverse()
        chosen = select(self.importer.tensor(pred), values[1], values[0])
        return [chosen, raw.Cast(x=self.importer.tensor(pred), DstT=dtypes.int32)]


def select(pred: Any, yes: Any, no: Any) -> SymbolicTensor:
    """Adds an If that returns one of two tensors."""
    branches = []
    for index in (0, 1):
        graph = FuncGraph("merge_branch")
        graph.inputs = [graph.placeholder(t.dtype, t.shape, "value") for t in (yes, no)]
        graph.outputs = [graph.inputs[index]]
        branches.append(GraphFunction(graph))
    return raw.StatelessIf(
        cond=pred,
        input=[yes, no],
        Tout=[yes.dtype],
        then_branch=branches[0],
        else_branch=branches[1],
    )[0]


class _Loop:
    """One frame: its variables in the order of their Enter nodes, then the values it reads from outside."""

    def __init__(
        self, outer: ControlImporter, path: Path, nodes: list[Any], enters: list[Any]
    ) -> None:
        self.outer, self.path, self.nodes = outer, path, nodes
        own = [n for n in nodes if outer.structure.path[n.name] == path]
        merges = {split(n.input[0])[0]: n for n in own if n.op in ("Merge", "RefMerge")}
        merges.update({split(n.input[1])[0]: n for n in own if n.op in ("Merge", "RefMerge")})
        self.variables = [e for e in enters if e.name in merges and not e.attr["is_constant"].b]
        self.constants = [e for e in enters if e not in self.variables]
        self.merges = [merges[e.name] for e in self.variables]
        self.condition = next(n for n in own if n.op == "LoopCond")
        by_data = {
            split(n.input[0])[0]: n
            for n in own
            if n.op in ("Switch", "RefSwitch") and split(n.input[1])[0] == self.condition.name
        }
        self.switches = [by_data.get(m.name) for m in self.merges]
        self.nexts = []
        for merge in self.merges:
            names = [split(text)[0] for text in merge.input]
            nodes_by_name = outer.structure.nodes
            self.nexts.append(
                next(nodes_by_name[n] for n in names if nodes_by_name[n].op == "NextIteration")
            )
        self.exits = {split(n.input[0])[0]: n for n in own if n.op in ("Exit", "RefExit")}

    def build(self) -> None:
        """Adds the While and records the tensors that replace the Exit nodes."""
        importer = self.outer.importer
        starts = [importer.tensor(e.input[0]) for e in (*self.variables, *self.constants)]
        cond = self._function(
            "cond", starts, [(m.name, 0) for m in self.merges], [self.condition.input[0]]
        )
        passed = [
            (s.name, 1) if s is not None else (m.name, 0)
            for s, m in zip(self.switches, self.merges, strict=True)
        ]
        waits = [text for n in self.nexts for text in n.input if text.startswith("^")]
        body = self._function("body", starts, passed, [n.input[0] for n in self.nexts], waits)
        count = len(self.variables)
        body = body.with_outputs([*body.outputs, *body.inputs[count:]])
        stateful = cond.is_stateful or body.is_stateful
        kind = "While" if stateful else "StatelessWhile"
        attrs = {"cond": cond, "body": body, "T": tuple(t.dtype for t in starts)}
        name = self.outer.prefix + self.path[-1]
        node = importer.graph.add(complete(find(kind), attrs, True), starts, name)
        for index, switch in enumerate(self.switches):
            leaving = self.exits.get(switch.name) if switch is not None else None
            if leaving is not None:
                self.outer.know(leaving.name, [node.outputs[index]])

    def _function(
        self,
        label: str,
        starts: list[Any],
        variables: list[tuple[str, int]],
        targets: list[str],
        waits: Sequence[str] = (),
    ) -> GraphFunction:
        graph = FuncGraph(
            f"{self.path[-1]}_{label}".replace("/", "_"), outer_graph=self.outer.importer.graph
        )
        # A variable's shape may change between iterations: only its rank is static.
        for index, t in enumerate(starts):
            shape = t.shape if index >= len(variables) else None
            graph.inputs.append(
                graph.placeholder(t.dtype, UNKNOWN if shape is None else shape, "arg")
            )
        inner = type(self.outer.importer)(
            graph, self.outer.importer.library, self.outer.importer.split
        )
        inner.names = set(self.outer.structure.nodes)
        level = ControlImporter(self.outer.structure, inner, "")
        for (name, index), placeholder in zip(variables, graph.inputs, strict=False):
            inner.known[f"{name}:{index}"] = placeholder
            if index == 0:
                inner.known[name] = placeholder
        for enter, placeholder in zip(self.constants, graph.inputs[len(variables) :], strict=True):
            level.know(enter.name, [placeholder])
        with graph.as_default():
            level.add_level(self._needed([*targets, *waits], inner.known), self.path)
            graph.outputs = [inner.tensor(text) for text in targets]
        add_control_dependencies(graph)
        return GraphFunction(graph)

    def _needed(self, targets: list[str], known: dict[str, Any]) -> list[Any]:
        """Returns the nodes of the frame that `targets` depend on or wait for, stopping at known tensors."""
        inside = {node.name: node for node in self.nodes}
        needed: set[str] = set()
        pending = list(targets)
        while pending:
            text = pending.pop()
            name, index = split(text)
            waits = index < 0
            if (
                waits
                and (name not in inside or inside[name].op in JUMPS)
                or text in known
                or f"{name}:{index}" in known
                or name not in inside
                or name in needed
            ):
                continue
            needed.add(name)
            node = inside[name]
            pending += node.input
            inner = self.outer.structure.path[name]
            if len(inner) > len(self.path):  # an inner loop: take all of it
                pending += [
                    n.name
                    for n in self.nodes
                    if self.outer.structure.path[n.name][: len(inner)] == inner
                ]
        return [node for node in self.nodes if node.name in needed]
