"""Ops that select by index or condition."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.operators import SCATTERS
from penstock._src.formats.onnx.writing.writer import (
    Writer,
    attribute_of,
    known,
    rank,
    sizes,
    writes,
)
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value


def _indices(w: Writer, x: str, tensor: Any) -> str:
    """Indices in a type that ONNX takes."""
    if tensor.dtype in (dtypes.int32, dtypes.int64):
        return x
    return w.cast(x, tensor.dtype, dtypes.int64)


@writes("GatherV2", "Gather")
def _gather(w: Writer, op: Operation, x: str, indices: str, axis: str = "") -> str:
    at = int(known(op.inputs[2], "the axis").reshape(())) if axis else 0
    at += rank(op.inputs[0]) if at < 0 else 0
    batch = int(attribute_of(op, "batch_dims", 0))
    batch += rank(op.inputs[1]) if batch < 0 else 0
    if not batch:
        return w.node("Gather", x, _indices(w, indices, op.inputs[1]), axis=at)
    order = [*range(batch), at, *(a for a in range(batch, rank(op.inputs[0])) if a != at)]
    places = w.unsqueeze(w.int64(indices, op.inputs[1]), rank(op.inputs[1]))
    gathered = w.node("GatherND", w.transpose(x, order), places, batch_dims=batch)
    # The axes between the batch and the axis are after the indices now: move them back.
    between, inner = at - batch, rank(op.inputs[1]) - batch
    total = rank(op.outputs[0])
    middle = [batch + inner + i for i in range(between)]
    own = [batch + i for i in range(inner)]
    rest = range(batch + inner + between, total)
    return w.transpose(gathered, [*range(batch), *middle, *own, *rest])


@writes("GatherNd")
def _gather_nd(w: Writer, op: Operation, x: str, indices: str) -> str:
    return w.node("GatherND", x, w.int64(indices, op.inputs[1]))


_REDUCTIONS = {op: kind for kind, op in SCATTERS.items()}


@writes(*_REDUCTIONS)
def _scatter(w: Writer, op: Operation, x: str, indices: str, updates: str) -> str:
    places = w.int64(indices, op.inputs[1])
    kind = _REDUCTIONS[op.type]
    return w.node("ScatterND", x, places, updates, reduction=None if kind == "none" else kind)


@writes("TensorScatterSub")
def _scatter_sub(w: Writer, op: Operation, x: str, indices: str, updates: str) -> str:
    places = w.int64(indices, op.inputs[1])
    return w.node("ScatterND", x, places, w.node("Neg", updates), reduction="add")


@writes("ScatterNd")
def _scatter_nd(w: Writer, op: Operation, indices: str, updates: str, shape: str) -> str:
    zeros = _zeros(w, w.int64(shape, op.inputs[2]), op.outputs[0])
    return w.node("ScatterND", zeros, w.int64(indices, op.inputs[0]), updates, reduction="add")


def _zeros(w: Writer, shape: str, like: Any) -> str:
    if like.dtype is dtypes.bool_:
        raise UnimplementedError("bools cannot be added up.")
    return w.node("ConstantOfShape", shape, value=np.zeros(1, like.dtype.np))


@writes("UnsortedSegmentSum")
def _segment_sum(w: Writer, op: Operation, x: str, segments: str, count: str) -> str:
    depth = rank(op.inputs[1])
    total = w.int64(count, op.inputs[2])
    rows = w.unsqueeze(total, 0) if rank(op.inputs[2]) == 0 else total
    numbers, inner = w.int64(segments, op.inputs[1]), w.node("Shape", x, start=depth)
    known_numbers = constant_value(op.inputs[1])
    drops = known_numbers is None or bool(np.any(np.asarray(known_numbers) < 0))
    if drops:  # negative numbers name no segment, but ONNX would count them from the end: they get a row more
        is_negative = w.node("Less", numbers, w.constant(np.int64(0)))
        numbers = w.node("Where", is_negative, w.reshape(rows, 1), numbers)
    height = w.node("Add", rows, w.ints(1)) if drops else rows
    zeros = _zeros(w, w.vector([height, inner]), op.outputs[0])
    sums = w.node("ScatterND", zeros, w.unsqueeze(numbers, depth), x, reduction="add")
    return w.node("Slice", sums, w.ints(0), rows, w.ints(0)) if drops else sums


@writes("TopK", "TopKV2")
def _top_k(w: Writer, op: Operation, x: str, k: str = "") -> Any:
    count = w.int64(k, op.inputs[1]) if k else w.constant(np.int64(attribute_of(op, "k")))
    values, places = w.nodes("TopK", [x, w.reshape(count, 1)], 2, axis=-1, largest=1, sorted=1)
    return values, w.cast(places, dtypes.int64, op.outputs[1].dtype)


@writes("OneHot")
def _one_hot(w: Writer, op: Operation, indices: str, depth: str, on: str, off: str) -> str:
    """Comparisons with all classes: negative indices are none, unlike in ONNX's own operator."""
    axis = int(attribute_of(op, "axis", -1))
    total = rank(op.inputs[0]) + 1
    axis = axis % total
    shape = [1] * total
    shape[axis] = -1
    places = w.unsqueeze(w.cast(indices, op.inputs[0].dtype, dtypes.int64), axis)
    hits = w.node("Equal", places, w.reshape(_numbers(w, op.inputs[1], depth), *shape))
    return w.node("Where", hits, on, off)


