"""Reductions along axes: totals, the place of the extreme, running totals, and sums of products."""

import math
from typing import Any

import numpy as np

from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.intervals import Range, fitting
from penstock._src.ir.meaning.rows import MixedRows, RowFlow, Rows
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
    widened,
    without,
)

_REDUCE = {"sum": np.add, "prod": np.multiply, "any": np.logical_or, "all": np.logical_and}
_SCAN = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def lowest(dtype: np.dtype) -> Any:
    """The identity of a maximum."""
    if dtype.kind in "iub":
        return False if dtype.kind == "b" else np.iinfo(dtype).min
    return -np.inf


def highest(dtype: np.dtype) -> Any:
    """The identity of a minimum."""
    if dtype.kind in "iub":
        return True if dtype.kind == "b" else np.iinfo(dtype).max
    return np.inf


def _reduced(flow: RowFlow, node: Node, axes: Any) -> Rows | None:
    """The rows of the only argument without some axes."""
    rows = flow.along(flow.of(node.args[0]), axes)
    return None if rows is None else rows.at(rows.axis - sum(axis < rows.axis for axis in axes))


class Reduce(Primitive):
    """One value of each line along axes, which disappear; a sum of nothing is 0, a max the lowest value."""

    form = "reduce(x; op, axes)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return _reduced(flow, node, node.attrs["axes"])

    ops = frozenset("sum prod max min any all".split())

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), axes = args, attrs["axes"]
        self.require(list(axes) == sorted(set(axes)), f"axes {axes} must ascend", args)
        self.require(all(0 <= a < x.rank for a in axes), f"axes {axes} are outside", args)
        return without(x.shape, axes), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        op, axes = node.op, node.attrs["axes"]

        def compute(x: Any) -> Any:
            if op in ("max", "min"):
                initial = lowest(x.dtype) if op == "max" else highest(x.dtype)
                return (np.maximum if op == "max" else np.minimum).reduce(x, axes, initial=initial)
            # In float64, as a reference must be exact: NumPy's running sum along an outer axis loses digits with its length.
            kinds = {"i": x.dtype, "u": x.dtype, "f": np.float64, "c": np.complex128}
            return _REDUCE[op].reduce(x, axes, dtype=kinds.get(x.dtype.kind))

        return widened(compute, args, node)

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        (x,) = node.args
        ends = bounds(x)
        if ends is None or not x.size or node.op not in ("max", "min", "sum"):
            return None
        if node.op != "sum":
            return ends
        count = x.size // node.size
        return (
            fitting(node.dtype, (ends[0] * count, ends[1] * count))
            if node.dtype.is_integer
            else None
        )

    def flops(self, node: Node) -> int:
        return int(node.args[0].size)


class ArgReduce(Primitive):
    """The index of the first largest (max) or smallest (min) element along an axis, which disappears."""

    form = "arg_reduce(x; op, axis, dtype)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return _reduced(flow, node, (node.attrs["axis"],))

    ops = frozenset({"max", "min"})

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,) = args
        self.require(0 <= attrs["axis"] < x.rank, "the axis is outside", args)
        return without(x.shape, (attrs["axis"],)), attrs["dtype"]

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        (x,), find = args, np.argmax if node.op == "max" else np.argmin
        if x.shape[node.attrs["axis"]] == 0:
            return np.zeros(ints(node.shape), node.dtype.np)
        if x.dtype.kind == "V":
            x = x.astype(np.float32)
        return np.asarray(find(x, axis=node.attrs["axis"])).astype(node.dtype.np)

    def value_range(self, bounds: Bounds, node: Node) -> Range:
        return 0, node.args[0].shape[node.attrs["axis"]] - 1


class Scan(SameType):
    """The running sum, product, maximum or minimum along an axis (reduce_window)."""

    form = "scan(x; op, axis, exclusive, reverse)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return flow.along(flow.of(node.args[0]), (node.attrs["axis"],))

    ops = frozenset(_SCAN)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        self.require(0 <= attrs["axis"] < args[0].rank, "the axis is outside", args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        op, axis = node.op, node.attrs["axis"]

        def compute(x: Any) -> Any:
            if node.attrs["reverse"]:
                x = np.flip(x, axis)
            total = _SCAN[op].accumulate(x, axis, dtype=x.dtype if x.dtype.kind in "iu" else None)
            if node.attrs["exclusive"] and x.shape[axis]:
                edge = {"sum": 0, "prod": 1, "max": lowest(x.dtype), "min": highest(x.dtype)}[op]
                first = np.full_like(total.take([0], axis), edge)
                total = np.concatenate([first, total.take(range(x.shape[axis] - 1), axis)], axis)
            return np.flip(total, axis) if node.attrs["reverse"] else total

        return widened(compute, args, node)

    def flops(self, node: Node) -> int:
        return int(node.args[0].size)


def split_spec(spec: str) -> tuple[str, str, str]:
    """The letters of both operands and of the result of "bmk,bkn->bmn"."""
    operands, result = spec.split("->")
    left, right = operands.split(",")
    return left, right, result


class Contract(Primitive):
    """An einsum of two operands, "bmk,bkn->bmn": products summed over the missing letters (dot_general)."""

    form = "contract(x, y; spec)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        *operands, result = split_spec(node.attrs["spec"])
        states = []
        for argument, letters in zip(node.args, operands, strict=True):
            rows = flow.of(argument)
            if rows is None:
                continue
            if letters[rows.axis] not in result:
                raise MixedRows("sums over rows")
            states.append(rows.at(result.index(letters[rows.axis])))
        return flow.joined(states)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, y = args
        left, right, result = split_spec(attrs["spec"])
        self.require(x.dtype == y.dtype, "the dtypes must be equal", args)
        fits = len(left) == x.rank and len(right) == y.rank
        self.require(fits, f"{attrs['spec']} does not fit", args)
        extents: dict[str, int] = {}
        for letter, extent in (*zip(left, x.shape), *zip(right, y.shape)):
            known = extents.setdefault(letter, extent)
            message = f"extents of {letter!r} in {attrs['spec']} differ"
            self.require(known == extent, message, args)
            extents[letter] = dims.merge(known, extent)
        return tuple([extents[letter] for letter in result]), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        left, right, result = split_spec(node.attrs["spec"])
        names = {letter: i for i, letter in enumerate(dict.fromkeys(left + right))}
        a, b, out = [[names[letter] for letter in part] for part in (left, right, result)]

        def compute(x: Any, y: Any) -> Any:
            return np.einsum(x, a, y, b, out, optimize=x.dtype.kind in "fc")

        return widened(compute, args, node)

    def flops(self, node: Node) -> int:
        letters = node.attrs["spec"].split("->")[0].replace(",", "")
        extents = dict(zip(letters, (*node.args[0].shape, *node.args[1].shape)))
        return 2 * math.prod(map(int, extents.values()))
