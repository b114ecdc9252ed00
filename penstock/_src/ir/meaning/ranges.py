"""Ranges: the least and the largest number that a node can be, by the rules of the primitives it is computed from.

They bound extents that depend on data while lowering: the counts of `clip(x, 0, 255)` have at most 256 elements.
"""

from typing import Any

from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.intervals import Range, whole
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES

_DEEPEST = 48  # length of the longest chain of nodes that is followed


class Ranges:
    """The ranges of nodes: `found` by the rules, `assumed` as set by a lowering, such as for the counter of a loop."""

    def __init__(self) -> None:
        self.found: dict[int, Range | None] = {}
        self.assumed: dict[int, Range] = {}

    def bounds(self, node: Node, depth: int = _DEEPEST) -> Range | None:
        """The least and the largest number of a node, both included; None if nothing is known, or it may be NaN."""
        if node.results is not None or node.dtype is None:
            return None
        if node.id in self.assumed:
            return self.assumed[node.id]
        if node.id not in self.found:
            if not depth:
                return whole(node.dtype)
            ends = self._computed(node, depth - 1) if node.size else None
            self.found[node.id] = ends or whole(node.dtype)
        return self.found[node.id]

    def _computed(self, node: Node, depth: int) -> Range | None:
        return PRIMITIVES[node.kind].value_range(lambda arg: self.bounds(arg, depth), node)

    def assume(self, node: Node, low: Any, high: Any) -> None:
        """Sets the range of a node."""
        self.assumed[node.id] = low, high
        self.found.clear()

    def known_number(self, node: Node) -> int | None:
        """The integer of every element of a node, if only one is possible."""
        if not node.dtype.is_integer:
            return None
        ends = self.bounds(node)
        return ends[0] if ends is not None and dims.same(*ends) else None
