"""The interface of everything that makes nodes: the Builder, the context of a lowering, the builder that computes."""

from __future__ import annotations

from typing import Any

from penstock._src.ir.build.control import Control
from penstock._src.ir.build.elementwise import Elementwise
from penstock._src.ir.build.indexing import Indexing
from penstock._src.ir.build.leaves import Leaves
from penstock._src.ir.build.movement import Movement
from penstock._src.ir.build.reduction import Reduction
from penstock._src.ir.build.special import Special
from penstock._src.ir.dims import Extent
from penstock._src.ir.node import Node


class NodeMaker(Leaves, Elementwise, Special, Movement, Reduction, Indexing, Control):
    """Writes primitives, and answers what is known of them. A subclass gives `make` and `known`."""

    def value(self, node: Node) -> Any:
        """The array that a node is known to be while lowering (Dims as the ints of this specialization), or None."""
        return self.known.value(node)

    def dims(self, node: Node) -> list[Extent] | None:
        """The numbers in a node of shape arithmetic, Dims where they depend on unknown dimensions, or None."""
        found = self.known.symbolic(node)
        return None if found is None else list(found.reshape(-1))

    def difference(self, before: Node, after: Node) -> Extent | None:
        """The known number by which one integer is larger than another, neither of which has to be known; or None."""
        return self.known.difference(before, after)

    def bounds(self, node: Node) -> tuple[Any, Any] | None:
        """The least and the largest number that a node can hold, if anything is known of it."""
        return self.known.ranges.bounds(node)

    def assume(self, node: Node, low: Any, high: Any) -> None:
        """Tells the least and the largest number that a node can hold."""
        self.known.ranges.assume(node, low, high)

    def assume_like(self, node: Node, other: Node) -> None:
        """Tells of a node what was told of another."""
        told = self.known.ranges.assumed.get(other.id)
        if told is not None:
            self.assume(node, *told)
