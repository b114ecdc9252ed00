"""Removes transposes: each waits until a node needs its result, and passes through all nodes that can work on the transposed values.

Penstock's images have channels last, ONNX's convolutions have them first. So every convolution is written between two transposes. A
transpose behind one convolution passes through the activation that follows, and meets the inverse transpose in front of the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.formats.onnx.layouts import BROADCASTING, ELEMENTWISE
from penstock._src.formats.onnx.writing.writer import GraphDraft, NodeDraft, Shared

Permutation = tuple[int, ...]

_REDUCTIONS = set("ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum".split())
# Nodes with an axis in an attribute, and its default.
_WITH_AXIS = {"Concat": 0, "Softmax": -1, "LogSoftmax": -1, "Split": 0}


def without_pairs(graph: GraphDraft, shared: Shared) -> None:
    """Rewrites the nodes of a graph with as few transposes as it finds."""
    _Pass(graph, shared).run()


class _Pass:
    """One walk over the nodes.

    Attributes:
      waiting: {name: (name of the source, permutation)}: values that are transposes of others and are not made yet.
    """

    def __init__(self, graph: GraphDraft, shared: Shared) -> None:
        self.graph, self.shared = graph, shared
        self.constants = shared.constants
        self.nodes: list[NodeDraft] = []
        self.waiting: dict[str, tuple[str, Permutation]] = {}
        self.aliases: dict[str, str] = {}

    def run(self) -> None:
        for node in self.graph.nodes:
            node.inputs = [self.aliases.get(name, name) for name in node.inputs]
            if node.op_type == "Transpose":
                self.transpose(node)
                continue
            waits = [name for name in node.inputs if name in self.waiting]
            if not waits or not self.passed(node):
                self.make(node)
        for name, _, _ in self.graph.outputs:
            self.made(name)
        self.graph.nodes = self.nodes

    def transpose(self, node: NodeDraft) -> None:
        """Records a transpose, composed with a pending one before it."""
        source, order = node.inputs[0], tuple(node.attributes["perm"])
        if source in self.waiting:
            source, before = self.waiting[source]
            order = tuple(before[axis] for axis in order)
        if order == tuple(range(len(order))):
            self.aliases[node.outputs[0]] = source
        else:
            self.waiting[node.outputs[0]] = (source, order)

    def make(self, node: NodeDraft) -> None:
        """Adds a node unchanged; inputs of the node and its subgraphs are created before it."""
        for name in node.inputs:
            self.made(name)
        for value in node.attributes.values():
            if isinstance(value, GraphDraft):
                self.subgraph(value)
        self.nodes.append(node)

    def subgraph(self, graph: GraphDraft) -> None:
        """Creates the values of this graph that a subgraph reads, and does the same in the subgraph."""
        for node in graph.nodes:
            node.inputs = [self.aliases.get(name, name) for name in node.inputs]
            for name in node.inputs:
                self.made(name)
            for value in node.attributes.values():
                if isinstance(value, GraphDraft):
                    self.subgraph(value)
        inner = {name for node in graph.nodes for name in node.outputs}
        for name, _, _ in graph.outputs:
            if name not in inner:
                self.made(self.aliases.get(name, name))
        without_pairs(graph, self.shared)

    def made(self, name: str) -> None:
        """Makes a value that waits."""
        if name in self.waiting:
            source, order = self.waiting.pop(name)
            self.nodes.append(NodeDraft("Transpose", [source], [name], {"perm": list(order)}))

    def passed(self, node: NodeDraft) -> bool:
        """Moves the transposes before a node to after it, if it can work on their inputs."""
        rule: Callable[[NodeDraft], bool] | None = None
        if node.op_type in ELEMENTWISE:
            rule = self.unary
        elif node.op_type in BROADCASTING:
            rule = self.broadcasting
        elif node.op_type in _REDUCTIONS:
            rule = self.reduction
        elif node.op_type in _WITH_AXIS:
            rule = self.with_axis
        elif node.op_type == "Pad":
            rule = self.pad
        elif node.op_type == "Shape":
            rule = self.shape
        return rule is not None and rule(node)

    def unary(self, node: NodeDraft) -> bool:
        if node.inputs[0] not in self.waiting:
            return False
        source, order = self.waiting[node.inputs[0]]
        self.add(node, [source, *node.inputs[1:]], order)
        return True

    def add(self, node: NodeDraft, inputs: list[str], order: Permutation | None) -> None:
        """Adds a node on other inputs; its outputs are transposes of the new results."""
        for name in inputs:
            self.made(name)
        if order is None or order == tuple(range(len(order))):
            self.nodes.append(NodeDraft(node.op_type, inputs, node.outputs, node.attributes))
            return
        outputs = [self.shared.name(name) for name in node.outputs]
        self.nodes.append(NodeDraft(node.op_type, inputs, outputs, node.attributes))
        for wanted, name in zip(node.outputs, outputs, strict=True):
            self.waiting[wanted] = (name, order)

    def common(self, names: Sequence[str]) -> Permutation | None:
        """The permutation of all waiting values among names, or None if they differ."""
        orders = {self.waiting[name][1] for name in names if name in self.waiting}
        return orders.pop() if len(orders) == 1 else None

    def broadcasting(self, node: NodeDraft) -> bool:
        order = self.common(node.inputs)
        if order is None:
            return False
        inputs = []
        for name in node.inputs:
            if name in self.waiting:
                inputs.append(self.waiting[name][0])
            elif name in self.constants and self.constants[name].ndim <= len(order):
                inputs.append(self.turned(name, order))
            else:
                return False
        self.add(node, inputs, order)
        return True

    def turned(self, name: str, order: Permutation) -> str:
        """A constant transposed so that it broadcasts with the sources in the same way as the original does with their transposes."""
        value = self.constants[name]
        if value.size == 1 and value.ndim == 0:
            return name
        value = value.reshape((1,) * (len(order) - value.ndim) + value.shape)
        inverse = np.argsort(order)
        return self.shared.constant(np.ascontiguousarray(value.transpose(inverse)), name)

    def reduction(self, node: NodeDraft) -> bool:
        if node.inputs[0] not in self.waiting or len(node.inputs) < 2:
            return False
        if node.inputs[1] not in self.constants:
            return False
        source, order = self.waiting[node.inputs[0]]
        axes = [int(a) % len(order) for a in self.constants[node.inputs[1]]]
        moved = sorted(order[a] for a in axes)
        if node.attributes.get("keepdims", 1):
            left: Permutation = order
        else:  # the order of the dimensions that are left
            rest = [order[a] for a in range(len(order)) if a not in axes]
            ranks = sorted(rest)
            left = tuple(ranks.index(axis) for axis in rest)
        names = [source, self.shared.constant(np.array(moved, np.int64), "axes")]
        self.add(node, names, left)
        return True

    def with_axis(self, node: NodeDraft) -> bool:
        order = self.common(node.inputs)
        data = node.inputs if node.op_type == "Concat" else node.inputs[:1]
        if order is None or any(name not in self.waiting for name in data):
            return False
        axis = node.attributes.get("axis", _WITH_AXIS[node.op_type]) % len(order)
        changed = NodeDraft(
            node.op_type, node.inputs, node.outputs, node.attributes | {"axis": order[axis]}
        )
        sources = [self.waiting[name][0] for name in data]
        self.add(changed, [*sources, *node.inputs[len(data) :]], order)
        return True

    def pad(self, node: NodeDraft) -> bool:
        if node.inputs[0] not in self.waiting or node.inputs[1] not in self.constants:
            return False
        source, order = self.waiting[node.inputs[0]]
        amounts = self.constants[node.inputs[1]].reshape(2, -1)
        if amounts.shape[1] != len(order):
            return False
        turned: Any = np.ascontiguousarray(amounts[:, np.argsort(order)]).reshape(-1)
        names = [source, self.shared.constant(turned, "pads"), *node.inputs[2:]]
        self.add(node, names, order)
        return True

    def shape(self, node: NodeDraft) -> bool:
        """The sizes of the source, in the order of the transpose."""
        source, order = self.waiting[node.inputs[0]]
        first, last = node.attributes.get("start", 0), node.attributes.get("end", len(order))
        places = self.shared.constant(np.array(order[first:last], np.int64), "places")
        whole = self.shared.name(node.outputs[0])
        self.add(NodeDraft("Shape", [source], [whole]), [source], None)
        self.nodes.append(NodeDraft("Gather", [whole, places], node.outputs, {"axis": 0}))
        return True
