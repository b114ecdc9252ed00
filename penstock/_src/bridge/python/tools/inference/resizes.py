"""Resizes and mirrored paddings, merged into the convolutions that follow."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.printing import make_tensor_proto
from penstock._src.proto.graph import AttrValue, NodeDef

from .nodes import node_from_map, node_name_from_input, nodes_by_name, operation, replaced


def fuse_resize_and_conv(input_graph_def: Any, output_node_names: Sequence[str]) -> Any:
    """Returns the GraphDef with FusedResizeAndPadConv2D and FusedPadConv2D in place of what they compute.

    Args:
      input_graph_def: a GraphDef.
      output_node_names: names of nodes to keep.

    Raises:
      ValueError: two nodes have the same name, or an input is missing.
    """
    nodes = nodes_by_name(input_graph_def)
    uses = collections.Counter(output_node_names)
    uses.update(node_name_from_input(t) for node in input_graph_def.node for t in node.input)
    added: list[Any] = []
    for node in input_graph_def.node:
        if node.op != "Conv2D":
            continue
        padding, resize = None, node_from_map(nodes, node.input[0])
        if resize.op == "MirrorPad":
            padding, resize = resize, node_from_map(nodes, resize.input[0])
        if resize.op != "ResizeBilinear":
            resize = None
        if padding is None and resize is None:
            continue
        uses[node.name] = 0
        uses.subtract(part.name for part in (padding, resize) if part is not None)
        added += _fused(node, padding, resize)
    unused = {node.name for node in input_graph_def.node if uses[node.name] < 1}
    return replaced(input_graph_def, unused, added)


def _fused(convolution: Any, padding: Any, resize: Any) -> list[Any]:
    """The nodes that compute a convolution with the padding and the resize before it."""
    fused = []
    if padding is None:
        fused.append(_no_paddings(f"{convolution.name}_dummy_paddings"))
        paddings, mode = fused[0].name, AttrValue(s=b"REFLECT")
    else:
        paddings, mode = padding.input[1], padding.attr["mode"]
    attributes = {key: convolution.attr[key] for key in ("T", "strides", "padding")}
    if resize is None:
        op, inputs = "FusedPadConv2D", [padding.input[0]]
    else:
        op, inputs = "FusedResizeAndPadConv2D", list(resize.input[:2])
        attributes["resize_align_corners"] = resize.attr["align_corners"]
    inputs += [paddings, convolution.input[1]]
    fused.append(operation(op, convolution.name, inputs, mode=mode, **attributes))
    return fused


def _no_paddings(name: str) -> Any:
    """A constant of paddings that add nothing."""
    none = make_tensor_proto(np.zeros((4, 2), np.int32))
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = none.dtype
    node.attr["value"].tensor.CopyFrom(none)
    return node
