"""Reductions, scans, sorts and contractions."""

import math
from collections.abc import Sequence

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.formats.stablehlo.movement import padded, reversed_along, sliced
from penstock._src.formats.stablehlo.writer import Value, Writer, identity_of, integers, writes
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import split_spec

COMBINE = {
    "sum": "add",
    "prod": "multiply",
    "max": "maximum",
    "min": "minimum",
    "any": "or",
    "all": "and",
}


def combiner(w: Writer, op: str, dtype: DType) -> str:
    """The region that combines two scalars."""
    return w.region([((), dtype)] * 2, lambda inner, args: [inner.elementwise(COMBINE[op], *args)])


def _accumulator(dtype: DType) -> DType:
    """The accumulator dtype: float32 for narrow floats, which are rounded once."""
    return dtypes.float32 if dtype.is_floating and dtype.size <= 2 else dtype


def reduced(w: Writer, x: Value, op: str, axes: Sequence[int]) -> Value:
    """One value of each line along axes."""
    first = w.constant(identity_of(op, x.dtype), x.dtype)
    shape = [n for i, n in enumerate(x.shape) if i not in axes]
    attrs = f"dimensions = {integers(axes)}"
    return w.op("reduce", [x, first], shape, x.dtype, attrs, [combiner(w, op, x.dtype)])


@writes("reduce")
def _reduce(w: Writer, node: Node, x: Value) -> Value:
    wide = w.convert(x, _accumulator(x.dtype))
    return w.convert(reduced(w, wide, node.op, node.attrs["axes"]), node.dtype)


@writes("arg_reduce")
def _arg_reduce(w: Writer, node: Node, x: Value) -> Value:
    """Reduces (element, index) pairs: the first maximum, or the first NaN if there is one."""
    axis = int(node.attrs["axis"])
    if not x.shape[axis]:
        return w.constant(np.zeros([int(n) for n in node.shape]), node.dtype)
    index = w.iota(x.shape, axis, dtypes.int64)
    firsts = [
        w.constant(identity_of(node.op, x.dtype), x.dtype),
        w.constant(np.iinfo(np.int64).max, dtypes.int64),
    ]

    def body(inner: Writer, args: list[Value]) -> list[Value]:
        value, at, other, other_at = args
        better = comes_first(inner, other, value, descending=node.op == "max", nan_first=True)
        ahead = inner.compare("LT", other_at, at)
        tied = inner.elementwise("and", equal(inner, value, other), ahead)
        takes = inner.elementwise("or", better, tied)
        return [inner.select(takes, other, value), inner.select(takes, other_at, at)]

    types = [(node.shape, x.dtype), (node.shape, dtypes.int64)]
    pair = [((), x.dtype), ((), dtypes.int64)]
    _, first_index = w.op_of_many(
        "reduce", [x, index, *firsts], types, f"dimensions = {integers([axis])}",
        [w.region(pair * 2, body)],
    )  # fmt: skip
    return w.convert(first_index, node.dtype)


def equal(w: Writer, x: Value, y: Value) -> Value:
    """True if x and y are the same key: numbers that are equal, or two NaNs."""
    same = w.compare("EQ", x, y)
    if not x.dtype.is_floating:
        return same
    both = w.elementwise("and", w.compare("NE", x, x), w.compare("NE", y, y))
    return w.elementwise("or", same, both)


def comes_first(w: Writer, x: Value, y: Value, descending: bool, nan_first: bool = False) -> Value:
    """True if x comes strictly before y in an order with NaNs last, or first."""
    ahead = w.compare("GT" if descending else "LT", x, y)
    if not x.dtype.is_floating:
        return ahead
    missing, other = w.compare("NE", x, x), w.compare("NE", y, y)
    if not nan_first:
        missing, other = other, missing
    only = w.elementwise("and", missing, w.elementwise("not", other))
    return w.elementwise("or", ahead, only)


@writes("sort")
def _sort(w: Writer, node: Node, *arrays: Value) -> list[Value]:
    def body(inner: Writer, args: list[Value]) -> list[Value]:
        pairs = list(zip(args[::2], args[1::2], strict=True))[: int(node.attrs["num_keys"])]
        result = None
        for x, y in reversed(pairs):
            ahead = comes_first(inner, x, y, node.attrs["descending"])
            if result is not None:
                tied = inner.elementwise("and", equal(inner, x, y), result)
                ahead = inner.elementwise("or", ahead, tied)
            result = ahead
        assert result is not None
        return [result]

    scalars = [((), a.dtype) for a in arrays for _ in range(2)]
    attrs = f"dimension = {int(node.attrs['axis'])} : i64, is_stable = true"
    types = [(a.shape, a.dtype) for a in arrays]
    sorted_arrays = w.op_of_many("sort", arrays, types, attrs, [w.region(scalars, body)])
    return [_first(w, node, x) for x in sorted_arrays]


