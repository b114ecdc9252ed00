"""A Model as an ONNX file: `write`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems.whole import write_whole, written_whole
from penstock._src.formats.frozen import freeze
from penstock._src.formats.model import Model
from penstock._src.formats.onnx.arrays import proto_of
from penstock._src.formats.onnx.element_types import element_type_of
from penstock._src.formats.onnx.schema import (
    EXTERNAL,
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    ValueInfoProto,
)
from penstock._src.formats.onnx.writing.cleaning import add_biases, drop_unread, names_read
from penstock._src.formats.onnx.writing.transposes import without_pairs
from penstock._src.formats.onnx.writing.writer import (
    OPSET,
    GraphDraft,
    NodeDraft,
    Shared,
    Writer,
    load_writers,
)
from penstock._src.version import OWN_VERSION

IR_VERSION = 10
# The most bytes that a message may have; beyond, weights go to a file of their own.
MOST_BYTES = (1 << 31) - (1 << 20)
_ALIGNMENT = 4096  # alignment of tensors in that file, so that they can be mapped
_SMALL = 1024  # bytes of a tensor that stays in the message


def write(model: Model, path: str) -> None:
    """Writes a function with its variables as constants.

    Models of 2 GB or more have their weights in a file beside, `<path>.data`.

    Args:
      model: a model of one signature, or with the default one.
      path: the file to make.

    Raises:
      UnimplementedError: an operation has no counterpart in ONNX; the message names it.
    """
    proto, constants = draft_proto(model)
    if sum(value.nbytes for value in constants.values()) < MOST_BYTES:
        for name, value in constants.items():
            proto.graph.initializer.append(proto_of(value, name))
    else:
        _write_beside(proto.graph, constants, f"{path}.data")
    write_whole(path, proto.SerializeToString(deterministic=True))


def model_proto(model: Model) -> Any:
    """Returns the ModelProto of a function, with all weights in it; as `write`."""
    proto, constants = draft_proto(model)
    proto.graph.initializer.extend(proto_of(value, name) for name, value in constants.items())
    return proto


def draft_proto(model: Model) -> tuple[Any, dict[str, np.ndarray]]:
    """Returns the ModelProto of a function without its weights, and these by name."""
    load_writers()
    name, function = model.only("An ONNX model")
    frozen = freeze(function, name, folds_scales=True)
    shared = Shared([*frozen.inputs, *frozen.outputs])
    writer = Writer(shared)
    # An output with the name of an input cannot be.
    both = set(frozen.inputs) & set(frozen.outputs)
    if both:
        raise InvalidArgumentError(f"ONNX: '{min(both)}' is the name of an input and an output.")
    results = writer.function(frozen.function, list(frozen.inputs))
    graph = writer.graph
    graph.inputs = [(n, t.dtype, _shape(t)) for n, t in frozen.inputs.items()]
    for wanted, tensor, result in zip(
        frozen.outputs, frozen.outputs.values(), results, strict=True
    ):
        graph.nodes.append(NodeDraft("Identity", [result], [wanted]))
        graph.outputs.append((wanted, tensor.dtype, _shape(tensor)))
    drop_unread(graph)
    without_pairs(graph, shared)
    add_biases(graph, shared)
    _name_outputs(graph, shared)
    used = set(names_read(graph))
    constants = {n: value for n, value in shared.constants.items() if n in used}
    proto = ModelProto(
        ir_version=IR_VERSION, producer_name="penstock", producer_version=OWN_VERSION
    )
    proto.opset_import.add(domain="", version=OPSET)
    proto.graph.CopyFrom(_graph_proto(graph, "main"))
    return proto, constants


def _shape(tensor: Any) -> Any:
    return None if tensor.shape.rank is None else tensor.shape.as_list()


def _name_outputs(graph: GraphDraft, shared: Shared) -> None:
    """Renames the producer's output to the graph's output, replacing the Identity after it."""
    inputs = {name for name, _, _ in graph.inputs}
    makers = {name for node in graph.nodes for name in node.outputs}
    renamed: dict[str, str] = {}
    ends = {name for name, _, _ in graph.outputs}
    kept = []
    for node in graph.nodes:
        source, target = (node.inputs or [""])[0], node.outputs[0]
        if node.op_type != "Identity" or target not in ends:
            kept.append(node)
        elif source in makers - inputs - ends and source not in renamed:
            renamed[source] = target
        else:
            kept.append(NodeDraft("Identity", [source], [target]))
    _rename(kept, renamed)
    graph.nodes = kept


def _rename(nodes: Sequence[NodeDraft], names: dict[str, str]) -> None:
    for node in nodes:
        node.inputs = [names.get(n, n) for n in node.inputs]
        node.outputs = [names.get(n, n) for n in node.outputs]
        for value in node.attributes.values():
            if isinstance(value, GraphDraft):
                _rename(value.nodes, names)
                value.outputs = [(names.get(n, n), d, s) for n, d, s in value.outputs]


def _graph_proto(graph: GraphDraft, name: str) -> Any:
    proto = GraphProto(name=name)
    proto.input.extend(_value_info(*value) for value in graph.inputs)
    proto.output.extend(_value_info(*value) for value in graph.outputs)
    for node in graph.nodes:
        node_proto = NodeProto(
            op_type=node.op_type, input=node.inputs, output=node.outputs, name=node.outputs[0]
        )
        for key, value in node.attributes.items():
            node_proto.attribute.append(_attribute(key, value))
        proto.node.append(node_proto)
    return proto


def _value_info(name: str, dtype: DType, shape: Any) -> Any:
    info = ValueInfoProto(name=name)
    tensor = info.type.tensor_type
    tensor.elem_type = element_type_of(dtype).number
    if shape is not None:
        tensor.shape.SetInParent()
        for axis, size in enumerate(shape):
            if size is None:
                tensor.shape.dim.add(dim_param=f"{name}_{axis}")
            else:
                tensor.shape.dim.add(dim_value=size)
    return info


def _attribute(name: str, value: Any) -> Any:
    if isinstance(value, (bool, int, np.integer)):
        return AttributeProto(name=name, type=2, i=int(value))
    if isinstance(value, float):
        return AttributeProto(name=name, type=1, f=value)
    if isinstance(value, str):
        return AttributeProto(name=name, type=3, s=value.encode())
    if isinstance(value, np.ndarray):
        return AttributeProto(name=name, type=4, t=proto_of(value))
    if isinstance(value, GraphDraft):
        return AttributeProto(name=name, type=5, g=_graph_proto(value, name))
    if all(isinstance(v, (int, np.integer)) for v in value):
        return AttributeProto(name=name, type=7, ints=[int(v) for v in value])
    return AttributeProto(name=name, type=6, floats=[float(v) for v in value])


def _write_beside(graph: Any, constants: dict[str, np.ndarray], path: str) -> None:
    """Puts weights into a file beside the model, each at a multiple of a page."""
    place = 0
    with written_whole(path) as file:
        for name, value in constants.items():
            proto = proto_of(value, name)
            if value.dtype != dtypes.string.np and len(proto.raw_data) > _SMALL:
                gap = -place % _ALIGNMENT
                file.write(bytes(gap) + proto.raw_data)
                place += gap
                facts = {
                    "location": os.path.basename(path),
                    "offset": place,
                    "length": len(proto.raw_data),
                }
                place += len(proto.raw_data)
                for key, fact in facts.items():
                    proto.external_data.add(key=key, value=str(fact))
                proto.ClearField("raw_data")
                proto.data_location = EXTERNAL
            graph.initializer.append(proto)
