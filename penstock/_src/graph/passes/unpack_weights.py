"""Unpacks constant weights, for files whose programs know no packed ones.

Before: y = PackedMatMul(x, Const(blocks))
After:  y = MatMul(x, Const(w))
"""

from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.rebuilding import copied, known_as, rebuilt, with_bodies
from penstock._src.ops.quantized.packed import OnPackedWeights


def unpack_weights(function: GraphFunction) -> GraphFunction:
    """Returns the function with products and rows of unpacked constants in place of those of packed ones.

    Args:
      function: a graph function without calls; see `freeze`. Bodies of conditions and loops are treated as well.
    """
    operations = needed_operations(function.graph, function.inputs, function.outputs, [])
    if not any(_is_packed(node) or bodies_of(node) for node in operations):
        return function
    return rebuilt(function, operations, _outputs)


def _is_packed(node: Operation) -> bool:
    op = node.raw_op
    return isinstance(op, OnPackedWeights) and node._inputs[op.packed_input].op.type == "Const"


def _outputs(
    graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor]
) -> list[SymbolicTensor]:
    op = node.raw_op
    if not _is_packed(node):
        return copied(graph, node, with_bodies(node, unpack_weights), inputs)
    constant = inputs[op.packed_input].op
    dense = op.unpacked(constant.raw_op.attrs["value"])
    inputs[op.packed_input] = graph.constant(dense, op.unpacked_dtype, constant.name)
    return known_as(node, [op.on_unpacked(*inputs)])
