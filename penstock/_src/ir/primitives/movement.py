"""Movements: the result has elements of the argument at other places, without arithmetic."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.intervals import Range, union
from penstock._src.ir.meaning.rows import MixedRows, RowFlow, Rows, reshaped
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import (
    Args,
    Arrays,
    Attrs,
    Bounds,
    Primitive,
    Result,
    SameType,
    ints,
)


class _Chosen(Primitive):
    """A kind whose elements all are elements of the first argument."""

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        return bounds(node.args[0])


class Reshape(_Chosen):
    """The same elements, row by row, in another shape."""

    form = "reshape(x; shape)"
    is_movement = True

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        (x,) = node.args
        return reshaped(flow, flow.of(x), x.shape, node.shape)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), shape = args, attrs["shape"]
        message = f"{list(shape)} has another number of elements"
        self.require(x.size == dims.product(shape), message, args)
        return shape, x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return np.reshape(args[0], ints(node.shape))


class Transpose(_Chosen):
    """Axis i of the result is axis perm[i] of x."""

    form = "transpose(x; perm)"
    is_movement = True

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        rows = flow.of(node.args[0])
        return None if rows is None else rows.at(node.attrs["perm"].index(rows.axis))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), perm = args, attrs["perm"]
        self.require(sorted(perm) == list(range(x.rank)), f"{perm} is not a permutation", args)
        return tuple([x.shape[i] for i in perm]), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return np.transpose(args[0], node.attrs["perm"])


class Broadcast(_Chosen):
    """Axis i of x is axis axes[i] of the result; extents of 1 and missing axes repeat (broadcast_in_dim)."""

    form = "broadcast(x; shape, axes)"
    is_movement = True
    is_folded = False

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        rows = flow.of(node.args[0])
        if rows is not None:
            return rows.at(node.attrs["axes"][rows.axis])
        axis = flow.axis_of(node.shape)
        return None if axis is None else Rows(axis, is_uniform=True)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), shape, axes = args, attrs["shape"], attrs["axes"]
        self.require(len(axes) == x.rank, f"axes {axes} must name every axis", args)
        self.require(list(axes) == sorted(set(axes)), f"axes {axes} must ascend", args)
        for extent, axis in zip(x.shape, axes):
            fits = dims.is_one(extent) or extent == shape[axis] or extent == 1
            self.require(fits, f"does not fit {list(shape)}", args)
        return shape, x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        (x,), shape = args, ints(node.shape)
        aligned = [1] * len(shape)
        for extent, axis in zip(np.shape(x), node.attrs["axes"]):
            aligned[axis] = extent
        return np.broadcast_to(np.reshape(x, aligned), shape)


class Slice(_Chosen):
    """x[start:limit:stride] along every axis; strides are positive."""

    form = "slice(x; starts, limits, strides)"
    is_movement = True

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        (x,) = node.args
        bounds = zip(x.shape, *[node.attrs[name] for name in ("starts", "limits", "strides")])
        cut = [
            axis
            for axis, (extent, start, limit, stride) in enumerate(bounds)
            if not (dims.same(start, 0) and dims.same(limit, extent) and dims.same(stride, 1))
        ]
        return flow.along(flow.of(x), cut)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), starts, limits, strides = args, attrs["starts"], attrs["limits"], attrs["strides"]
        complete = len(starts) == len(limits) == len(strides) == x.rank
        self.require(complete, "one bound an axis", args)
        for n, start, limit, stride in zip(x.shape, starts, limits, strides):
            inside = 0 <= start <= limit <= n and stride > 0
            self.require(inside, f"bounds {start}:{limit}:{stride} of {n} are outside", args)
        extents = [dims.ceil_divide(b - a, s) for a, b, s in zip(starts, limits, strides)]
        return tuple(extents), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        bounds = zip(*[ints(node.attrs[name]) for name in ("starts", "limits", "strides")])
        return args[0][tuple([slice(*bound) for bound in bounds])]


class _Filled(Primitive):
    """A kind of an array and a scalar that is put around and between its elements."""

    def require_fill(self, args: Args) -> None:
        """Raises MalformedFunction if the second argument is not such a scalar."""
        x, fill = args
        fits = fill.shape == () and fill.dtype == x.dtype
        self.require(fits, "the fill must be a scalar", args)


class Pad(_Filled):
    """x with a scalar around it and between its elements; negative amounts cut."""

    form = "pad(x, fill; low, high, interior)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        amounts = zip(*[node.attrs[name] for name in ("low", "high", "interior")])
        padded = [i for i, each in enumerate(amounts) if not all(dims.same(n, 0) for n in each)]
        return flow.along(flow.of(node.args[0]), padded)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        self.require_fill(args)
        x, extents = args[0], []
        for n, low, high, inner in zip(x.shape, attrs["low"], attrs["high"], attrs["interior"]):
            extent = low + n + high + (inner * (n - 1) if inner and n > 0 else 0)
            self.require(extent >= 0, "negative padding cuts more than there is", args)
            extents.append(extent)
        return tuple(extents), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        names = ("low", "high", "interior")
        return _padded(args[0], args[1], list(zip(*[ints(node.attrs[name]) for name in names])))

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        return union(bounds(arg) for arg in node.args if arg.size)


def _padded(x: np.ndarray, fill: Any, amounts: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """x with (low, high, interior) fill along each axis."""
    spread = [n + i * (n - 1) if n else 0 for n, (_, _, i) in zip(x.shape, amounts)]
    if spread != list(x.shape):
        wide = np.full(spread, fill, x.dtype)
        wide[tuple([slice(None, None, i + 1) for _, _, i in amounts])] = x
        x = wide
    cuts = [slice(max(-low, 0), n - max(-high, 0)) for n, (low, high, _) in zip(x.shape, amounts)]
    x = x[tuple(cuts)]
    around = [(max(low, 0), max(high, 0)) for low, high, _ in amounts]
    if not any(low or high for low, high in around):
        return x
    whole = np.full([n + low + high for n, (low, high) in zip(x.shape, around)], fill, x.dtype)
    whole[tuple([slice(low, low + n) for n, (low, _) in zip(x.shape, around)])] = x
    return whole


class Reverse(_Chosen, SameType):
    """x backwards along axes."""

    form = "reverse(x; axes)"
    is_movement = True

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return flow.along(flow.of(node.args[0]), node.attrs["axes"])

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return np.flip(args[0], node.attrs["axes"])


class Concat(Primitive):
    """The arguments one after the other along an axis (concatenate)."""

    form = "concat(...; axis)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        states = [flow.of(x) for x in node.args]
        return flow.along(flow.joined(states), (node.attrs["axis"],))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        axis, first = attrs["axis"], args[0]
        total: Any = 0
        for x in args:
            alike = x.dtype == first.dtype and x.rank == first.rank
            self.require(alike, "ranks and dtypes must agree", args)
            others = x.shape[:axis] + x.shape[axis + 1 :]
            same = others == first.shape[:axis] + first.shape[axis + 1 :]
            self.require(same, f"shapes may differ in axis {axis} only", args)
            total = total + x.shape[axis]
        return (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return np.concatenate(args, node.attrs["axis"])

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        return union(bounds(arg) for arg in node.args if arg.size)


class Windows(_Filled):
    """Every window of x: axes become window positions, and offsets inside a window come last; a scalar pads (a view)."""

    form = "windows(x, fill; axes, size, strides, dilations, low, high, base_dilations)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return flow.along(flow.of(node.args[0]), node.attrs["axes"])

    def infer(self, args: Args, attrs: Attrs) -> Result:
        self.require_fill(args)
        x = args[0]
        shape = list(x.shape)
        for i, axis in enumerate(attrs["axes"]):
            names = ("size", "strides", "dilations", "low", "high", "base_dilations")
            shape[axis] = _window_count(x.shape[axis], *[attrs[name][i] for name in names])
        return (*shape, *attrs["size"]), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        (x, fill), attrs = args, node.attrs
        amounts = [(0, 0, 0)] * x.ndim
        for i, axis in enumerate(attrs["axes"]):
            low, high = int(attrs["low"][i]), int(attrs["high"][i])
            amounts[axis] = (low, high, int(attrs["base_dilations"][i]) - 1)
        spread = [n + low + high + i * max(n - 1, 0) for n, (low, high, i) in zip(x.shape, amounts)]
        # A view of the padded array needs no copy for each window, but the padded array may be huge.
        if math.prod(spread) > 2 * (x.size + math.prod(ints(node.shape))):
            return _gathered_windows(x, fill, node)
        x = _padded(x, fill, amounts)
        strides, inner = list(x.strides), []
        for i, axis in enumerate(attrs["axes"]):
            inner.append(x.strides[axis] * int(attrs["dilations"][i]))
            # The stride of a single position is not used, and may overflow an address.
            step = int(attrs["strides"][i]) if int(node.shape[axis]) > 1 else 1
            strides[axis] = x.strides[axis] * step
        shape = ints(node.shape)
        if 0 in shape:
            return np.empty(shape, x.dtype)
        return np.lib.stride_tricks.as_strided(x, shape, (*strides, *inner), writeable=False)


def _window_count(
    n: int, size: int, stride: int, dilation: int, low: int, high: int, base: int
) -> int:
    """The number of windows along an axis of n elements, with padding, dilation and base dilation."""
    spread = (n - 1) * base + 1 if n > 0 else 0
    room = spread + low + high - ((size - 1) * dilation + 1)
    return room // stride + 1 if room >= 0 else 0


def _gathered_windows(x: np.ndarray, fill: Any, node: Node) -> np.ndarray:
    """`windows` by gathering each element, for padding that is far larger than the result."""
    names = ("axes", "size", "strides", "dilations", "low", "base_dilations")
    for axis, size, stride, dilation, low, base in zip(*[ints(node.attrs[n]) for n in names]):
        n = x.shape[axis]
        at = np.arange(int(node.shape[axis]))[:, None] * stride + np.arange(size) * dilation - low
        inside = (at >= 0) & (at <= (n - 1) * base) & (at % base == 0)
        end = np.full([1 if i == axis else m for i, m in enumerate(x.shape)], fill, x.dtype)
        x = np.take(np.concatenate([x, end], axis), np.where(inside, at // base, n), axis)
        x = np.moveaxis(x, axis + 1, -1)
    return x


class DynamicSlice(_Chosen):
    """A block of x at run-time starts (scalars; clamped so that it fits)."""

    form = "dynamic_slice(x, ...; sizes)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        x = node.args[0]
        sizes = node.attrs["sizes"]
        cut = [i for i, (n, size) in enumerate(zip(x.shape, sizes)) if not dims.same(n, size)]
        return flow.along(flow.of(x), cut)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, sizes = args[0], attrs["sizes"]
        self.require(len(args) == 1 + x.rank == 1 + len(sizes), "one start an axis", args)
        fits = all(0 <= size <= n for size, n in zip(sizes, x.shape))
        self.require(fits, f"sizes {list(sizes)} must fit", args)
        return sizes, x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        x, *starts = args
        return x[_block(starts, ints(node.shape), x.shape)]


class DynamicUpdateSlice(SameType):
    """x with a block replaced at run-time starts (scalars; clamped so that it fits)."""

    form = "dynamic_update_slice(x, update, ...)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        x, update = node.args[:2]
        states = [flow.of(x), flow.of(update)]
        if states == [None, None]:
            return None
        if None in states:  # a part of the rows, at some index
            raise MixedRows("replaces some of the rows")
        return flow.joined(states)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, update = args[0], args[1]
        self.require(len(args) == 2 + x.rank, "one start an axis", args)
        alike = update.dtype == x.dtype and update.rank == x.rank
        self.require(alike, "types differ", args)
        fits = all(u <= n for u, n in zip(update.shape, x.shape))
        self.require(fits, "the update must fit", args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        x, update, *starts = args
        result = np.array(x)
        result[_block(starts, update.shape, x.shape)] = update
        return result

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        return union(bounds(arg) for arg in node.args[:2] if arg.size)


def _block(starts: Arrays, sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    firsts = [min(max(int(s), 0), n - size) for s, size, n in zip(starts, sizes, shape)]
    return tuple([slice(first, first + size) for first, size in zip(firsts, sizes)])
