"""Nodes of GraphDefs by name, and constants among them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from penstock._src.api.printing import make_ndarray, make_tensor_proto
from penstock._src.graph.rewriting import copy_library_and_versions
from penstock._src.proto.graph import AttrValue, GraphDef, NodeDef

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def node_name_from_input(node_name: str) -> str:
    """Returns the name of the node that an input refers to: `node`, `node:1` and `^node`."""
    return re.sub(r":\d+$", "", node_name.removeprefix("^"))


def node_from_map(node_map: Mapping[str, Any], name: str) -> Any:
    """Returns the node that an input refers to.

    Args:
      node_map: nodes by name.
      name: an input of a node.

    Raises:
      ValueError: there is no such node.
    """
    node = node_map.get(node_name_from_input(name))
    if node is None:
        raise ValueError(f"No node named '{name}' found in map.")
    return node


def nodes_by_name(graph_def: Any) -> dict[str, Any]:
    """Returns the nodes of a graph by name.

    Raises:
      ValueError: two nodes have the same name.
    """
    nodes: dict[str, Any] = {}
    for node in graph_def.node:
        if node.name in nodes:
            raise ValueError("Duplicate node names detected for ", node.name)
        nodes[node.name] = node
    return nodes


def values_from_const(node_def: Any) -> np.ndarray:
    """Returns the array that a Const node holds.

    Raises:
      ValueError: the node is not a constant.
    """
    if node_def.op != "Const":
        raise ValueError(f"Only a Const node holds an array. Received:\n{node_def}")
    return make_ndarray(node_def.attr["value"].tensor)


def constant(name: str, value: Any, like: Any) -> Any:
    """Returns a Const node of a value, with the dtype of another Const node."""
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].CopyFrom(like.attr["dtype"])
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(value, dtype=like.attr["dtype"].type))
    return node


def operation(op: str, name: str, inputs: Iterable[str], **attributes: Any) -> Any:
    """Returns a node whose attributes are AttrValues, floats or booleans."""
    node = NodeDef(name=name, op=op, input=inputs)
    for key, value in attributes.items():
        if isinstance(value, bool):
            value = AttrValue(b=value)
        elif isinstance(value, float):
            value = AttrValue(f=value)
        node.attr[key].CopyFrom(value)
    return node


def replaced(graph_def: Any, gone: Collection[str], added: Iterable[Any]) -> Any:
    """Returns the graph without some nodes and the control dependencies on them, followed by other nodes."""
    result = GraphDef()
    copy_library_and_versions(graph_def, result)
    for node in graph_def.node:
        if node.name not in gone:
            copy = result.node.add()
            copy.CopyFrom(node)
            copy.input[:] = [t for t in node.input if t[:1] != "^" or t[1:] not in gone]
    result.node.extend(added)
    return result
