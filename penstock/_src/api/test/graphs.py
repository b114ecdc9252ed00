"""Comparison of graphs, and test decorators."""

from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export


def _check(expected, actual):
    for name, value in (("expected", expected), ("actual", actual)):
        if not isinstance(value, GraphDef):
            raise TypeError(f"Expected tf.GraphDef for {name}, got {type(value).__name__}")


@export("test.assert_equal_graph_def", v1=[])
def assert_equal_graph_def(expected, actual):
    """Fails unless two GraphDefs have the same nodes; their order and the versions do not matter.

    Raises:
      AssertionError: they differ.
      TypeError: one is not a GraphDef.
    """
    _check(expected, actual)
    nodes = [{node.name: node for node in graph.node} for graph in (actual, expected)]
    for name in sorted(set(nodes[0]) | set(nodes[1])):
        mine, wanted = (by_name.get(name) for by_name in nodes)
        if mine is None or wanted is None:
            where = "actual" if mine is None else "expected"
            raise AssertionError(f"Node '{name}' is missing in the {where} graph.")
        if mine != wanted:
            raise AssertionError(f"Found difference in node '{name}':\n{mine}\nvs.\n{wanted}")


@export(v1=["test.assert_equal_graph_def"])
def assert_equal_graph_def_v1(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """`tf.test.assert_equal_graph_def` of v1, with swapped arguments.

    Args:
      actual, expected: GraphDefs.
      checkpoint_v2: ignore the attributes of save and restore nodes that contain generated names.
      hash_table_shared_name: ignore the shared names of tables.
    """
    _check(expected, actual)
    graphs = [GraphDef.FromString(g.SerializeToString()) for g in (expected, actual)]
    for node in (node for graph in graphs for node in graph.node):
        if checkpoint_v2 and node.op == "Const" and node.name.startswith("save/"):
            node.attr["value"].Clear()
        if hash_table_shared_name and node.op.startswith("HashTable"):
            node.attr["shared_name"].Clear()
    assert_equal_graph_def(*graphs)


@export("test.with_eager_op_as_function")
def with_eager_op_as_function(cls=None, only_as_function=False):
    """Decorator that returns a test class unchanged, since eager ops run in only one way."""
    del only_as_function
    return (lambda decorated: decorated) if cls is None else cls


@export("test.experimental.sync_devices")
def sync_devices():
    """Does nothing: eager ops are synchronous."""
