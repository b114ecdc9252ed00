"""Copies of frozen functions in which some operations have other arithmetic."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded, current_graph
from penstock._src.core.registry import find
from penstock._src.core.specs import TensorSpec
from penstock._src.formats.frozen import FrozenFunction, operations_of
from penstock._src.formats.saved_model.quantized.units import Unit, unit_of
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import function
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor

# Returns the result of a unit, given the copy of its activation, and a function that adds the unit itself with an activation.
Replace = Callable[[Unit, Any, Callable[[Any], Any]], Any]


def rewritten(frozen: FrozenFunction, replace: Replace) -> ConcreteFunction:
    """Returns a function of the same named inputs and outputs.

    Args:
      frozen: the function.
      replace: called for each unit, those in bodies of loops and conditions among them, in the graph that is built.
    """
    specs = [TensorSpec(t.shape, t.dtype, name) for name, t in frozen.inputs.items()]

    def call(*arguments: Any) -> dict[str, Any]:
        results = _copied(frozen.function, arguments, replace)
        return dict(zip(frozen.outputs, results, strict=True))

    return function(call, input_signature=specs, autograph=False).get_concrete_function()


def _copied(original: GraphFunction, arguments: Sequence[Any], replace: Replace) -> list[Any]:
    """Adds a function's operations to the graph under construction, but constants that nothing reads; returns its results."""
    graph = current_graph()
    table = {t._id: a for t, a in zip(original.inputs, arguments, strict=True)}

    def copied(t: SymbolicTensor) -> Any:
        if t._id not in table:
            add(t.op, graph.add(t.op.raw_op, [], t.op.name).outputs)
        return table[t._id]

    def add(node: Operation, outputs: Sequence[Any]) -> None:
        for old, new in zip(node.outputs, outputs, strict=True):
            new._handle_data = old._handle_data
            new.set_shape(old.shape)
            table[old._id] = new

    for node in operations_of(original):
        if node.type == "Const":
            continue
        unit = unit_of(node)
        if unit is None:
            op = _with_bodies(node.raw_op, replace)
            add(node, graph.add(op, [copied(t) for t in node._inputs], node.name).outputs)
            continue

        def again(x: Any, unit: Unit = unit) -> Any:
            original = unit.operation
            inputs = [
                x if i == 1 - unit.weight else copied(t) for i, t in enumerate(original._inputs)
            ]
            return graph.add(original.raw_op, inputs, original.name).outputs[0]

        add(node, [replace(unit, copied(unit.activation), again)])
    return [copied(t) for t in original.outputs]


def _with_bodies(op: Any, replace: Replace) -> Any:
    """Returns an op whose functions are rewritten."""
    attrs = {
        name: _body(value, replace)
        if isinstance(value, GraphFunction)
        else tuple(_body(each, replace) for each in value)
        for name, value in op.attrs.items()
        if isinstance(value, GraphFunction)
        or (isinstance(value, tuple) and value and isinstance(value[0], GraphFunction))
    }
    return complete(find(op.op_type), {**op.attrs, **attrs}, True) if attrs else op


def _body(original: GraphFunction, replace: Replace) -> GraphFunction:
    graph = FuncGraph(original.graph.name)
    graph.enclosing = None
    with building_unrecorded(graph):
        for t in original.inputs:
            placeholder = graph.placeholder(t.dtype, t.shape, t.op.name)
            placeholder._handle_data = t._handle_data
            graph.inputs.append(placeholder)
        graph.outputs = _copied(original, graph.inputs, replace)
    return GraphFunction(graph)
