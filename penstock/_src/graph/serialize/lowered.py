"""Conditions and loops as the nodes of TensorFlow 1 that its executor runs.

Before: If(pred, inputs)   After: a Switch for each input, the nodes of both branches, a Merge for each result
Before: While(variables)   After: Enter -> Merge -> Switch(LoopCond) -> body -> NextIteration -> Merge; Exit

Nodes of a branch or body without inputs wait for its pivot, as they must not run otherwise. `v1_control.py` is the way back.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.core.dtypes import DType, bool_
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.exporter import WrittenFunctions, fill_node
from penstock._src.proto.graph import GraphDef
from penstock._src.version import GRAPH_DEF_VERSION

_COLOCATED = b"loc:@"


def lowered_graph_def(graph: Graph) -> Any:
    """Returns the GraphDef of a graph in which conditions and loops are Switch, Merge, Enter, Exit and NextIteration nodes.

    Conditions and loops that the graph marks as not to be lowered stay.

    Args:
      graph: the graph.
    """
    lowering = _Lowering()
    lowering.add_operations(graph._operations, "", None)
    lowering.library.write(lowering.made.library, False)
    lowering.made.versions.producer = GRAPH_DEF_VERSION
    return lowering.made


def _is_lowered(op: Operation) -> bool:
    if op.raw_op.flow.control not in ("if", "while"):
        return False
    noted = op.annotations.get("_lower_using_switch_merge")
    return bool(op.may_be_lowered if noted is None else noted.b)


class _Lowering:
    def __init__(self) -> None:
        self.made, self.library = GraphDef(), WrittenFunctions()
        self.names: dict[int, str] = {}  # id of a tensor -> its name as an input
        self.awaited: dict[Operation, str] = {}  # operation -> the node that comes after all of it

    def add_operations(
        self, operations: Sequence[Operation], prefix: str, pivot: str | None
    ) -> None:
        """Adds nodes for operations of one graph; those without inputs wait for the node `pivot`."""
        own = {op.name for op in operations}
        for op in operations:
            name = prefix + op.name
            self.awaited[op] = name
            kind = op.raw_op.flow.control
            for i, tensor in enumerate(op.outputs):
                if not _is_lowered(op):
                    self.names[tensor._id] = f"{name}:{i}" if i else name
                else:
                    part = "exit" if kind == "while" else "merge"
                    self.names[tensor._id] = f"{name}/{part}_{i}"
        for op in operations:
            if not _is_lowered(op):
                self._add_plain(op, prefix, own, pivot)
            elif op.raw_op.flow.control == "while":
                self._add_loop(op, prefix + op.name, pivot)
            else:
                self._add_condition(op, prefix + op.name, pivot)

    def _add_plain(self, op: Operation, prefix: str, own: set[str], pivot: str | None) -> None:
        node = self.made.node.add()
        fill_node(node, op, self.library)
        node.name = prefix + op.name
        groups = node.attr["_class"].list.s if op.colocation else []
        for i, group in enumerate(groups):
            near = group.removeprefix(_COLOCATED).decode()
            if near in own:
                groups[i] = _COLOCATED + (prefix + near).encode()
        node.input.extend(self.names[t._id] for t in op.as_written()[1])
        self._wait(node, op, pivot)

    def _wait(self, node: Any, op: Operation, pivot: str | None) -> None:
        waits = sorted(self.awaited[c] for c in op._control_inputs if c in self.awaited)
        if not node.input and pivot is not None:
            waits.append(pivot)
        node.input.extend(f"^{name}" for name in dict.fromkeys(waits))

    def _node(
        self, kind: str, name: str, inputs: Sequence[str], dtype: DType | None, device: str
    ) -> str:
        """Adds a node and returns its name."""
        node = self.made.node.add(name=name, op=kind, device=device)
        node.input.extend(inputs)
        if dtype is not None:
            node.attr["T"].type = dtype.as_datatype_enum
        if kind == "Merge":
            node.attr["N"].i = len(inputs)
        return name

    def _body(
        self, function: GraphFunction, inputs: Sequence[str], prefix: str, pivot: str
    ) -> tuple[list[str], list[str]]:
        """Adds the nodes of a function; returns its results, and the nodes with effects."""
        for tensor, name in zip(function.inputs, inputs, strict=True):
            self.names[tensor._id] = name
        effects = list(function.graph.control_outputs)
        operations = needed_operations(function.graph, function.inputs, function.outputs, effects)
        self.add_operations(operations, prefix, pivot)
        results = [self.names[t._id] for t in function.outputs]
        return results, [self.awaited[op] for op in effects if op in self.awaited]

    def _add_condition(self, op: Operation, name: str, pivot: str | None) -> None:
        device = op.device or ""
        pred, *inputs = (self.names[t._id] for t in op._inputs)
        chosen = self._node("Switch", f"{name}/switch_pred", [pred, pred], bool_, device)
        self._wait(self.made.node[-1], op, pivot)
        switches = [
            self._node("Switch", f"{name}/switch_{i}", [text, pred], t.dtype, device)
            for i, (text, t) in enumerate(zip(inputs, op._inputs[1:], strict=True))
        ]
        results, effects = [], []
        bodies = op.raw_op.attrs["then_branch"], op.raw_op.attrs["else_branch"]
        branches = zip(bodies, ("then", "else"), ("pivot_t", "pivot_f"), (":1", ""))
        for branch, word, pivot_name, output in branches:
            own = self._node("Identity", f"{name}/{pivot_name}", [chosen + output], bool_, device)
            branch_inputs = [text + output for text in switches]
            outputs, awaited = self._body(branch, branch_inputs, f"{name}/{word}/", own)
            results.append(outputs)
            done = f"{name}/{word}_done"
            inputs_of_done = [own, *(f"^{effect}" for effect in awaited)]
            effects.append(self._node("Identity", done, inputs_of_done, bool_, device))
        for i, (pair, t) in enumerate(zip(zip(*results, strict=True), op.outputs, strict=True)):
            self._node("Merge", f"{name}/merge_{i}", pair, t.dtype, device)
        self._node("Merge", name, effects, bool_, device)

    def _add_loop(self, op: Operation, name: str, pivot: str | None) -> None:
        device, attrs = op.device or "", op.raw_op.attrs
        starts = [self.names[t._id] for t in op._inputs]
        dtypes = [t.dtype for t in op._inputs]
        merges = []
        for i, (start, dtype) in enumerate(zip(starts, dtypes, strict=True)):
            enter = self._node("Enter", f"{name}/enter_{i}", [start], dtype, device)
            node = self.made.node[-1]
            node.attr["frame_name"].s = name.encode()
            node.attr["is_constant"].b = False
            node.attr["parallel_iterations"].i = attrs.get("parallel_iterations") or 10
            self._wait(node, op, pivot)
            back = f"{name}/next_iteration_{i}"
            merges.append(self._node("Merge", f"{name}/merge_{i}", [enter, back], dtype, device))
        (goes_on,), _ = self._body(attrs["cond"], merges, f"{name}/cond/", merges[0])
        condition = self._node("LoopCond", f"{name}/LoopCond", [goes_on], None, device)
        switches = [
            self._node("Switch", f"{name}/switch_{i}", [merge, condition], dtype, device)
            for i, (merge, dtype) in enumerate(zip(merges, dtypes, strict=True))
        ]
        own = self._node(
            "Identity", f"{name}/loop_body_control", [f"{switches[0]}:1"], dtypes[0], device
        )
        results, effects = self._body(
            attrs["body"], [f"{text}:1" for text in switches], f"{name}/body/", own
        )
        waits = [f"^{effect}" for effect in effects]
        for i, (result, dtype) in enumerate(zip(results, dtypes, strict=True)):
            back = f"{name}/next_iteration_{i}"
            self._node("NextIteration", back, [result, *waits], dtype, device)
            self._node("Exit", f"{name}/exit_{i}", [switches[i]], dtype, device)
        ends = [f"^{name}/exit_{i}" for i in range(len(starts))]
        self._node("NoOp", name, ends, None, device)
