"""Rebuilds functions from their operations and replaces some of these."""

from collections.abc import Callable, Sequence

from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.op import Op
from penstock._src.core.registry import find
from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor


def rebuilt(
    function: GraphFunction,
    operations: Sequence[Operation],
    outputs_of: Callable[[FuncGraph, Operation, list[SymbolicTensor]], Sequence[SymbolicTensor]],
    result_of: Callable[[FuncGraph, SymbolicTensor], SymbolicTensor] = lambda _, tensor: tensor,
) -> GraphFunction:
    """Returns a function over a new graph.

    Args:
      function: whose inputs and outputs the new one has.
      operations: of its graph, in order: all that the outputs need.
      outputs_of: adds the replacement of an operation to the graph, with the new inputs; returns its outputs.
      result_of: returns what takes an output's place.
    """
    graph = FuncGraph(function.graph.name)
    graph.enclosing = None
    table: dict[int, SymbolicTensor] = {}
    with building_unrecorded(graph):
        for t in function.inputs:
            placeholder = graph.placeholder(t.dtype, t.shape, t.op.name)
            placeholder._handle_data = t._handle_data
            graph.inputs.append(placeholder)
            table[t._id] = placeholder
        for node in operations:
            outputs = outputs_of(graph, node, [table[t._id] for t in node._inputs])
            table.update((t._id, new) for t, new in zip(node.outputs, outputs, strict=True))
        graph.outputs = [result_of(graph, table[t._id]) for t in function.outputs]
    return GraphFunction(graph)


def copied(
    graph: FuncGraph, node: Operation, op: Op, inputs: list[SymbolicTensor]
) -> list[SymbolicTensor]:
    """Adds an op in place of an operation's; returns the outputs, with the same static facts."""
    return known_as(node, graph.add(op, inputs, node.name).outputs)


def known_as(node: Operation, outputs: list[SymbolicTensor]) -> list[SymbolicTensor]:
    """Returns the outputs, with the static facts of those that they replace."""
    for old, new in zip(node.outputs, outputs, strict=True):
        new._handle_data = old._handle_data
        new.set_shape(old.shape)
    return outputs


def with_bodies(node: Operation, change: Callable[[GraphFunction], GraphFunction]) -> Op:
    """Returns the op of an operation with its branches, or the body and condition of its loop, changed."""
    op, attrs = node.raw_op, dict(node.raw_op.attrs)
    if not bodies_of(node) or op.flow.control not in ("if", "case", "while"):
        return op
    for key, value in attrs.items():
        if isinstance(value, GraphFunction):
            attrs[key] = change(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], GraphFunction):
            attrs[key] = tuple(change(each) for each in value)
    return complete(find(node.type), attrs, True)