def _numbers(w: Writer, tensor: Any, name: str) -> str:
    """The integers from 0 to below a tensor's value, as int64."""
    count = constant_value(tensor)
    if count is not None:
        return w.constant(np.arange(int(count), dtype=np.int64))
    limit = w.int64(name, tensor)
    return w.node("Range", w.constant(np.int64(0)), limit, w.constant(np.int64(1)))


@writes("DenseBincount")
def _bincount(w: Writer, op: Operation, x: str, size: str, weights: str) -> str:
    """Comparisons with all numbers, added."""
    numbers, dtype = w.cast(x, op.inputs[0].dtype, dtypes.int64), op.outputs[0].dtype
    hits = w.node("Equal", w.unsqueeze(numbers, -1), _numbers(w, op.inputs[1], size))
    ones = w.cast(hits, dtypes.bool_, dtype)
    if attribute_of(op, "binary_output"):
        counts = w.node("ReduceSum", ones, w.ints(-2), keepdims=0)
        return w.node("Min", counts, w.constant(1, dtype))
    extents = sizes(op.inputs[2])
    if None in extents:
        raise UnimplementedError("the number of weights must be known.")
    if 0 not in extents:
        ones = w.node("Mul", ones, w.unsqueeze(weights, -1))
    return w.node("ReduceSum", ones, w.ints(-2), keepdims=0)


@writes("LowerBound", "UpperBound")
def _bound(w: Writer, op: Operation, rows: str, values: str) -> str:
    """How many elements of a row are less than a value, or not greater."""
    compares = "Less" if op.type == "LowerBound" else "LessOrEqual"
    before = w.node(compares, w.unsqueeze(rows, 1), w.unsqueeze(values, -1))
    counts = w.cast(before, dtypes.bool_, dtypes.int64)
    counts = w.node("ReduceSum", counts, w.ints(-1), keepdims=0)
    return w.cast(counts, dtypes.int64, op.outputs[0].dtype)


@writes("Where")
def _where(w: Writer, op: Operation, x: str) -> str:
    return w.node("Transpose", w.node("NonZero", x), perm=[1, 0])


@writes("Unique", "UniqueWithCounts")
def _unique(w: Writer, op: Operation, x: str) -> Any:
    source, dtype = op.inputs[0].dtype, op.outputs[1].dtype
    wide = dtypes.int64 if source.is_integer else source
    names = w.nodes("Unique", [w.cast(x, source, wide)], 4, sorted=0)
    values, _, numbers, counts = names
    outputs = [w.cast(values, wide, source), w.cast(numbers, dtypes.int64, dtype)]
    if op.type == "UniqueWithCounts":
        outputs.append(w.cast(counts, dtypes.int64, dtype))
    return outputs


@writes("KeyPositions")
def _key_positions(w: Writer, op: Operation, x: str, keys: str) -> str:
    count = len(known(op.inputs[1], "the keys"))
    hits = w.node("Equal", w.unsqueeze(x, -1), keys)
    places = w.node("Where", hits, w.ints(*range(count)), w.ints(-1))
    return w.node("ReduceMax", places, w.ints(-1), keepdims=0)


@writes("NonMaxSuppressionV2", "NonMaxSuppressionV3")
def _suppression(w: Writer, op: Operation, boxes: str, scores: str, *limits: str) -> str:
    most = w.reshape(w.int64(limits[0], op.inputs[2]), 1)
    rest = [w.reshape(name, 1) for name in limits[1:]]
    selected = w.node(
        "NonMaxSuppression", w.unsqueeze(boxes, 0), w.unsqueeze(scores, 0, 1), most, *rest
    )
    rows = w.node("Gather", selected, w.constant(np.int64(2)), axis=1)
    return w.cast(rows, dtypes.int64, op.outputs[0].dtype)


@writes("MatrixDiagV3", "MatrixDiag")
def _diagonal(w: Writer, op: Operation, x: str, *settings: str) -> str:
    size = sizes(op.inputs[0])[-1]
    if size is None or (settings and int(known(op.inputs[1], "k").reshape(-1)[0])):
        raise UnimplementedError("only a main diagonal of known size can be written.")
    mask = w.constant(np.eye(size, dtype=bool))
    zero = w.constant(np.zeros((), op.inputs[0].dtype.np))
    return w.node("Where", mask, w.unsqueeze(x, rank(op.inputs[0])), zero)
