"""Definitions of ops as OpDefs, and operations made from NodeDefs and attributes."""

import typing
from collections.abc import Sequence
from typing import Any, Literal

from penstock._src.core.calls.attributes import REQUIRED, Function, TensorValue
from penstock._src.core.calls.consent import Consent, consent_of_program
from penstock._src.core.dtypes import DType, as_dtype
from penstock._src.core.op import Op
from penstock._src.core.registry import find
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.serialize import attributes
from penstock._src.graph.serialize.importer import Library, NodeImporter, graph_input
from penstock._src.proto.graph import AttrValue, NodeDef, OpDef

# The words of OpDefs for the annotations of attributes.
_KINDS = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    bytes: "string",
    DType: "type",
    TensorShape: "shape",
    TensorValue: "tensor",
    Function: "func",
}


def op_def(cls: type[Op]) -> Any:
    """Returns the OpDef of an op."""
    definition = OpDef(name=cls.op_type, is_stateful=cls.stateful)
    for arguments, target in (
        (cls.inputs, definition.input_arg),
        (cls.outputs, definition.output_arg),
    ):
        for argument in arguments:
            entry = target.add(name=argument.defined_name, is_ref=argument.is_ref)
            entry.type = argument.dtype.as_datatype_enum if argument.dtype else 0
            entry.type_attr = argument.type_attr or ""
            entry.number_attr = argument.number_attr or ""
            entry.type_list_attr = argument.type_list_attr or ""
    for name in _attribute_names(cls):
        _fill_attribute(definition.attr.add(name=name), cls, name)
    return definition


def used_ops(graph_def: Any) -> list[Any]:
    """Returns the OpDefs of the ops in a GraphDef and its functions, by name."""
    functions = {function.signature.name for function in graph_def.library.function}
    nodes = [*graph_def.node, *[n for f in graph_def.library.function for n in f.node_def]]
    types = sorted({node.op for node in nodes} - functions)
    return [op_def(op) for op in map(find, types) if op is not None]


def _attribute_names(cls: type[Op]) -> list[str]:
    """The attributes in order: those that the signature names, then the annotated ones."""
    named = [
        name
        for argument in (*cls.inputs, *cls.outputs)
        for name in (argument.number_attr, argument.type_attr, argument.type_list_attr)
        if name
    ]
    return list(dict.fromkeys([*named, *cls.annotations]))


def _fill_attribute(entry: Any, cls: type[Op], name: str) -> None:
    annotation = attributes.annotation_of(cls, name)
    is_list = typing.get_origin(annotation) is list
    element = typing.get_args(annotation)[0] if is_list else annotation
    kind = "string" if typing.get_origin(element) is Literal else _KINDS.get(element, "any")
    entry.type = f"list({kind})" if is_list else kind
    default = cls.attributes.get(name, REQUIRED)
    if default is not REQUIRED and default is not None:
        entry.default_value.CopyFrom(attributes.encode(cls, name, default, str))
    if typing.get_origin(element) is Literal:
        entry.allowed_values.list.s.extend(c.encode() for c in typing.get_args(element))
    types = cls.traits.type_sets.get(name)
    if types is not None:
        entry.allowed_values.list.type.extend(sorted(t.as_datatype_enum for t in types))


def create_operation(
    graph: Graph,
    op_type: str,
    inputs: Sequence[SymbolicTensor],
    dtypes: Any,
    name: str | None,
    attrs: dict[str, Any] | None,
    consent: Consent | None = None,
) -> Operation:
    """Implements Graph.create_op; for an operation of a file, with its `consent`."""
    for position, value in enumerate(inputs):
        if not isinstance(value, SymbolicTensor):
            raise TypeError(f"Input #{position} is not a tensor: {value}")
    node = NodeDef(name=name or op_type, op=op_type)
    for key, value in (attrs or {}).items():
        node.attr[key].CopyFrom(value if isinstance(value, AttrValue) else AttrValue())
    _fill_types(node, inputs, dtypes)
    return _add(graph, node, inputs, consent=consent)


def _fill_types(node: Any, inputs: Sequence[SymbolicTensor], dtypes: Any) -> None:
    """Fills in types of lists and of outputs, which no attribute gives."""
    cls = find(node.op)
    position = 0
    for argument in cls.inputs:
        listed = argument.type_list_attr or argument.number_attr
        if listed and listed not in node.attr:
            rest = inputs[
                position : len(inputs) - (len(cls.inputs) - cls.inputs.index(argument) - 1)
            ]
            if argument.type_list_attr:
                node.attr[listed].list.type.extend(t.dtype.as_datatype_enum for t in rest)
            else:
                node.attr[listed].i = len(rest)
            if argument.type_attr and rest:
                node.attr[argument.type_attr].type = rest[0].dtype.as_datatype_enum
            position += len(rest)
        else:
            position += 1
    for output, dtype in zip(cls.outputs, dtypes or (), strict=False):
        if output.type_attr and output.type_attr not in node.attr and not output.is_list:
            node.attr[output.type_attr].type = as_dtype(dtype).as_datatype_enum


def _add(
    graph: Graph,
    node: Any,
    inputs: Sequence[SymbolicTensor],
    control_inputs: Sequence[Operation] = (),
    consent: Consent | None = None,
) -> Operation:
    op = NodeImporter(graph, Library(consent=consent or consent_of_program()), graph_input).op_of(
        node, list(inputs)
    )
    operation = graph.add(op, [graph.local(t) for t in inputs], node.name)
    operation._device = node.device
    operation._add_control_inputs(control_inputs)
    return operation


def add_from_node_def(
    node_def: Any, graph: Graph, inputs: Sequence[Any] | None, control_inputs: Any
) -> Operation:
    """Implements Operation.from_node_def."""
    node = NodeDef.FromString(node_def.SerializeToString())
    name = node.name.removesuffix("/")
    if name in graph._by_name:
        raise ValueError(f"Duplicate node name in graph: '{name}'")
    node.name = f"{name}/"  # the whole name: no scope stands before it
    return _add(graph, node, list(inputs or ()), list(control_inputs or ()))


def op_def_named(op_type: str) -> Any:
    """Returns the OpDef of the op of that name."""
    return op_def(find(op_type))
