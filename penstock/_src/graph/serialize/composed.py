"""Ops that TensorFlow lacks, in files that it reads: calls of functions that compose TensorFlow's ops (`Op.composed`).

Before: y = KeyPositions(x, keys)
After:  y = PartitionedCall(x, keys)  with  f(x, keys) = ..., and the op in attributes that TensorFlow ignores

Graphs that are read here have the op again.
"""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.op import Op
from penstock._src.core.registry import find, lookup
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.serialize import attributes
from penstock._src.graph.static_values import constant_value
from penstock._src.proto.graph import NodeDef

OUTPUT = "output"  # the name of a call's results
_CALL = "PartitionedCall"
_OP, _ATTRIBUTE = "_composed_op", "_composed_attr."
# One function for each operation, however often its graph is written.
_CALLS: "weakref.WeakKeyDictionary[Operation, Op]" = weakref.WeakKeyDictionary()


def in_known_ops(node: Operation, inputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor] | None:
    """Adds TensorFlow's ops in place of an operation to the current graph.

    Args:
      node: the operation.
      inputs: the tensors that it reads there.

    Returns:
      Its results; None if TensorFlow knows its op.
    """
    if node.raw_op.composed is None:
        return None
    return [node.raw_op.composed([constant_value(t) for t in inputs], *inputs)]


def call_of(op: Operation) -> Op | None:
    """Returns the call that is written in place of an operation; None if TensorFlow knows its op."""
    raw_op = op.raw_op
    if raw_op.composed is None:
        return None
    call = _CALLS.get(op)
    if call is None:
        call = _CALLS[op] = complete(find(_CALL), _call_attributes(op), True)
    return call


def _call_attributes(op: Operation) -> dict[str, Any]:
    graph = FuncGraph(op.type)
    graph.enclosing = None
    with building_unrecorded(graph):
        for i, t in enumerate(op._inputs):
            graph.inputs.append(graph.placeholder(t.dtype, t.shape, f"input_{i}"))
        constants = [constant_value(t) for t in op._inputs]
        graph.outputs = [op.raw_op.composed(constants, *graph.inputs)]
    return {
        "Tin": tuple(t.dtype for t in op._inputs),
        "Tout": tuple(t.dtype for t in op._outputs),
        "f": GraphFunction(graph),
    }


def note(node: Any, op: Op, name_of: Callable[[Any], str]) -> None:
    """Adds an op and its attributes to the NodeDef of the call in its place; `name_of` gives the names of functions."""
    node.attr[_OP].s = op.op_type.encode()
    for name, value in op.attrs.items():
        if value is not None:
            encoded = attributes.encode(type(op), name, value, name_of)
            node.attr[_ATTRIBUTE + name].CopyFrom(encoded)


def as_noted(node: Any) -> Any:
    """Returns the NodeDef of the op that a call represents; other nodes unchanged."""
    if node.op != _CALL or _OP not in node.attr:
        return node
    name = node.attr[_OP].s.decode()
    cls = lookup(name)
    if cls is None or cls.composed is None:
        return node
    own = NodeDef(name=node.name, op=name, device=node.device, input=node.input)
    for key, value in node.attr.items():
        if key.startswith(_ATTRIBUTE):
            own.attr[key.removeprefix(_ATTRIBUTE)].CopyFrom(value)
        elif key in ("_class", "_output_shapes"):
            own.attr[key].CopyFrom(value)
    return own
