"""Helpers with which tests inspect graphs: operations, versions, layouts of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.api.array.shaping import reshape, transpose
from penstock._src.api.test.graphs import assert_equal_graph_def_v1
from penstock._src.core.tensor import Tensor
from penstock._src.graph.serialize.graph_defs import import_graph_def
from penstock._src.proto.graph import GraphDef


def assert_ops_in_graph(expected_ops: Mapping[str, str], graph: Any) -> dict[str, Any]:
    """Returns the nodes with these names by name.

    Args:
      expected_ops: {name: type}.
      graph: a graph.

    Raises:
      ValueError: one is missing, or has another type.
    """
    nodes = {node.name: node for node in graph.as_graph_def().node if node.name in expected_ops}
    for name, node in nodes.items():
        if node.op != expected_ops[name]:
            raise ValueError(
                f"Expected op for node {name} is different. {expected_ops[name]} vs {node.op}"
            )
    if nodes.keys() != expected_ops.keys():
        raise ValueError(
            f"Not all expected ops are present. Expected {expected_ops.keys()}, found {nodes.keys()}"
        )
    return nodes


def get_node_def_from_graph(node_name: str, graph_def: Any) -> Any:
    """Returns the node of a GraphDef with this name, or None."""
    return next((node for node in graph_def.node if node.name == node_name), None)


def assert_meta_graph_protos_equal(tester: Any, a: Any, b: Any) -> None:
    """Fails unless two MetaGraphDefs are equal up to the order of nodes and names drawn at random. Changes both."""
    tester.assertEqual(set(a.collection_def), set(b.collection_def))
    for key, collection in a.collection_def.items():
        tester.assertEqual(collection, b.collection_def[key])
    assert_equal_graph_def_v1(a.graph_def, b.graph_def, checkpoint_v2=True)
    tester.assertProtoEquals(a.graph_def.versions, b.graph_def.versions)
    for meta in (a, b):
        meta.ClearField("collection_def")
        meta.ClearField("graph_def")
    tester.assertProtoEquals(a, b)


def set_producer_version(graph: Any, producer_version: int) -> None:
    """Makes a graph one that a TensorFlow of this version has made."""
    graph_def = GraphDef()
    graph_def.versions.producer = producer_version
    with graph.as_default():
        import_graph_def(graph_def)
    assert graph.graph_def_versions.producer, producer_version


def _permuted(value: Any, orders: Mapping[int, Sequence[int]]) -> Any:
    """Transposes a tensor, or reorders a shape, by the order for its rank."""
    if isinstance(value, Tensor):
        return transpose(value, list(orders[len(value.shape)]))
    return [value[axis] for axis in orders[len(value)]]


def NHWCToNCHW(input_tensor: Any) -> Any:
    """Returns a tensor (or a shape) with the channels in front of the spatial dimensions."""
    return _permuted(input_tensor, {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)})


def NCHWToNHWC(input_tensor: Any) -> Any:
    """Returns a tensor (or a shape) with the channels after the spatial dimensions."""
    return _permuted(input_tensor, {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)})


def NHWCToNCHW_VECT_C(input_shape_or_tensor: Any) -> Any:
    """Returns a tensor (or a shape) with the channels in front of the spatial dimensions, in fours at the end."""
    value = input_shape_or_tensor
    shape: list[Any] = list(value.shape) if isinstance(value, Tensor) else list(value)
    if shape[-1] % 4 != 0:
        raise ValueError(
            "Last dimension of input must be evenly divisible by 4 to convert to NCHW_VECT_C."
        )
    shape[-1:] = [shape[-1] // 4, 4]
    split = reshape(value, shape) if isinstance(value, Tensor) else shape
    return _permuted(split, {5: (0, 3, 1, 2, 4), 6: (0, 4, 1, 2, 3, 5)})


def NCHW_VECT_CToNHWC(input_shape_or_tensor: Any) -> Any:
    """Returns a tensor (or a shape) with the channels, which are in fours at the end, after the spatial dimensions."""
    value = input_shape_or_tensor
    shape: list[Any] = list(value.shape) if isinstance(value, Tensor) else list(value)
    if shape[-1] != 4:
        raise ValueError("Last dimension of NCHW_VECT_C must be 4.")
    moved = _permuted(value, {5: (0, 2, 3, 1, 4), 6: (0, 2, 3, 4, 1, 5)})
    flat = [*(moved.shape if isinstance(value, Tensor) else moved)]
    flat[-2:] = [flat[-2] * 4]
    return reshape(moved, flat) if isinstance(value, Tensor) else flat
