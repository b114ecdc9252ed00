"""Sections for inputs whose shapes are other than those of the graph's placeholders.

TensorFlow lets flat calls of traced functions, such as signatures of SavedModels, pass eager tensors of any shapes; kernels check what they
get. So the operations are copied with placeholders of more general shapes, and the shapes of all tensors are inferred again:

Before: x: f32[2,4];  y = PartitionedCall(x: f32[2,4]) -> f32[2,3]     called with f32[5,4]
After:  x: f32[?,4];  y = PartitionedCall(x: f32[?,4]) -> f32[?,3]
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.blocks.kinds import Shapes
from penstock._src.compiler.blocks.section import Section
from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.op import Op
from penstock._src.core.registry import find
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor

_BRANCHES = ("if", "case")
_CONTROL = ("call", "while", *_BRANCHES)


def with_shapes(section: Section, shapes: Shapes) -> Section | None:
    """The section with inputs of other shapes; None if it has functions of other kinds, or the graph forbids the shapes."""
    if not all(map(_may_be_copied, section.ops)):
        return None
    inputs = [
        t._shape if extents is None else TensorShape(extents)
        for t, extents in zip(section.inputs, shapes, strict=True)
    ]
    try:
        graph = _copied(section.name, section.inputs, section.ops, section.outputs, inputs)
    except ValueError:  # by a shape rule: the kernels say it of the values
        return None
    ops = [op for op in graph._operations if op.raw_op.op_type != "Placeholder"]
    return dataclasses.replace(
        section, ops=tuple(ops), inputs=graph.inputs, outputs=graph.outputs, pack=None
    )


def _may_be_copied(op: Operation) -> bool:
    """True if the functions of an operation can be copied: it calls, chooses or repeats them, and none has another implementation."""
    bodies, control = bodies_of(op), op.raw_op.flow.control
    if not bodies:
        return True
    if control not in _CONTROL or any(b.implements or b.stand_in for b in bodies):
        return False
    return all(_may_be_copied(inner) for b in bodies for inner in b.graph._operations)


def _copied(
    name: str,
    inputs: Sequence[Any],
    ops: Sequence[Operation],
    outputs: Sequence[Any],
    shapes: Sequence[TensorShape],
) -> FuncGraph:
    """A graph of copies of the operations, for inputs of these shapes.

    Raises:
      ValueError: the shape rule of an operation refuses them.
    """
    graph = FuncGraph(name)
    graph.enclosing = None
    table: dict[int, SymbolicTensor] = {}
    copies: dict[int, Operation] = {}
    with building_unrecorded(graph):
        for t, shape in zip(inputs, shapes, strict=True):
            placeholder = graph.placeholder(t.dtype, shape, t.op.name)
            placeholder._handle_data = t._handle_data
            graph.inputs.append(placeholder)
            table[t._id] = placeholder
        for op in ops:
            if op._outputs and all(t._id in table for t in op._outputs):
                continue  # an input
            arguments = [table[t._id] for t in op._inputs]
            copy = graph.add(_with_functions(op, arguments), arguments, op.name)
            copy._device, copy.location = op._device, op.location
            copy.python_function, copy.state_owner = op.python_function, op.state_owner or op
            copy._add_control_inputs(copies[id(c)] for c in op._control_inputs if id(c) in copies)
            copies[id(op)] = copy
            for old, new in zip(op._outputs, copy._outputs, strict=True):
                table[old._id] = new
                if old.dtype is dtypes.resource:
                    new._handle_data = old._handle_data
    graph.outputs = [table[t._id] for t in outputs]
    return graph


def _with_functions(op: Operation, arguments: Sequence[SymbolicTensor]) -> Op:
    """The op of an operation, with its functions for arguments of these shapes."""
    raw = op.raw_op
    if not bodies_of(op):
        return raw
    shapes = [t._shape for t in arguments]
    if raw.flow.control == "while":
        return _loop(raw, shapes)
    inner = shapes[1:] if raw.flow.control in _BRANCHES else shapes
    attrs = {key: _changed(value, inner) for key, value in raw.attrs.items()}
    return _complete(raw, attrs)


def _changed(value: Any, shapes: Sequence[TensorShape]) -> Any:
    """An attribute, with functions for arguments of these shapes."""
    if isinstance(value, GraphFunction):
        return _function(value, shapes)
    if isinstance(value, tuple) and value and isinstance(value[0], GraphFunction):
        return tuple([_function(each, shapes) for each in value])
    return value


def _function(function: GraphFunction, shapes: Sequence[TensorShape]) -> GraphFunction:
    """A function for arguments of these shapes."""
    ops = function.graph._operations
    graph = _copied(function.graph.name, function.inputs, ops, function.outputs, shapes)
    kept = {op.name for op in function.targets}
    graph.control_outputs = [op for op in graph._operations if op.name in kept]
    graph.kernel_states = function.graph.kernel_states
    return GraphFunction(graph, why_host=function.why_host)


def _loop(raw: Op, shapes: Sequence[TensorShape]) -> Op:
    """A While whose variables have shapes that hold before and after every iteration."""
    body = raw.attrs["body"]
    invariants = [t._shape.most_specific_compatible_shape(s) for t, s in zip(body.inputs, shapes, strict=True)]  # fmt: skip
    while True:
        copy = _function(body, invariants)
        wider = [
            before.most_specific_compatible_shape(t._shape)
            for before, t in zip(invariants, copy.outputs, strict=True)
        ]
        if [s._dims for s in wider] == [s._dims for s in invariants]:
            break
        invariants = wider
    attrs = {**raw.attrs, "body": copy, "cond": _function(raw.attrs["cond"], invariants)}
    return _complete(raw, attrs)


def _complete(raw: Op, attrs: dict[str, Any]) -> Op:
    # The shapes of the results are those of the functions.
    if attrs.get("output_shapes"):
        attrs["output_shapes"] = ()
    return complete(find(raw.op_type), attrs, True)