def _first(w: Writer, node: Node, x: Value) -> Value:
    """The first elements of sorted lines."""
    axis, count = int(node.attrs["axis"]), int(node.attrs["count"])
    if count == x.shape[axis]:
        return x
    limits = [count if a == axis else int(n) for a, n in enumerate(x.shape)]
    return sliced(w, x, [0] * len(limits), limits, [1] * len(limits))


@writes("scan")
def _scan(w: Writer, node: Node, x: Value) -> Value:
    """A scan, as a reduce_window over all elements so far."""
    axis, op = int(node.attrs["axis"]), node.op
    extent = x.shape[axis]
    if not math.prod(x.shape):
        return x
    wide = w.convert(x, _accumulator(x.dtype))
    first = w.constant(identity_of(op, wide.dtype), wide.dtype)
    if node.attrs["reverse"]:
        wide = reversed_along(w, wide, [axis])
    size = [extent if i == axis else 1 for i in range(len(x.shape))]
    padding = [[extent - 1 if i == axis else 0, 0] for i in range(len(x.shape))]
    attrs = (
        f"window_dimensions = {integers(size)}, padding = dense<{padding}> : "
        f"tensor<{len(x.shape)}x2xi64>"
    )
    total = w.op(
        "reduce_window", [wide, first], x.shape, wide.dtype, attrs, [combiner(w, op, wide.dtype)]
    )
    if node.attrs["exclusive"]:
        one = [int(i == axis) for i in range(len(x.shape))]
        total = padded(w, total, first, one, [-n for n in one], [0] * len(one))
    if node.attrs["reverse"]:
        total = reversed_along(w, total, [axis])
    return w.convert(total, node.dtype)


@writes("fft")
def _fft(w: Writer, node: Node, x: Value, _roots: Value) -> Value:
    """A transform along the last axis, to which the wanted one is moved."""
    last, axis = len(x.shape) - 1, int(node.attrs["axis"])
    order = [a for a in range(last + 1) if a != axis] + [axis]
    moved = w.transpose(x, order)
    kind = "IFFT" if node.attrs["inverse"] else "FFT"
    attrs = f"fft_type = #stablehlo<fft_type {kind}>, fft_length = array<i64: {x.shape[axis]}>"
    transformed = w.op("fft", [moved], moved.shape, node.dtype, attrs)
    return w.transpose(transformed, [order.index(a) for a in range(last + 1)])


HIGHEST = "#stablehlo<precision HIGHEST>"


@writes("contract")
def _contract(w: Writer, node: Node, x: Value, y: Value) -> Value:
    left, right, result = split_spec(node.attrs["spec"])
    x, left = _without_private(w, x, left, right + result)
    y, right = _without_private(w, y, right, left + result)
    batch = [n for n in left if n in right and n in result]
    summed = [n for n in left if n in right and n not in result]
    sizes = dict(zip((*left, *right), (*x.shape, *y.shape), strict=True))
    axes = [*batch, *[n for n in left + right if n not in batch and n not in summed]]
    numbers = ", ".join(
        f"{side}_{what}_dimensions = {[letters.index(n) for n in names]}"
        for what, names in (("batching", batch), ("contracting", summed))
        for side, letters in (("lhs", left), ("rhs", right))
    )
    wide, exact = _accumulator(node.dtype), node.attrs.get("is_exact", False)
    precision = f", precision_config = [{', '.join([HIGHEST] * 2)}]" if exact else ""
    product = w.op(
        "dot_general", [x, y], [sizes[n] for n in axes], wide,
        f"dot_dimension_numbers = #stablehlo.dot<{numbers}>{precision}",
    )  # fmt: skip
    product = w.convert(product, node.dtype)
    return w.transpose(product, [axes.index(n) for n in result])


def _without_private(w: Writer, x: Value, letters: str, others: str) -> tuple[Value, str]:
    """An operand summed over the letters that only it has."""
    axes = [i for i, n in enumerate(letters) if n not in others]
    kept = "".join(n for n in letters if n in others)
    return (reduced(w, x, "sum", axes) if axes else x), kept
