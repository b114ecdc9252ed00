"""Batch norms of convolutions, computed into the convolutions' weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.api.printing import get_logger

from .nodes import (
    CONVOLUTIONS,
    constant,
    node_from_map,
    nodes_by_name,
    operation,
    replaced,
    values_from_const,
)

_FUSED = ["conv_op", "gamma_op", "beta_op", "mean_op", "var_op"]
# The order of inputs, and the attribute with epsilon, of each kind of batch norm.
INPUT_ORDER = {
    "BatchNormWithGlobalNormalization": ["conv_op", "mean_op", "var_op", "beta_op", "gamma_op"],
    "FusedBatchNorm": _FUSED,
    "FusedBatchNormV3": _FUSED,
}
EPSILON_ATTR = {
    "BatchNormWithGlobalNormalization": "variance_epsilon",
    "FusedBatchNorm": "epsilon",
    "FusedBatchNormV3": "epsilon",
}


class NotFoldable(Exception):
    """Says why a batch norm is left as it is."""


def scale_after_normalization(node: Any) -> bool:
    """Returns whether a batch norm multiplies by gamma."""
    old = node.op == "BatchNormWithGlobalNormalization"
    return node.attr["scale_after_normalization"].b if old else True


def fold_batch_norms(input_graph_def: Any) -> Any:
    """Returns the GraphDef with scaled weights and a bias in place of batch norms that follow convolutions.

    A batch norm is folded if its inputs and the convolution's weights are constants; a constant that is added in
    between is folded too.

    Args:
      input_graph_def: a frozen GraphDef.

    Raises:
      ValueError: two nodes have the same name, or an input is missing.
    """
    nodes = nodes_by_name(input_graph_def)
    gone: set[str] = set()
    added: list[Any] = []
    for node in input_graph_def.node:
        if node.op in INPUT_ORDER:
            try:
                names, replacements = _folded(node, nodes)
            except NotFoldable as reason:
                get_logger().warning("%s", reason)
                continue
            gone |= names
            added += replacements
    return replaced(input_graph_def, gone, added)


def _folded(node: Any, nodes: Mapping[str, Any]) -> tuple[set[str], list[Any]]:
    """The names of the nodes that a folded batch norm makes unnecessary, and their replacements."""
    inputs = dict(zip(INPUT_ORDER[node.op], node.input, strict=False))
    convolution, addition, bias = _convolution(node, node_from_map(nodes, inputs["conv_op"]), nodes)
    kernel = node_from_map(nodes, convolution.input[1])
    weights = _constant_value(kernel, "weights", convolution)
    channels = weights.shape[-1]
    if convolution.op == "DepthwiseConv2dNative":
        channels *= weights.shape[-2]
    mean, variance, beta, gamma = (
        _of_channels(node_from_map(nodes, inputs[f"{kind}_op"]), kind, node, channels)
        for kind in ("mean", "var", "beta", "gamma")
    )
    if bias is not None:
        mean = mean - values_from_const(bias)
    scale = 1.0 / np.sqrt(variance + node.attr[EPSILON_ATTR[node.op]].f)
    if scale_after_normalization(node):
        scale = scale * gamma
    by_channel = scale.reshape(weights.shape[2:]) if channels != weights.shape[-1] else scale
    scaled = constant(
        f"{convolution.name}_weights", (weights * by_channel).astype(weights.dtype), kernel
    )
    offset = constant(
        f"{convolution.name}_bn_offset",
        (beta - mean * scale).astype(mean.dtype),
        node_from_map(nodes, inputs["mean_op"]),
    )
    copy = type(convolution)()
    copy.CopyFrom(convolution)
    copy.input[1] = scaled.name
    result = operation(
        "BiasAdd",
        node.name,
        [copy.name, offset.name],
        T=convolution.attr["T"],
        data_format=convolution.attr["data_format"],
    )
    gone = {node.name, kernel.name, convolution.name} | ({addition.name} if addition else set())
    return gone, [scaled, copy, offset, result]


def _convolution(node: Any, source: Any, nodes: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """The convolution before a batch norm, and the addition and its constant that may stand in between."""
    addition = bias = None
    if source.op in ("BiasAdd", "Add", "AddV2"):
        addition = source
        source, bias = (node_from_map(nodes, name) for name in addition.input[:2])
        if source.op not in CONVOLUTIONS:
            source, bias = bias, source
        if bias.op != "Const":
            raise NotFoldable(
                f"The bias {bias.name} after {source.name} is not a constant. Was the graph frozen?"
            )
    if source.op not in CONVOLUTIONS:
        raise NotFoldable(
            f"The input of {node.name} is not a Conv2D or DepthwiseConv2dNative. Received: {source.op}"
        )
    return source, addition, bias


def _constant_value(node: Any, kind: str, user: Any) -> np.ndarray:
    if node.op != "Const":
        raise NotFoldable(
            f"The {kind} of {user.name} must be a constant. Received: {node.op}. Was the graph frozen?"
        )
    return values_from_const(node)


def _of_channels(node: Any, kind: str, user: Any, channels: int) -> np.ndarray:
    value = _constant_value(node, kind, user)
    if value.shape != (channels,):
        raise NotFoldable(
            f"The {kind} of {user.name} must have the shape ({channels},). Received: {value.shape}"
        )
    return value
