"""Nodes that hold functions: add them, and add outputs to existing ones.

The gradient of If, While, Case or a call reads intermediate values of its bodies. These become additional outputs of the
forward node. Tapes that have recorded the node are updated, so that higher-order gradients see the outputs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.graph_gradients import node_gradient
from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import STATE, building_unrecorded
from penstock._src.core.op import Op
from penstock._src.core.registry import find
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.func_graph import FuncGraph, graphs_in
from penstock._src.graph.graph import Graph, shown
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor


def add_node(
    op_type: str, inputs: Sequence[Any], attrs: dict[str, Any], name: str | None
) -> Operation:
    """Adds an operation that holds functions, and waits as they do, to the current graph and records it on the tapes."""
    graph = STATE.graph
    op = make_op(op_type, attrs)
    if op.flow.control != "call":
        graph._recording = name or op_type, op, inputs
    local = [graph.local(t) for t in inputs]
    graph._recording = None
    awaited = [op for body in graphs_in(attrs.values()) for op in body.control_captures]
    with graph.control_dependencies(awaited):
        node = graph.add(op, local, name)
    for outer, inner in zip(node.outputs, output_models(node), strict=True):
        outer._handle_data = inner._handle_data
    record_node(node)
    if STATE.op_callbacks:  # they cannot replace the outputs, which gradients extend
        shown(node)
    return node


def make_op(op_type: str, attrs: dict[str, Any]) -> Op:
    """Returns the op with these attributes, and defaults for the others."""
    return complete(find(op_type), dict(attrs), True)


def output_models(node: Operation) -> list[SymbolicTensor]:
    """Returns, for each output, the body tensor that it returns."""
    attrs = node.raw_op.attrs
    if "body" in attrs:
        # That of a For begins with a number.
        return attrs["body"].inputs[0 if "cond" in attrs else 1 :]
    for key in ("then_branch", "f"):
        if key in attrs:
            return attrs[key].outputs
    return attrs["branches"][0].outputs


def record_node(node: Operation) -> None:
    """Records `node` on all tapes and forward accumulators."""
    record_on_tapes(node)
    for accumulator in STATE.accumulators:
        if hasattr(accumulator, "record_node"):
            wanted = [True] * len(node._inputs)
            accumulator.record_node(node, list(node._inputs), _backward(node, wanted))


def record_on_tapes(node: Operation) -> None:
    """Records `node` on all tapes; their entries are updated when it gets more outputs."""
    for tape in STATE.tapes:
        wanted = [t._id in tape.watched for t in node._inputs]
        if not any(wanted):
            continue
        before = len(tape.entries)
        tape.record_function(node.type, node._inputs, node.outputs, _backward(node, wanted), False)
        if len(tape.entries) > before:
            node.tape_entries = (*node.tape_entries, (tape, tape.entries[-1]))


def _backward(node: Operation, wanted: list[bool]) -> Callable[..., list[Any]]:
    def backward(*gradients: Any) -> list[Any]:
        count = len(wanted)
        more = [False] * (len(node._inputs) - count)
        return node_gradient(node, list(gradients), [*wanted, *more])[:count]

    return backward


def extend_node(
    node: Operation, op: Op, new_inputs: Sequence[SymbolicTensor], like: Sequence[SymbolicTensor]
) -> list[SymbolicTensor]:
    """Replaces the op of `node` by `op`, with extra inputs and outputs; returns the new outputs, typed like `like`."""
    node.raw_op = op
    node._inputs = [*node._inputs, *new_inputs]
    node.graph._edits += 1
    added = []
    for model in like:
        tensor = SymbolicTensor(node, len(node._outputs), model.dtype, model.shape)
        tensor._handle_data = model._handle_data
        node._outputs.append(tensor)
        added.append(tensor)
    for tape, entry in node.tape_entries:
        for tensor in added:
            entry.output_ids.append(tensor._id)
            entry.outputs.append(tensor)
            tape.watched.add(tensor._id)
    for accumulator, step in node.accumulator_steps:
        accumulator.record_added(step, added)
    return added


def insert_before(node: Operation, build: Callable[[], Any]) -> Any:
    """Runs `build` in the node's graph and moves the operations it adds in front of the node."""
    graph: Graph = node.graph
    start = len(graph._operations)
    with building_unrecorded(graph), graph.control_dependencies(None):
        result = build()
    added = graph._operations[start:]
    rest = graph._operations[:start]
    at = rest.index(node)
    _set_operations(graph, [*rest[:at], *added, *rest[at:]])
    return result


def set_constant(op: Operation, array: np.ndarray) -> None:
    """Gives a constant, which nothing has read so far, another value of its dtype."""
    op.raw_op = make_op("Const", {**op.raw_op.attrs, "value": array})
    op._outputs[0]._shape = TensorShape(array.shape)
    op.static_outputs = None
    op.graph._edits += 1


def remove(nodes: Sequence[Operation], graph: FuncGraph) -> None:
    """Remove unread operations from a graph."""
    gone = set(map(id, nodes))
    _set_operations(graph, [op for op in graph._operations if id(op) not in gone])
    graph.control_outputs = [op for op in graph.control_outputs if id(op) not in gone]
    for op in graph._operations:
        op._control_inputs = [other for other in op._control_inputs if id(other) not in gone]
        op.graph._edits += 1
    # cached facts about the graph, by its number of operations
    graph.effects, graph.effect_found = None, (-1, False)


def _set_operations(graph: Graph, operations: list[Operation]) -> None:
    graph._operations[:] = operations
    for position, operation in enumerate(operations):
        operation.position = position


def position_of(function: GraphFunction, tensor: SymbolicTensor) -> int | None:
    """Returns the index of a tensor among the inputs of `function`, or None."""
    for index, own in enumerate(function.inputs):
        if own is tensor:
            return index
    return None
