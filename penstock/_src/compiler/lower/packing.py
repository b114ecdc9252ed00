"""Lowered values as a flat list of nodes, and back: lists are a buffer and a length, dynamic rows come with their count,
handles are not nodes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.lower.values import DynamicRows, HostValue, ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.node import Node


class Packing:
    """`nodes` are the flattened values; `unpack` replaces them by other nodes.

    A list without memory is packed as its length; it stays without memory and without a bound.
    """

    def __init__(self, values: Sequence[Lowered]) -> None:
        self.values = list(values)
        self.nodes: list[Node] = []
        self.counts: list[int] = []
        for value in self.values:
            parts = _parts(value)
            self.nodes += parts
            self.counts.append(len(parts))

    def unpack(self, nodes: Sequence[Node]) -> list[Lowered]:
        """The values with other nodes in place of `self.nodes`."""
        result: list[Lowered] = []
        at = 0
        for value, count in zip(self.values, self.counts):
            parts = nodes[at : at + count]
            at += count
            if isinstance(value, DynamicRows):
                result.append(DynamicRows(parts[0], parts[1]))
            elif not isinstance(value, ListValue):
                # Values without nodes (handles, host values) are the same inside as outside.
                result.append(parts[0] if count else value)
            elif value.buffer is None:
                result.append(replace(value, length=parts[0], pushed=None))
            else:
                list_value = ListValue(value.dtype, None, parts[1], None, pushed=value.pushed)
                result.append(list_value.with_buffer(parts[0]))
        return result

    def is_like(self, other: "Packing") -> bool:
        """True if the other values pack to nodes of the same types, and hold the same handles."""
        if self.counts != other.counts or len(self.nodes) != len(other.nodes):
            return False
        for value, twin in zip(self.values, other.values):
            if any(isinstance(value, t) != isinstance(twin, t) for t in (ListValue, DynamicRows)):
                return False
            # The same host value needs no node; another would have to come out of a program.
            if isinstance(value, HostValue) and value is not twin:
                raise NotLowerable("a body gives what only the host can hold")
            if isinstance(value, Node) and value.dtype == dtypes.resource and value is not twin:
                raise NotLowerable("a resource changes")
        return all(
            a.dtype == b.dtype and a.shape == b.shape for a, b in zip(self.nodes, other.nodes)
        )


def same_value(a: Any, b: Any) -> bool:
    """True if two lowered values are the same."""
    if isinstance(a, ListValue) and isinstance(b, ListValue):
        return a.buffer is b.buffer and a.length is b.length and a.element_shape == b.element_shape
    if isinstance(a, DynamicRows) and isinstance(b, DynamicRows):
        return a.rows is b.rows and a.count is b.count
    return a is b


def _parts(value: Lowered) -> list[Node]:
    """The nodes that a value consists of."""
    if isinstance(value, HostValue):
        return []
    if isinstance(value, ListValue):
        return [value.length] if value.buffer is None else [value.buffer, value.length]
    if isinstance(value, DynamicRows):
        return [value.rows, value.count]
    return [] if value.dtype == dtypes.resource else [value]
