"""What the mixins expect of the class that they are mixed into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.ir.meaning.known_values import KnownValues
from penstock._src.ir.node import Node

if TYPE_CHECKING:
    from penstock._src.core.dtypes import DType


class Base:
    """The part of a NodeMaker that every mixin uses."""

    make: Callable[..., Node]  # (kind, args, **attrs) -> the node
    known: KnownValues
    depth = 0  # how many functions deep the node being made stands

    if TYPE_CHECKING:

        def scalar(self, value: Any, dtype: DType) -> Node: ...
        def constant(self, value: Any, dtype: DType | None = None) -> Node: ...
        def assume_like(self, node: Node, other: Node) -> None: ...
        def size(self, value: int, dtype: DType) -> Node: ...
        def broadcast_to(self, x: Node, shape: Sequence[int]) -> Node: ...
        def reshape(self, x: Node, shape: Sequence[int]) -> Node: ...
        def transpose(self, x: Node, perm: Sequence[int]) -> Node: ...
        def cast(self, x: Any, dtype: DType) -> Node: ...
        def full(self, shape: Sequence[int], value: Any, dtype: DType) -> Node: ...
        def slice(
            self,
            x: Node,
            starts: Sequence[int],
            limits: Sequence[int],
            strides: Sequence[int] | None = None,
        ) -> Node: ...
        def together(self, *values: Any) -> list[Node]: ...
        def iota(self, shape: Sequence[int], axis: int, dtype: DType) -> Node: ...
        def div(self, x: Any, y: Any) -> Node: ...
        def expand_dims(self, x: Node, axis: int) -> Node: ...
        def concat(self, xs: Sequence[Node], axis: int) -> Node: ...

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
