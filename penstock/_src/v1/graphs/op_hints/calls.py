"""The marked parts of a GraphDef."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock._src.proto.graph import NodeDef

from .hints import OpHint


def base_name(text: str) -> str:
    """Returns the name of the node in `node`, `node:1` or `^node`."""
    return text[1:] if text[:1] == "^" else text.partition(":")[0]


def output_name(node: str, index: int) -> str:
    """Returns how an input names an output of a node."""
    return f"{node}:{index}" if index else node


@dataclass
class Operand:
    """An input or output of a part: one node, or those of one tag."""

    aggregation: str | None = None
    by_order: dict[int, Any] = field(default_factory=dict)

    def nodes(self) -> list[Any]:
        """Returns the identities that count, in their order."""
        ordered = [self.by_order[i] for i in sorted(self.by_order)]
        if self.aggregation == OpHint.AGGREGATE_FIRST:
            return ordered[:1]
        if self.aggregation == OpHint.AGGREGATE_LAST:
            return ordered[-1:]
        if self.aggregation not in (None, OpHint.AGGREGATE_STACK):
            raise ValueError(f"Invalid aggregation type {self.aggregation!r} specified")
        return ordered

    def names(self) -> list[str]:
        """Returns the names of the identities that count."""
        return [base_name(node.name) for node in self.nodes()]

    @property
    def is_stack(self) -> bool:
        """True if the identities are stacked into one tensor."""
        return self.aggregation == OpHint.AGGREGATE_STACK

    def as_input(self, graph: Any) -> str:
        """Returns the input of the part's node, after adding a stack to the graph if there are several tensors."""
        names = self.names()
        if not self.is_stack:
            return names[0]
        first = self.nodes()[0]
        stack = NodeDef(name=f"OpHintStack-{first.name}", op="Pack", input=names)
        stack.attr["N"].i = len(names)
        stack.attr["T"].type = first.attr["T"].type
        graph.node.append(stack)
        return stack.name

    def add_outputs(self, graph: Any, stub: str, index: int) -> None:
        """Adds the identities to the graph, as readers of an output of the part's node."""
        nodes = self.nodes()
        if not self.is_stack:
            _add_reader(graph, nodes[0], output_name(stub, index))
            return
        parts = NodeDef(name=f"OpHintUnstack-{nodes[0].name}", op="Unpack")
        parts.attr["num"].i = len(nodes)
        parts.attr["T"].type = nodes[0].attr["T"].type
        parts.input.append(output_name(stub, index))
        graph.node.append(parts)
        for number, node in enumerate(nodes):
            _add_reader(graph, node, output_name(parts.name, number))


def _add_reader(graph: Any, node: Any, source: str) -> None:
    copy = graph.node.add()
    copy.CopyFrom(node)
    copy.input[:] = [source]


@dataclass
class Call:
    """A marked part of a graph."""

    uuid: str
    function_name: str
    level: int
    mappings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[int, Operand] = field(default_factory=dict)
    outputs: dict[int, Operand] = field(default_factory=dict)

    def input_names(self) -> list[str]:
        """Returns the names of the identities at the inputs."""
        return [name for operand in self.inputs.values() for name in operand.names()]

    def output_names(self) -> list[str]:
        """Returns the names of the identities at the outputs."""
        return [name for operand in self.outputs.values() for name in operand.names()]

    def add(self, node: Any) -> None:
        """Adds a marked identity."""
        attributes = node.attr
        if OpHint.CHILDREN_INPUTS_MAPPINGS in attributes:
            self.mappings = json.loads(attributes[OpHint.CHILDREN_INPUTS_MAPPINGS].s)
        sides = (
            (OpHint.FUNCTION_INPUT_INDEX_ATTR, self.inputs),
            (OpHint.FUNCTION_OUTPUT_INDEX_ATTR, self.outputs),
        )
        for attribute, operands in sides:
            if attribute in attributes:
                self._add(operands, attributes[attribute].i, node)

    def _add(self, operands: dict[int, Operand], index: int, node: Any) -> None:
        order = -1
        if OpHint.FUNCTION_SORT_INDEX_ATTR in node.attr:
            order = node.attr[OpHint.FUNCTION_SORT_INDEX_ATTR].i
        if order == -1:
            operands[index] = Operand(None, {0: node})
            return
        aggregation = node.attr[OpHint.FUNCTION_AGGREGATE_ATTR].s.decode()
        operands.setdefault(index, Operand(aggregation)).by_order[order] = node


def calls_among(nodes: Iterable[Any]) -> list[Call]:
    """Return the parts with inputs or outputs among some nodes, in the order of the nodes."""
    calls: dict[str, Call] = {}
    for node in nodes:
        if OpHint.FUNCTION_UUID_ATTR not in node.attr:
            continue
        unique = node.attr[OpHint.FUNCTION_UUID_ATTR].s.decode()
        if unique not in calls:
            name = node.attr[OpHint.FUNCTION_NAME_ATTR].s.decode()
            calls[unique] = Call(unique, name, node.attr[OpHint.FUNCTION_LEVEL_ATTR].i)
        calls[unique].add(node)
    return list(calls.values())


class Summary:
    """The nodes of a GraphDef by name, with the names of the nodes that they read."""

    def __init__(self, graph_def: Any) -> None:
        self.nodes = {base_name(node.name): node for node in graph_def.node}
        self.position = {name: i for i, name in enumerate(self.nodes)}
        self.sources = {
            name: [base_name(text) for text in node.input] for name, node in self.nodes.items()
        }

    def needed_by(self, names: Sequence[str]) -> set[str]:
        """Returns the names of some nodes and of all that they need."""
        pending, needed = list(names), set()
        while pending:
            name = pending.pop()
            if name not in needed:
                needed.add(name)
                pending += self.sources[name]
        return needed
