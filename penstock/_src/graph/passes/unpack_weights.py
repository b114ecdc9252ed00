"""Unpacks constant weights, for files whose programs know no packed ones.

Before: y = PackedMatMul(x, Const(blocks))
After:  y = MatMul(x, Const(w))
"""

from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.op import Op
from penstock._src.core.registry import find
from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.ops.quantized.packed import OnPackedWeights


def unpack_weights(function: GraphFunction) -> GraphFunction:
    """Returns the function with products and rows of unpacked constants in place of those of packed ones.

    Args:
      function: a graph function without calls; see `freeze`. Bodies of conditions and loops are treated as well.
    """
    operations = needed_operations(function.graph, function.inputs, function.outputs, [])
    if not any(_is_packed(node) or bodies_of(node) for node in operations):
        return function
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
            inputs = [table[t._id] for t in node._inputs]
            for old, new in zip(node.outputs, _outputs(graph, node, inputs), strict=True):
                new._handle_data = old._handle_data
                new.set_shape(old.shape)
                table[old._id] = new
        graph.outputs = [table[t._id] for t in function.outputs]
    return GraphFunction(graph)


def _is_packed(node: Operation) -> bool:
    op = node.raw_op
    return isinstance(op, OnPackedWeights) and node._inputs[op.packed_input].op.type == "Const"


def _outputs(
    graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor]
) -> list[SymbolicTensor]:
    op = node.raw_op
    if not _is_packed(node):
        return graph.add(_with_unpacked_bodies(node), inputs, node.name).outputs
    constant = inputs[op.packed_input].op
    dense = op.unpacked(constant.raw_op.attrs["value"])
    inputs[op.packed_input] = graph.constant(dense, op.unpacked_dtype, constant.name)
    return [op.on_unpacked(*inputs)]


def _with_unpacked_bodies(node: Operation) -> Op:
    op, attrs = node.raw_op, dict(node.raw_op.attrs)
    if not bodies_of(node) or op.flow.control not in ("if", "case", "while"):
        return op
    for key, value in attrs.items():
        if isinstance(value, GraphFunction):
            attrs[key] = unpack_weights(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], GraphFunction):
            attrs[key] = tuple(unpack_weights(each) for each in value)
    return complete(find(node.type), attrs, True)
