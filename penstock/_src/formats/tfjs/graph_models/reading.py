"""Reads graph models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from google.protobuf.json_format import ParseDict, ParseError

from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError
from penstock._src.formats.graph_def.reading import function_of
from penstock._src.formats.model import Model, of_function
from penstock._src.formats.tfjs.graph_models.fusing import unfuse
from penstock._src.formats.tfjs.graph_models.names import rename_nodes
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.graph import GraphDef


def model_of(head: Mapping[str, Any], values: Mapping[str, np.ndarray], path: str) -> Model:
    """Returns the function of a graph model.

    Args:
      head: the content of `model.json`.
      values: the weights by node.
      path: of `model.json`, for messages.

    Raises:
      DataLossError: the graph is damaged, or weights of it are missing.
    """
    try:
        definition = ParseDict(head["modelTopology"], GraphDef())
    except (ParseError, KeyError) as error:
        raise DataLossError(f"{path}: its modelTopology is not a GraphDef: {error}.") from error
    bodies = [function.node_def for function in definition.library.function]
    for node in (node for nodes in (definition.node, *bodies) for node in nodes):
        if node.op == "Const":
            _fill(node, values, path)
    for function in definition.library.function:
        # converters begin names with those of functions, which begin with underscores
        names = [node.name for node in function.node_def if node.name.startswith("_")]
        rename_nodes(function, {name: f"of{name}" for name in names})
    unfuse(definition)
    signature = head.get("signature") or head.get("userDefinedMetadata", {}).get("signature") or {}
    inputs, outputs = (_nodes(signature, key, path) for key in ("inputs", "outputs"))
    traced = function_of(definition, path, inputs, outputs)
    details = {"kind": "graph model", "nodes": len(definition.node)}
    return Model(of_function(traced).signatures, None, path, details)


def _fill(node: Any, values: Mapping[str, np.ndarray], path: str) -> None:
    """Gives a constant its value, with the dtype in the graph."""
    if node.name not in values:
        raise DataLossError(f"{path}: there is no weight for the node {node.name!r}.")
    value = values[node.name]
    dtype = dtypes.as_dtype(node.attr["dtype"].type)
    if dtype is not dtypes.string:
        value = value.astype(dtype.np)
    node.attr["value"].tensor.CopyFrom(to_proto(value, dtype))


def _nodes(signature: Mapping[str, Any], key: str, path: str) -> dict[str, str]:
    """The tensors of a signature by their names there."""
    try:
        return {name: info["name"] for name, info in signature.get(key, {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise DataLossError(f"{path}: the {key} of its signature are damaged ({error}).") from error
