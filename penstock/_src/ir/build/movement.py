"""Movements: index maps without arithmetic."""

import builtins
from collections.abc import Sequence
from typing import Any

from penstock._src.ir.build.leaves import Leaves
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node


class Movement(Leaves):
    """Reshaping, permuting, repeating, cutting and joining."""

    def reshape(self, x: Node, shape: Sequence[int]) -> Node:
        """The same elements in another shape; one extent may be -1."""
        shape = list(shape)
        if -1 in shape:
            at = shape.index(-1)
            rest = dims.product(d for i, d in enumerate(shape) if i != at)
            shape[at] = x.size // rest if rest != 0 else 0
        return self.make("reshape", (x,), shape=tuple(shape))

    def transpose(self, x: Node, perm: Sequence[int]) -> Node:
        """Axis i of the result is axis perm[i] of x."""
        return self.make("transpose", (x,), perm=tuple([self.axis(i, x.rank) for i in perm]))

    def swap_axes(self, x: Node, first: int, second: int) -> Node:
        """x with two axes exchanged."""
        perm = list(range(x.rank))
        perm[first], perm[second] = perm[second], perm[first]
        return self.transpose(x, perm)

    def expand_dims(self, x: Node, axis: int) -> Node:
        """x with an axis of extent 1 inserted."""
        axis = self.axis(axis, x.rank + 1)
        return self.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))

    def squeeze(self, x: Node, axes: int | Sequence[int] | None = None) -> Node:
        """x without axes of extent 1; by default without any."""
        if axes is None:
            axes = [i for i, d in enumerate(x.shape) if d == 1]
        gone = self.axes(axes, x.rank)
        return self.reshape(x, [d for i, d in enumerate(x.shape) if i not in gone])

    def slice(
        self,
        x: Node,
        starts: Sequence[int],
        limits: Sequence[int],
        strides: Sequence[int] | None = None,
    ) -> Node:
        """x[start:limit:stride] along every axis, with positive strides and bounds inside."""
        strides = tuple(strides) if strides is not None else (1,) * x.rank
        return self.make("slice", (x,), starts=tuple(starts), limits=tuple(limits), strides=strides)

    def slice_axis(self, x: Node, axis: int, start: int, limit: int, stride: int = 1) -> Node:
        """x[start:limit:stride] along one axis."""
        axis = self.axis(axis, x.rank)
        starts, limits, strides = [0] * x.rank, list(x.shape), [1] * x.rank
        starts[axis], limits[axis], strides[axis] = start, limit, stride
        return self.slice(x, starts, limits, strides)

    def take_index(self, x: Node, axis: int, index: int) -> Node:
        """x[..., index, ...]: the axis disappears."""
        axis = self.axis(axis, x.rank)
        return self.squeeze(self.slice_axis(x, axis, index, index + 1), axis)

    def pad(
        self,
        x: Node,
        low: Sequence[int],
        high: Sequence[int],
        value: Any = 0,
        interior: Sequence[int] | None = None,
    ) -> Node:
        """x with a scalar around it and between its elements; negative amounts cut."""
        interior = tuple(interior) if interior is not None else (0,) * x.rank
        fill = value if isinstance(value, Node) else self.scalar(value, x.dtype)
        return self.make("pad", (x, fill), low=tuple(low), high=tuple(high), interior=interior)

    def reverse(self, x: Node, axes: int | Sequence[int]) -> Node:
        """x backwards along axes."""
        return self.make("reverse", (x,), axes=self.axes(axes, x.rank))

    def concat(self, xs: Sequence[Node], axis: int) -> Node:
        """The arguments one after the other along an axis."""
        return self.make("concat", tuple(xs), axis=self.axis(axis, xs[0].rank))

    def stack(self, xs: Sequence[Node], axis: int = 0) -> Node:
        """The arguments side by side along a new axis."""
        return self.concat([self.expand_dims(x, axis) for x in xs], self.axis(axis, xs[0].rank + 1))

    def split(self, x: Node, sizes: Sequence[int], axis: int) -> list[Node]:
        """x cut along an axis into parts of the given sizes."""
        parts, start = [], 0
        for size in sizes:
            parts.append(self.slice_axis(x, axis, start, start + size))
            start = start + size
        return parts

    def windows(
        self,
        x: Node,
        axes: Sequence[int],
        size: Sequence[int],
        strides: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        low: Sequence[int] | None = None,
        high: Sequence[int] | None = None,
        base_dilations: Sequence[int] | None = None,
        value: Any = 0,
    ) -> Node:
        """Every window of x: `axes` become window positions, offsets inside a window come last. A view."""
        ones, zeros = (1,) * len(axes), (0,) * len(axes)
        return self.make(
            "windows",
            (x, value if isinstance(value, Node) else self.scalar(value, x.dtype)),
            axes=tuple([self.axis(a, x.rank) for a in axes]),
            size=tuple(size),
            strides=ones if strides is None else tuple(strides),
            dilations=ones if dilations is None else tuple(dilations),
            low=zeros if low is None else tuple(low),
            high=zeros if high is None else tuple(high),
            base_dilations=ones if base_dilations is None else tuple(base_dilations),
        )

    def take(self, x: Node, index: tuple[builtins.slice | int | None, ...]) -> Node:
        """NumPy's basic indexing with known bounds: ints, slices and None, one for each leading axis."""
        starts, limits, strides, back, shape = [], [], [], [], []
        entries = list(index) + [slice(None)] * (x.rank - sum(i is not None for i in index))
        axis = 0
        for entry in entries:
            if entry is None:
                shape.append(1)
                continue
            n = x.shape[axis]
            if isinstance(entry, slice):
                first, last, step = dims.slice_indices(entry, n)
                full = entry.start is None and entry.stop is None and step == 1
                count = n if full else dims.range_length(first, last, step)
                if not full and dims.same(count, 0):
                    first, last, step = 0, 0, 1
                if step < 0:
                    back.append(axis)
                    first, last, step = first + (count - 1) * step, first + 1, -step
                limit = n if full else last
                shape.append(count)
            else:
                first = entry + n if entry < 0 else entry
                limit, step = first + 1, 1
            starts.append(first)
            limits.append(limit)
            strides.append(step)
            axis += 1
        part = self.slice(x, starts, limits, strides)
        part = self.reverse(part, back) if back else part
        return self.reshape(part, shape)

    def tile(self, x: Node, multiples: Sequence[int]) -> Node:
        """x repeated multiples[i] times along axis i."""
        wide, axes, shape = [], [], []
        for i, (n, times) in enumerate(zip(x.shape, multiples)):
            wide += [times, n]
            axes.append(2 * i + 1)
            shape.append(n * times)
        return self.reshape(self.broadcast(x, wide, axes), shape)

    def optimization_barrier(self, x: Node, after: Sequence[Node]) -> Node:
        """x as another node, so that nodes that use it are computed again, after others are known."""
        return self.make("optimization_barrier", (x, *after))
