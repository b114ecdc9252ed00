"""Imports TensorFlow 1's control flow nodes: loops become While, conditionals become If.

Before: Enter -> Merge -> Switch(LoopCond) -> ... -> NextIteration -> Merge; Exit
After:  While(cond, body) over one variable for each Merge

A conditional's Switch passes its value to both branches, and its Merge becomes an If, whose branches hold copies of the nodes
that the results need: what is left of those outside is for whoever fetches it. So graphs whose branches have side effects are not
converted: `is_functional` finds them. Random numbers are drawn outside, once for all results.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import find, lookup, raw
from penstock._src.core.shapes import UNKNOWN
from penstock._src.graph.control import add_control_dependencies, has_effect
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction

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
        self.order = {node.name: at for at, node in enumerate(nodes)}
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
        if node.op == "RefEnter" or _draws_in_loop_of_branch(structure, node):
            return False
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


def _is_drawn(node: Any) -> bool:
    """True if a node gives another value in each run."""
    kind = lookup(node.op)
    return kind is not None and kind.stateful and not kind.effects.reads_only


def _draws_in_loop_of_branch(structure: Structure, node: Any) -> bool:
    """True if copies of a loop would draw other numbers."""
    depth = len(structure.path[node.name])
    around = [structure.path.get(split(pred)[0], ()) for pred, _ in structure.sides[node.name]]
    return any(len(path) < depth for path in around) and _is_drawn(node)


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
        self.path: Path = ()

    def add_level(self, nodes: Sequence[Any], path: Path, targets: Sequence[str] = ()) -> None:
        """Adds the nodes of frame `path` and the loops within it; of a branch, what its results (`targets`) need."""
        structure, depth = self.structure, len(path)
        self.path = path
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
            if targets and all(map(self._ready, targets)):
                return  # conditionals within those that were added are in their branches
            if len(waiting) == len(pending) and not self._merge_ready(waiting, bool(targets)):
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
        if item.name in self.importer.replaced:
            return True
        # Merges are added last, when no other node can be, so that one If has as many results as possible.
        if _is_merge(item) or not all(self._ready(text) for text in item.input):
            return False
        self._add(item)
        return True

    def _merge_ready(self, pending: Sequence[Any], is_outer_first: bool) -> bool:
        """Adds an If for the first Merge that is ready, and for those that are ready and have its condition; returns if there are any.

        In branches the outermost is the first: inner ones are added in its branches alone, not once more for each level.
        """
        merges = [item for item in pending if not isinstance(item, tuple) and _is_merge(item)]
        choices: list[Choice] = []
        if is_outer_first:
            outermost = sorted(merges, key=lambda merge: len(self.structure.sides[merge.name]))
            choices = [c for c in (Choice(self, merge) for merge in outermost) if c.can_be_added()]
        choices = choices or [
            Choice(self, merge)
            for merge in merges
            if all(self._ready(text) for text in merge.input)
        ]
        if not choices:
            return False
        pred = choices[0].pred
        Conditional(self, pred, [choice for choice in choices if choice.pred == pred]).build()
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

    def replace(self, name: str, outputs: Sequence[Any]) -> None:
        """Records the tensors that replace the outputs of a node, the first by an operation of its name."""
        graph, first = self.importer.graph, outputs[0]
        identity = complete(find("Identity"), {"T": first.dtype}, True)
        operation = graph.add(identity, [first], self.prefix + name)
        self.importer.operations[name] = operation
        self.know(name, [*operation.outputs, *outputs[1:]])

    def _add(self, node: Any) -> None:
        if node.op in ("Switch", "RefSwitch"):
            value = self.importer.tensor(node.input[0])
            self.know(node.name, [value, value])
        else:
            self.importer._add(node, self.prefix)

    def closure(self, targets: Sequence[str], is_outside: Callable[[Any], bool]) -> list[Any]:
        """Returns the nodes that `targets` depend on, of this frame and those within it, up to nodes that are outside."""
        structure = self.structure
        needed: set[str] = set()
        pending = [split(text)[0] for text in targets]
        while pending:
            name = pending.pop()
            if name in needed or name not in self.scheduled or is_outside(structure.nodes[name]):
                continue
            needed.add(name)
            pending += [split(text)[0] for text in structure.nodes[name].input]
            inner = structure.path[name]
            if len(inner) > len(self.path):  # a loop: take all of it
                pending += [n for n in self.scheduled if structure.path[n][: len(inner)] == inner]
        return [structure.nodes[name] for name in sorted(needed, key=structure.order.__getitem__)]


def _is_merge(node: Any) -> bool:
    return node.op in ("Merge", "RefMerge")


class Choice:
    """A Merge of a conditional: its condition and its inputs by the condition's value."""

    def __init__(self, level: ControlImporter, merge: Any) -> None:
        inputs = [text for text in merge.input if not text.startswith("^")]
        first, second = (level.structure.side_of(*split(text)) for text in inputs[:2])
        pred = next((p for p, value in first if (p, not value) in second), None)
        if pred is None or len(inputs) != 2:
            raise UnimplementedError(f"Merge '{merge.name}': its conditional was not recognized.")
        self.level, self.name, self.pred = level, merge.name, pred
        self.yes_comes_first = (pred, True) in first
        self.sources = inputs[::-1] if self.yes_comes_first else inputs  # by the condition's value

    def can_be_added(self) -> bool:
        """True if all is known that the branches read from outside."""
        alone = Conditional(self.level, self.pred, [self])
        read = alone._read_outside([alone._nodes(value) for value in (False, True)])
        return all(map(self.level._ready, [self.pred, *read]))


