"""Comparison of graphs, and test decorators."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf import text_format

from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export

# Names that savers and tables draw at random.
_SHARD = re.compile(rb"_temp_[0-9a-z]{32}/part")
_TABLE = re.compile(rb"hash_table_[0-9a-z\-]+")


@export("test.assert_equal_graph_def", v1=[])
def assert_equal_graph_def(expected, actual):
    """Fails unless two GraphDefs have the same nodes.

    Their order, the versions, and names that savers and hash tables draw at random do not matter.

    Args:
      expected, actual: GraphDefs.

    Raises:
      AssertionError: they differ.
      TypeError: one is not a GraphDef.
    """
    assert_equal_graph_def_v1(actual, expected, checkpoint_v2=True, hash_table_shared_name=True)


@export(v1=["test.assert_equal_graph_def"])
def assert_equal_graph_def_v1(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """Fails unless two GraphDefs have the same nodes; their order and the versions do not matter.

    Args:
      actual, expected: GraphDefs.
      checkpoint_v2: leave out the names of shards that savers draw at random.
      hash_table_shared_name: leave out the shared names of tables.

    Raises:
      AssertionError: they differ.
      TypeError: one is not a GraphDef.
    """
    nodes = []
    for name, graph in (("actual", actual), ("expected", expected)):
        if not isinstance(graph, GraphDef):
            raise TypeError(f"Expected tf.GraphDef for {name}, got {type(graph).__name__}")
        kept = GraphDef.FromString(graph.SerializeToString())
        for node in kept.node:
            _strip(node, checkpoint_v2, hash_table_shared_name)
        nodes.append({node.name: node for node in kept.node})
    got, wanted = nodes
    for name, node in got.items():
        if name not in wanted:
            raise AssertionError(f"Found unexpected node '{_summary(node)}'")
        difference = _difference(node, wanted[name])
        if difference:
            raise AssertionError(f"Node named '{name}' {difference}")
    for name, node in wanted.items():
        if name not in got:
            raise AssertionError(f"Did not find expected node '{_summary(node)}'")


def _strip(node: Any, shards: bool, tables: bool) -> None:
    for key in list(node.attr):
        values = node.attr[key].tensor.string_val
        if shards and len(values) == 1 and _SHARD.match(values[0]):
            del node.attr[key]
    if tables and node.op == "HashTableV2" and _TABLE.match(node.attr["shared_name"].s):
        del node.attr["shared_name"]


def _difference(actual: Any, expected: Any) -> str:
    """Return how a node differs from the expected one; "" if it does not."""
    for field in ("op", "device"):
        values = getattr(actual, field), getattr(expected, field)
        if values[0] != values[1]:
            return f"has {field} '{values[0]}' that is not expected '{values[1]}'"
    inputs = [
        (list(node.input), [i for i in node.input if i[0] != "^"]) for node in (actual, expected)
    ]
    if len(inputs[0][0]) != len(inputs[1][0]) or len(inputs[0][1]) != len(inputs[1][1]):
        texts = [", ".join(every) for every, _ in inputs]
        return f"has inputs '{texts[0]}' that don't match expected '{texts[1]}'"
    for place, (one, other) in enumerate(zip(inputs[0][1], inputs[1][1], strict=True)):
        if one != other and {one, other} != {one, f"{one}:0"}:
            return f"has input {place} '{one}' that doesn't match expected '{other}'"
    controls = [set(every) - set(data) for every, data in inputs]
    for missing in sorted(controls[1] - controls[0]):
        return f"missing expected control input '{missing}'"
    for key in sorted(expected.attr):
        if key not in actual.attr:
            return f"missing expected attr '{key}' with value: {_text(expected.attr[key])}"
        if actual.attr[key] != expected.attr[key]:
            return (
                f"has attr '{key}' with value: {_text(actual.attr[key])} that does not match expected: "
                f"{_text(expected.attr[key])}"
            )
    for key in sorted(set(actual.attr) - set(expected.attr)):
        return f"has unexpected attr '{key}' with value: {_text(actual.attr[key])}"
    return ""


def _text(value: Any) -> str:
    return text_format.MessageToString(value, as_one_line=True)


def _summary(node: Any) -> str:
    attributes = ", ".join(f"{key}={_text(node.attr[key])}" for key in sorted(node.attr))
    return f"{{{{node {node.name}}}}} = {node.op}[{attributes}]({', '.join(node.input)})"


@export("test.with_eager_op_as_function")
def with_eager_op_as_function(cls=None, only_as_function=False):
    """Decorator that returns a test class unchanged, since eager ops run in only one way.

    Args:
      cls: the class; None when used as `@with_eager_op_as_function(...)`.
      only_as_function: accepted for compatibility.

    Returns:
      The class, or the decorator.
    """
    del only_as_function
    return (lambda decorated: decorated) if cls is None else cls


@export("test.experimental.sync_devices")
def sync_devices():
    """Does nothing: eager ops are synchronous."""
