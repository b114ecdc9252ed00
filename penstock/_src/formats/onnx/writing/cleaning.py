"""Small improvements of the written graph: unused nodes, biases of convolutions."""

from __future__ import annotations

from collections import Counter

import numpy as np

from penstock._src.formats.onnx.writing.writer import GraphDraft, NodeDraft, Shared


def names_read(graph: GraphDraft) -> list[str]:
    """The names that nodes read, and those of subgraphs."""
    read = [name for name, _, _ in graph.outputs]
    for node in graph.nodes:
        read.extend(_read_by(node))
    return read


def _read_by(node: NodeDraft) -> list[str]:
    read = list(node.inputs)
    for value in node.attributes.values():
        if isinstance(value, GraphDraft):
            read.extend(names_read(value))
    return read


def drop_unread(graph: GraphDraft) -> None:
    """Removes nodes with unused outputs, in subgraphs too."""
    wanted = {name for name, _, _ in graph.outputs}
    kept = []
    for node in reversed(graph.nodes):
        if not wanted.intersection(node.outputs):
            continue
        for value in node.attributes.values():
            if isinstance(value, GraphDraft):
                drop_unread(value)
        wanted.update(_read_by(node))
        kept.append(node)
    graph.nodes = kept[::-1]


def add_biases(graph: GraphDraft, shared: Shared) -> None:
    """Turns per-channel constants added after convolutions into their biases."""
    readers = Counter(names_read(graph))
    convolutions: dict[str, NodeDraft] = {}
    kept = []
    for node in graph.nodes:
        if node.op_type in ("Conv", "ConvTranspose") and len(node.inputs) == 2:
            convolutions[node.outputs[0]] = node
        if node.op_type == "Add":
            conv, bias = _added(node, convolutions, shared)
            if conv is not None and bias is not None and readers[conv.outputs[0]] == 1:
                conv.inputs.append(shared.constant(bias, "bias"))
                conv.outputs = node.outputs
                continue
        kept.append(node)
    graph.nodes = kept


def _added(
    node: NodeDraft, convolutions: dict[str, NodeDraft], shared: Shared
) -> tuple[NodeDraft | None, np.ndarray | None]:
    """The convolution and the bias that a node adds up, if it does."""
    for one, other in (node.inputs, node.inputs[::-1]):
        if one not in convolutions or other not in shared.constants:
            continue
        conv, value = convolutions[one], shared.constants[other]
        weights = shared.constants.get(conv.inputs[1])
        if weights is None or weights.dtype != value.dtype:
            continue
        per_channel = (1, -1, *[1] * (weights.ndim - 2))
        group = conv.attributes.get("group", 1)
        channels = weights.shape[0] if conv.op_type == "Conv" else weights.shape[1] * group
        if value.shape == (1, channels, *per_channel[2:]):
            return conv, value.reshape(-1)
    return None, None
