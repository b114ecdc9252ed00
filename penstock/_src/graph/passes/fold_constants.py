"""Computes values that depend only on constants and static shapes, and removes operations that only pass values on.

Before: y = Reshape(x, Concat(Shape(x)[:1], Const([-1])))  with x of shape [2, 3, 4]
After:  y = Reshape(x, Const([2, -1]))
"""

from collections.abc import Sequence

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import OpError
from penstock._src.core.op import Op, flatten_arguments, group_arguments
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.rebuilding import copied, rebuilt, with_bodies
from penstock._src.graph.static_values import constant_value, constant_value_as_shape

# A constant with more bytes is only created if it is not larger than its inputs.
_LARGEST = 1 << 16
_HELD = (dtypes.resource, dtypes.variant)


def fold_constants(function: GraphFunction) -> GraphFunction:
    """Returns the function with operations that depend only on constants replaced by constants, and without unused operations.

    Operations that run for their effects alone (checks, prints) are left out. Bodies of conditions and loops are folded as well.

    Args:
      function: a graph function without calls and variables; see `freeze`.
    """
    operations = needed_operations(function.graph, function.inputs, function.outputs, [])
    return rebuilt(function, operations, _folded, _as_constant)


def known_results(graph: Graph) -> dict[str, tuple[np.ndarray, dtypes.DType]]:
    """The values of operations that follow from constants and static shapes, by name, with their dtype.

    Args:
      graph: any graph; operations with several results or with control inputs are not among those found.
    """
    values: dict[int, np.ndarray] = {}
    known = {}
    for node in graph._operations:
        if any(t.dtype in _HELD for t in (*node._inputs, *node.outputs)) or node._control_inputs:
            continue
        computed = _known(node, values)
        if computed is not None:
            values.update((t._id, v) for t, v in zip(node.outputs, computed, strict=True))
            if len(computed) == 1:
                known[node.name] = np.asarray(computed[0]), node.outputs[0].dtype
    return known


def _known(node: Operation, values: dict[int, np.ndarray]) -> list[np.ndarray] | None:
    if node.type == "Const":
        return [node.raw_op.attrs["value"]]
    if node.type != "Placeholder" and len(node.outputs) == 1:
        value = constant_value(node.outputs[0])
        if value is not None and value.nbytes <= _LARGEST:
            return [value]
    if not node._inputs or node.raw_op.stateful or any(t._id not in values for t in node._inputs):
        return None
    return _computed(node.raw_op, [values[t._id] for t in node._inputs], node.outputs)


def _folded(
    graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor]
) -> list[SymbolicTensor]:
    """Adds the replacement of an operation; returns its outputs."""
    if node.raw_op.elements.passes_on:
        return _passed(node, inputs)
    inputs = [_as_constant(graph, t) for t in inputs]
    op = with_bodies(node, fold_constants)
    if node.type == "Reshape":
        inputs[1] = _partly_known(graph, inputs[1])
    copies = copied(graph, node, op, inputs)
    if not inputs or op.stateful or any(t.dtype in _HELD for t in (*inputs, *copies)):
        return copies
    known = [t.op.raw_op.attrs["value"] for t in inputs if t.op.type == "Const"]
    values = _computed(op, known, copies) if len(known) == len(inputs) else None
    if values is None:
        return copies
    return [
        graph.constant(value, t.dtype, node.name) for value, t in zip(values, copies, strict=True)
    ]


def _passed(node: Operation, inputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
    for old, new in zip(node.outputs, inputs, strict=True):
        if new.op.type != "Const":
            new.set_shape(old.shape)
    return list(inputs)


def _as_constant(graph: FuncGraph, tensor: SymbolicTensor) -> SymbolicTensor:
    """Return a constant in place of a tensor with a known value, such as the shape of a tensor of static shape."""
    if tensor.op.type in ("Const", "Placeholder") or tensor.dtype in _HELD:
        return tensor
    value = constant_value(tensor)
    if value is None or value.nbytes > _LARGEST:
        return tensor
    return graph.constant(value, tensor.dtype, tensor.op.name)


def _partly_known(graph: FuncGraph, shape: SymbolicTensor) -> SymbolicTensor:
    """Returns the shape of a Reshape as a constant if at most one extent is unknown; -1 represents that one."""
    if shape.op.type == "Const":
        return shape
    known = constant_value_as_shape(shape)
    if known.rank is None or known.as_list().count(None) > 1 or 0 in known.as_list():
        return shape
    extents = [-1 if n is None else n for n in known.as_list()]
    return graph.constant(np.array(extents, shape.dtype.np), shape.dtype, shape.op.name)


def _computed(
    op: Op, inputs: Sequence[np.ndarray], outputs: Sequence[SymbolicTensor]
) -> list[np.ndarray] | None:
    """Returns the results of an op on constants, or None if they are too large, or an error at run time."""
    if op.permissions.capabilities or any(hasattr(each, "graph") for each in op.attrs.values()):
        return None  # it reads what may change, or its bodies may have effects
    most = max(_LARGEST, sum(value.nbytes for value in inputs))
    if sum((t.shape.num_elements() or 0) * max(t.dtype.size, 1) for t in outputs) > most:
        return None
    try:
        with np.errstate(all="ignore"):
            result = op.compute(*group_arguments(op.inputs, op, inputs))
    except (OpError, ValueError, TypeError, IndexError, ArithmeticError):
        return None  # the program raises the same error when it runs
    flat = flatten_arguments(result if isinstance(result, tuple | list) else [result])
    values = [np.asarray(value, t.dtype.np) for value, t in zip(flat, outputs, strict=True)]
    return values if sum(value.nbytes for value in values) <= most else None
