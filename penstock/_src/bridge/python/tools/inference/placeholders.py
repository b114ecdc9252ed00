"""Placeholders of switches, replaced by constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.printing import get_logger, make_tensor_proto
from penstock._src.core import dtypes
from penstock._src.proto.graph import NodeDef

from .nodes import nodes_by_name, replaced

# Parts of names of placeholders that are always replaced, with their values.
PLACEHOLDER_WITH_DEFAULT_LIST = {"keras_learning_phase": "False"}


def convert_placeholder_to_const(
    input_graph_def: Any, nodes_to_convert: Sequence[str] | None = None
) -> Any:
    """Returns the GraphDef with constants in place of boolean placeholders, in the order of the nodes.

    Args:
      input_graph_def: a GraphDef.
      nodes_to_convert: texts `name=True` or `name=False`; a name stands for all placeholders whose name contains it.

    Raises:
      ValueError: two nodes have the same name.
    """
    nodes_by_name(input_graph_def)
    values = PLACEHOLDER_WITH_DEFAULT_LIST | parse_nodes_dict(nodes_to_convert)
    graph_def = replaced(input_graph_def, (), ())
    for node in graph_def.node:
        if node.op not in ("Placeholder", "PlaceholderWithDefault"):
            continue
        key = next((key for key in values if key in node.name), None)
        if key is None:
            continue
        if node.attr["dtype"].type != dtypes.bool_.as_datatype_enum:
            get_logger().warning(
                "%s is not replaced: only a boolean placeholder can be.", node.name
            )
            continue
        node.CopyFrom(_switch(node.name, strtobool(values[key])))
    return graph_def


def _switch(name: str, value: bool) -> Any:
    proto = make_tensor_proto(value, dtype=dtypes.bool_, shape=[])
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = proto.dtype
    node.attr["value"].tensor.CopyFrom(proto)
    return node


def strtobool(val_str: str) -> bool:
    """Returns whether a text is "True" or "true"; warns if it is neither that nor its opposite."""
    if val_str not in ("True", "true", "False", "false"):
        get_logger().warning("Expected True, true, False or false. Received: %s", val_str)
    return val_str in ("True", "true")


def parse_entry(entry: str) -> tuple[str | None, str | None]:
    """Returns the name and the value in `name=value`; (None, None) without a value."""
    name, is_pair, rest = entry.partition("=")
    return (name.strip(), rest.partition("=")[0]) if is_pair else (None, None)


def parse_nodes_dict(nodes: Sequence[str] | None) -> dict[str, str]:
    """Returns the values of texts `name=value` by name."""
    pairs = map(parse_entry, nodes or ())
    return {name: value for name, value in pairs if name is not None and value is not None}