class Conditional:
    """Independent merges of one condition: an If with their results."""

    def __init__(self, level: ControlImporter, pred: str, choices: Sequence[Choice]) -> None:
        self.level, self.pred, self.choices = level, pred, choices

    def build(self) -> None:
        """Adds the If and records the tensors that replace the Merge nodes."""
        importer = self.level.importer
        nodes = [self._nodes(value) for value in (False, True)]
        sources = self._read_outside(nodes)
        tensors = [importer.tensor(text) for text in sources]
        no, yes = (self._branch(value, nodes[value], sources, tensors) for value in (False, True))
        kind = "If" if no.is_stateful or yes.is_stateful else "StatelessIf"
        pred = importer.tensor(self.pred)
        attrs = {
            "Tcond": pred.dtype,
            "Tin": tuple(t.dtype for t in tensors),
            "Tout": tuple(yes.output_types),
            "then_branch": yes,
            "else_branch": no,
        }
        name = self.level.prefix + self.choices[0].name + "/If"
        node = importer.graph.add(complete(find(kind), attrs, True), [pred, *tensors], name)
        for text in {text for side in nodes for n in side for text in n.input}:
            before = importer.operations.get(text[1:]) if text.startswith("^") else None
            if before is not None and not any(n.name == text[1:] for side in nodes for n in side):
                node._add_control_input(before)
        for choice, result in zip(self.choices, node.outputs, strict=True):
            taken = raw.LogicalNot(x=pred) if choice.yes_comes_first else pred
            self.level.replace(choice.name, [result, raw.Cast(x=taken, DstT=dtypes.int32)])

    def _nodes(self, value: bool) -> list[Any]:
        """The nodes of a branch that the results need."""
        level, side = self.level, (self.pred, value)

        def is_outside(node: Any) -> bool:
            if node.name in level.importer.known and node.name not in level.importer.replaced:
                return True
            is_in = side in level.structure.sides[node.name] and not _is_drawn(node)
            return not is_in and level.structure.path[node.name] == level.path

        return level.closure([choice.sources[value] for choice in self.choices], is_outside)

    def _read_outside(self, nodes: Sequence[Sequence[Any]]) -> list[str]:
        """The tensors outside that the branches read or return, each once."""
        texts: dict[str, None] = {}
        for value, side in enumerate(nodes):
            own = {node.name for node in side}
            read = [text for node in side for text in node.input]
            for text in (*read, *(choice.sources[value] for choice in self.choices)):
                if not text.startswith("^") and split(text)[0] not in own:
                    texts[text] = None
        return list(texts)

    def _branch(
        self, value: bool, nodes: Sequence[Any], sources: Sequence[str], tensors: Sequence[Any]
    ) -> GraphFunction:
        outer = self.level.importer
        graph = FuncGraph(f"cond_{str(value).lower()}", outer_graph=outer.graph)
        inner = type(outer)(graph, outer.library, outer.split)
        inner.names = set(self.level.structure.nodes)
        for text, tensor in zip(sources, tensors, strict=True):
            placeholder = graph.placeholder(tensor.dtype, tensor.shape, "arg")
            placeholder._handle_data = tensor._handle_data
            graph.inputs.append(placeholder)
            name, index = split(text)
            inner.known[text] = inner.known[f"{name}:{index}"] = placeholder
            if index == 0:
                inner.known[name] = placeholder
        targets = [choice.sources[value] for choice in self.choices]
        with graph.as_default():
            branch = ControlImporter(self.level.structure, inner, "")
            branch.add_level(nodes, self.level.path, targets)
            graph.outputs = list(map(inner.tensor, targets))
        add_control_dependencies(graph)
        return GraphFunction(graph)


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
                self.outer.replace(leaving.name, [node.outputs[index]])

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
