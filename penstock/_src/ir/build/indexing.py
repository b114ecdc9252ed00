"""Indexing by values that are only known when the program runs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.typesets import NARROW
from penstock._src.ir.build.matrices import Matrices
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.meaning.known_values import number_of
from penstock._src.ir.node import Node


class Indexing(Matrices):
    """Dynamic slices, gathers and scatters."""

    def dynamic_slice(self, x: Node, starts: Sequence[Any], sizes: Sequence[int]) -> Node:
        """A block of x at run-time starts, which are clamped so that it fits."""
        _require_room(x, sizes)
        known = [self._known_start(s) for s in starts]
        if all(k is not None for k in known):
            first = [min(max(k, 0), n - size) for k, n, size in zip(known, x.shape, sizes)]
            return self.slice(x, first, [f + size for f, size in zip(first, sizes)])
        return self.make("dynamic_slice", (x, *self._starts(starts)), sizes=tuple(sizes))

    def dynamic_update_slice(self, x: Node, update: Node, starts: Sequence[Any]) -> Node:
        """x with a block replaced at run-time starts, which are clamped so that it fits."""
        _require_room(x, update.shape)
        return self.make("dynamic_update_slice", (x, update, *self._starts(starts)))

    def dynamic_index(self, x: Node, index: Any, axis: int = 0) -> Node:
        """x[..., index, ...] with an index that is clamped into the axis, which disappears."""
        axis = self.axis(axis, x.rank)
        starts = [index if i == axis else 0 for i in range(x.rank)]
        sizes = [1 if i == axis else d for i, d in enumerate(x.shape)]
        part = self.dynamic_slice(x, starts, sizes)
        return self.reshape(part, [d for i, d in enumerate(x.shape) if i != axis])

    def dynamic_set_index(self, x: Node, index: Any, value: Node, axis: int = 0) -> Node:
        """x with x[..., index, ...] replaced."""
        axis = self.axis(axis, x.rank)
        starts = [index if i == axis else 0 for i in range(x.rank)]
        return self.dynamic_update_slice(x, self.expand_dims(value, axis), starts)

    def gather(
        self, x: Node, indices: Node, axis: int = 0, batch_dims: int = 0, mode: str = "clamp"
    ) -> Node:
        """x[..., indices, ...] at an axis; mode "clamp", "zero" or "error" selects the treatment of indices out of range."""
        axis = self.axis(axis, x.rank)
        return self.make("gather", (x, indices), axis=axis, batch_dims=batch_dims, mode=mode)

    def scatter(
        self,
        x: Node,
        indices: Node,
        updates: Node,
        op: str = "add",
        mode: str = "drop",
        unique: bool = False,
    ) -> Node:
        """x with updates combined at index vectors of its leading axes; those outside are dropped, or an error.

        `unique`: the caller guarantees distinct index vectors. Sums of narrow floats added to a non-zero start are
        rounded once.
        """
        narrow = x.dtype in NARROW
        if narrow and op in ("add", "mul") and not unique and number_of(x) is not None:
            wide, more = self.cast(x, dtypes.float32), self.cast(updates, dtypes.float32)
            return self.cast(self.scatter(wide, indices, more, op, mode), x.dtype)
        extra = {"unique": True} if unique else {}
        return self.make("scatter", (x, indices, updates), op=op, mode=mode, **extra)

    def argwhere(self, mask: Node) -> list[Node]:
        """The indices [size, rank] of the true elements, then zeros; and how many there are."""
        node = self.make("argwhere", (mask,))
        return [self.item(node, i) for i in range(2)]

    def one_hot(self, indices: Node, depth: int, dtype: DType, axis: int = -1) -> Node:
        """1 where the position along a new axis equals the index, else 0."""
        axis = self.axis(axis, indices.rank + 1)
        shape = (*indices.shape[:axis], depth, *indices.shape[axis:])
        places = self.iota(shape, axis, indices.dtype)
        wide = self.broadcast_to(self.expand_dims(indices, axis), shape)
        return self.cast(self.make("compare", (places, wide), op="eq"), dtype)

    def _known_start(self, start: Any) -> Any:
        if not isinstance(start, Node):
            return start
        known = self.known.symbolic(start)
        return None if known is None else known.reshape(-1)[0]

    def _starts(self, starts: Sequence[Any]) -> list[Node]:
        nodes = [s if isinstance(s, Node) else self.scalar(s, dtypes.int32) for s in starts]
        return [self.broadcast_to(n, ()) for n in nodes]


def _require_room(x: Node, sizes: Sequence[int]) -> None:
    """A block must fit: it does not where a loop that makes no step takes an element of an empty list."""
    if any(size > extent for size, extent in zip(sizes, x.shape)):
        raise NotLowerable(f"a block of {list(sizes)} is taken of an array of {list(x.shape)}")
