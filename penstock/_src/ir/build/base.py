"""The base of all mixins here: `make`, known values of nodes, axes, and broadcasting to a shape."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import Extent
from penstock._src.ir.meaning.known_values import KnownValues
from penstock._src.ir.node import Node


class Base:
    """The part of a NodeMaker that all methods use."""

    make: Callable[..., Node]  # (kind, args, **attrs) -> the node
    known: KnownValues
    depth = 0  # nesting depth of the function that contains the node being created

    def value(self, node: Node) -> Any:
        """The known value of a node while lowering, as an array (Dims as the ints of this specialization), or None."""
        return self.known.value(node)

    def numbers(self, node: Node) -> Any:
        """The same, of Python's ints and Dims where it depends on unknown extents."""
        return self.known.numbers(node)

    def dims(self, node: Node) -> list[Extent] | None:
        """The numbers in a node of shape arithmetic, as Dims if they depend on unknown dimensions, or None."""
        known = self.known.symbolic(node)
        return None if known is None else list(known.reshape(-1))

    def difference(self, before: Node, after: Node) -> Extent | None:
        """The difference of two integers if it is known, although the integers may not be; or None."""
        return self.known.difference(before, after)

    def bounds(self, node: Node) -> tuple[Any, Any] | None:
        """The least and the largest number that a node can hold, if anything is known of it."""
        return self.known.ranges.bounds(node)

    def assume(self, node: Node, low: Any, high: Any) -> None:
        """Declares the least and the largest number that a node can hold."""
        self.known.ranges.assume(node, low, high)

    def assume_like(self, node: Node, other: Node) -> None:
        """Gives a node the assumed range of another one."""
        range_ = self.known.ranges.assumed.get(other.id)
        if range_ is not None:
            self.assume(node, *range_)

    def broadcast_to(self, x: Node, shape: Sequence[int]) -> Node:
        """x repeated to a shape, by NumPy's rule (axes align at the end)."""
        shape = tuple(shape)
        ahead = len(shape) - x.rank
        if ahead < 0:
            raise NotLowerable(f"shape {list(x.shape)} cannot be broadcast to {list(shape)}")
        return self.broadcast(x, shape, tuple(range(ahead, len(shape))))

    def broadcast(self, x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
        """x repeated to a shape; its axis i becomes axis axes[i]."""
        return self.make("broadcast", (x,), shape=tuple(shape), axes=tuple(axes))

    @staticmethod
    def axis(axis: int, rank: int) -> int:
        """A possibly negative axis as one counted from the front."""
        if not -rank <= axis < rank:
            raise ValueError(f"axis {axis} is outside of {rank} axes")
        return int(axis) % rank if rank else 0

    def axes(self, axes: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
        """Axes in ascending order; None means all."""
        if axes is None:
            return tuple(range(rank))
        if isinstance(axes, int):
            axes = (axes,)
        return tuple(sorted({self.axis(a, rank) for a in axes}))
