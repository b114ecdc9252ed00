"""Attributes of nodes that have the values of their ops' definitions: left out of files, so that older programs can read them."""

import functools
from collections.abc import Iterator
from typing import Any

from penstock._src.core.registry import find
from penstock._src.graph.serialize.op_definitions import op_def


@functools.cache
def _defaults(op_type: str) -> dict[str, Any]:
    """The default values of an op's attributes; none for a function or an unknown op."""
    cls = find(op_type)
    entries = () if cls is None else op_def(cls).attr
    return {e.name: e.default_value for e in entries if e.HasField("default_value")}


def nodes_of(graph_def: Any) -> Iterator[Any]:
    """The NodeDefs of a graph and its functions."""
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def strip_default_attributes(graph_def: Any) -> None:
    """Removes the attributes of a GraphDef's nodes that have their default values."""
    for node in nodes_of(graph_def):
        for name, value in _defaults(node.op).items():
            if name in node.attr and node.attr[name] == value:
                del node.attr[name]


def fill_default_attributes(graph_def: Any) -> None:
    """Adds the attributes that a GraphDef's nodes lack, with their default values."""
    for node in nodes_of(graph_def):
        for name, value in _defaults(node.op).items():
            if name not in node.attr:
                node.attr[name].CopyFrom(value)
