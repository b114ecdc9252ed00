"""Writes graph models."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict

from penstock._src.formats.frozen import freeze, rewrite
from penstock._src.formats.graph_def.writing import named_definition, node_names
from penstock._src.formats.model import Model
from penstock._src.formats.tfjs.folder import write_folder
from penstock._src.formats.tfjs.graph_models.fusing import fused
from penstock._src.formats.tfjs.graph_models.names import rename_nodes
from penstock._src.formats.tfjs.operations import rewritten
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.serialize.composed import in_known_ops
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.tensor import DataType


def write(model: Model, path: str, quantize: str = "") -> None:
    """Writes a function as a graph model.

    Batch norms are folded into weights; products and convolutions take biases and activations along.

    Args:
      model: a model of one signature, or with the default one.
      path: the folder to make.
      quantize: how floats are stored: "float16", "uint8" or "uint16"; by default as they are.

    Raises:
      UnimplementedError: TensorFlow.js has no counterpart of an operation.
    """
    name, function = model.only("A TensorFlow.js model")
    known = rewrite(freeze(function, name, folds_scales=True), in_known_ops)
    frozen = rewrite(known, rewritten)
    definition, nodes = named_definition(frozen), node_names(frozen)
    fused(definition)
    values = _taken_constants(definition)
    head = {
        "format": "graph-model",
        "signature": {
            "inputs": {key: _info(nodes[key], t) for key, t in frozen.inputs.items()},
            "outputs": {key: _info(nodes[key], t) for key, t in frozen.outputs.items()},
        },
        "modelTopology": MessageToDict(definition),
    }
    write_folder(path, head, values, quantize)


def _taken_constants(definition: Any) -> dict[str, np.ndarray]:
    """Takes the values of all constants, also those of functions, out of a GraphDef; returns them by node."""
    values = {}
    for function in definition.library.function:
        # Without the leading characters that names of operations must not have.
        owner = function.signature.name.lstrip("_")
        constants = [node.name for node in function.node_def if node.op == "Const"]
        # weights have one table of names for all functions
        rename_nodes(function, {name: f"{owner}/{name}" for name in constants})
    bodies = [function.node_def for function in definition.library.function]
    for node in (node for nodes in (definition.node, *bodies) for node in nodes):
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            values[node.name] = np.asarray(from_proto(tensor))
            emptied = type(tensor)(dtype=tensor.dtype, tensor_shape=tensor.tensor_shape)
            tensor.CopyFrom(emptied)
    return values


def _info(name: str, tensor: SymbolicTensor) -> dict[str, Any]:
    """An entry of the signature."""
    info: dict[str, Any] = {
        "name": f"{name}:0",
        "dtype": DataType.Name(tensor.dtype.as_datatype_enum),
    }
    if tensor.shape.rank is None:
        return {**info, "tensorShape": {"unknownRank": True}}
    extents = [{"size": str(-1 if n is None else n)} for n in tensor.shape.as_list()]
    return {**info, "tensorShape": {"dim": extents} if extents else {}}
