"""Batch norms that are written as single operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .nodes import (
    CONVOLUTIONS,
    constant,
    node_from_map,
    nodes_by_name,
    operation,
    replaced,
    values_from_const,
)


@dataclass(frozen=True)
class _Pattern:
    """x * scale + (beta - mean * scale), where scale is rsqrt(variance + epsilon), times gamma if there is one."""

    data: Any
    data_format: Any
    gamma: Any  # None: all ones
    beta: Any
    mean: Any
    variance: Any
    epsilon: float
    scale: Any
    parts: frozenset[str]


def fuse_decomposed_batch_norm(input_graph_def: Any) -> Any:
    """Returns the GraphDef with FusedBatchNorm in place of batch norms that are written as single operations.

    Recognized is `x * scale + (beta - mean * scale)` with `scale = rsqrt(variance + epsilon) * gamma`, also without
    gamma and with the sum turned around, where `x` comes from a convolution with channels last.

    Args:
      input_graph_def: a frozen GraphDef.

    Raises:
      ValueError: two nodes have the same name, or an input is missing.
    """
    nodes = nodes_by_name(input_graph_def)
    gone: set[str] = set()
    added: list[Any] = []
    for node in input_graph_def.node:
        match = _match(node, nodes)
        if match is None:
            continue
        gone |= match.parts
        gamma = match.gamma
        if gamma is None:
            ones = np.ones_like(values_from_const(match.beta))
            scope = match.scale.name.rpartition("/")[0] or match.scale.name
            gamma = constant(f"{scope}/gamma", ones, match.beta)
            added.append(gamma)
        inputs = [match.data, gamma, match.beta, match.mean, match.variance]
        added.append(
            operation(
                "FusedBatchNorm",
                node.name,
                [source.name for source in inputs],
                T=node.attr["T"],
                is_training=False,
                epsilon=match.epsilon,
                data_format=match.data_format,
            )
        )
    return replaced(input_graph_def, gone, added)


def _match(node: Any, nodes: Mapping[str, Any]) -> _Pattern | None:
    """The batch norm whose last operation is `node`."""
    pair = _operands(node, "Add", nodes)
    if pair is None:
        return None
    product, difference = pair if pair[0].op == "Mul" else reversed(pair)
    factors = _operands(product, "Mul", nodes)
    terms = _operands(difference, "Sub", nodes)
    if factors is None or terms is None:
        return None
    (data, scale), (beta, shift) = factors, terms
    data_format = _format_of_convolution(data, nodes)
    means = _operands(shift, "Mul", nodes)
    if data_format is None or data_format.s != b"NHWC" or means is None or means[1] is not scale:
        return None
    gamma, root = None, scale
    if scale.op == "Mul":
        root, gamma = (node_from_map(nodes, name) for name in scale.input[:2])
    if root.op != "Rsqrt":
        return None
    total = node_from_map(nodes, root.input[0])
    summands = _operands(total, "Add", nodes)
    if summands is None:
        return None
    variance, epsilon = summands
    vectors = [beta, means[0], variance] + ([gamma] if gamma is not None else [])
    if not all(_is_constant(vector, 1) for vector in vectors) or not _is_constant(epsilon, 0):
        return None
    parts = (node, product, difference, shift, scale, root, total)
    return _Pattern(
        data,
        data_format,
        gamma,
        beta,
        means[0],
        variance,
        float(values_from_const(epsilon)),
        scale,
        frozenset(part.name for part in parts),
    )


def _operands(node: Any, op: str, nodes: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The two nodes that a node of this op computes with."""
    if node.op != op:
        return None
    return node_from_map(nodes, node.input[0]), node_from_map(nodes, node.input[1])


def _is_constant(node: Any, rank: int) -> bool:
    return node.op == "Const" and values_from_const(node).ndim == rank


def _format_of_convolution(node: Any, nodes: Mapping[str, Any]) -> Any:
    """The data format of the convolution that a node is or follows."""
    if node.op in CONVOLUTIONS:
        return node.attr["data_format"]
    sources = (node_from_map(nodes, name) for name in node.input)
    return next((n.attr["data_format"] for n in sources if n.op in CONVOLUTIONS), None)
