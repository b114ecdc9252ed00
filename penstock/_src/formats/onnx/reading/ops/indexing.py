"""Operators that select by index or condition: gathers, scatters, sorting, unique values."""

from typing import Any

import numpy as np

from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.onnx.operators import SCATTERS
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def wrapped(indices: Any, size: Any) -> Any:
    """Indices in which negative ones, that count from the end, are counted from the front."""
    indices = t.cast(indices, dtypes.int64)
    value = t.known(indices)
    if value is not None and np.all(value >= 0):
        return indices
    below = raw.Less(indices, t.int64(0))
    return raw.SelectV2(below, raw.AddV2(indices, size), indices)


@reads("Gather")
def _gather(n: Node, x: Any, indices: Any) -> Any:
    axis = t.axis_of(n.attr("axis", 0), t.rank(x))
    return t.batched_gather(x, wrapped(indices, t.extent(x, axis)), axis)


@reads("GatherElements")
def _gather_elements(n: Node, x: Any, indices: Any) -> Any:
    axis = t.axis_of(n.attr("axis", 0), t.rank(x))
    return raw.GatherNd(x, _places(x, indices, axis))


def _places(x: Any, indices: Any, axis: int) -> Any:
    """For each index its position in x: itself along the axis, its own position along others."""
    sizes = t.extents(indices)
    parts = []
    for other, size in enumerate(sizes):
        if other == axis:
            parts.append(wrapped(indices, t.extent(x, axis)))
        else:
            row = t.aligned(t.numbers(size), len(sizes), other)
            parts.append(raw.BroadcastTo(row, t.shape(indices)))
    return raw.Pack(parts, axis=len(sizes))


def _wrapped_places(indices: Any, x: Any) -> Any:
    """Indices into the first dimensions of x, those below zero counted from the end."""
    return wrapped(indices, _indexed_sizes(indices, x, 0))


def _indexed_sizes(indices: Any, x: Any, batch: int) -> Any:
    """The extents of x that the last dimension of indices counts, after those of the batch."""
    depth = indices.shape.as_list()[-1]
    if depth is not None:
        return t.slice_along(t.shape(x), 0, batch, batch + depth)
    size = t.expand_dims(t.extent(indices, t.rank(indices) - 1), [0])
    return raw.Slice(t.shape(x), t.int64([batch]), size)


@reads("GatherND")
@reads("GatherND", domain=MICROSOFT)
def _gather_nd(n: Node, x: Any, indices: Any) -> Any:
    batch = n.attr("batch_dims", 0)
    if not batch:
        return raw.GatherNd(x, _wrapped_places(indices, x))
    outer = t.extents(indices)[:batch]
    parts = [wrapped(indices, _indexed_sizes(indices, x, batch))]
    middle = t.extents(indices)[:-1]
    for axis in range(batch)[::-1]:
        row = t.aligned(t.numbers(outer[axis]), len(middle) + 1, axis)
        parts.insert(0, raw.BroadcastTo(row, t.vector([*middle, 1])))
    return raw.GatherNd(x, t.concat(parts, len(middle)))


def _scatter(n: Node, x: Any, places: Any, updates: Any) -> Any:
    kind = n.attr("reduction", "none")
    if kind == "mul":
        return _multiplied(x, places, updates)
    if kind not in SCATTERS:
        raise InvalidArgumentError(f"the reduction '{kind}' is unknown.")
    return getattr(raw, SCATTERS[kind])(x, places, updates)


def _multiplied(x: Any, places: Any, updates: Any) -> Any:
    """x times the updates at their positions, one update after the other.

    Each entry of x gathers its updates as a product over segments.
    """
    # An extent that is not declared follows from the ranks.
    depth = t.rank(places) - 1 + t.rank(x) - t.rank(updates)
    sizes = t.extents(x)
    rows = t.reshape(places, [-1, depth])
    number = t.int64(0)
    for axis in range(depth):
        column = t.batched_gather(rows, np.int64(axis), 1)
        number = raw.AddV2(raw.Mul(number, t.extent(x, axis)), column)
    count = t.product(sizes[:depth])
    inner = sizes[depth:]
    flat = t.reshape(updates, [-1, *inner])
    count = t.int64(count) if isinstance(count, int) else count
    factors = raw.UnsortedSegmentProd(flat, number, count)
    return raw.Mul(x, t.reshape(factors, sizes))


@reads("Scatter", "ScatterElements")
def _scatter_elements(n: Node, x: Any, indices: Any, updates: Any) -> Any:
    axis = t.axis_of(n.attr("axis", 0), t.rank(x))
    return _scatter(n, x, _places(x, indices, axis), updates)


@reads("ScatterND")
def _scatter_nd(n: Node, x: Any, indices: Any, updates: Any) -> Any:
    return _scatter(n, x, _wrapped_places(indices, x), updates)


@reads("TensorScatter")
def _tensor_scatter(n: Node, cache: Any, update: Any, starts: Any = None) -> Any:
    dimensions = t.rank(cache)
    axis = t.axis_of(n.attr("axis", -2), dimensions)
    length = t.numbers(t.extents(update)[axis])
    batch = t.extents(cache)[0]
    if starts is None:
        starts = raw.Fill(t.vector([batch]), t.int64(0))
    rows = raw.AddV2(t.aligned(starts, 2, 0), t.aligned(length, 2, 1))
    if n.attr("mode", "linear") == "circular":
        rows = raw.FloorMod(rows, t.extent(cache, axis))
    order = [0, axis, *(a for a in range(dimensions) if a not in (0, axis))]
    owners = raw.BroadcastTo(t.aligned(t.numbers(batch), 2, 0), t.shape(rows))
    places = raw.Pack([owners, rows], axis=2)
    moved = raw.TensorScatterUpdate(t.transpose(cache, order), places, t.transpose(update, order))
    return t.transpose(moved, np.argsort(order).tolist())


@reads("OneHot", settings=(1, 2))
def _one_hot(n: Node, indices: Any, depth: Any, values: Any) -> Any:
    depth = raw.Reshape(t.cast(depth, dtypes.int64), t.int64([]))
    off, on = raw.Unpack(values, num=2, axis=0)
    indices = wrapped(t.cast(indices, dtypes.int64), depth)
    axis = n.attr("axis", -1)
    axis = t.axis_of(axis, t.rank(indices) + 1)
    dimensions = t.rank(indices) + 1
    classes = t.aligned(t.numbers(depth), dimensions, axis)
    return raw.SelectV2(raw.Equal(t.expand_dims(indices, [axis]), classes), on, off)


@reads("NonZero")
def _non_zero(n: Node, x: Any) -> Any:
    if not x.dtype.is_bool:
        x = raw.NotEqual(x, t.like(0, x))
    return raw.Transpose(raw.Where(x), np.array([1, 0], np.int32))


@reads("Compress")
def _compress(n: Node, x: Any, condition: Any) -> Any:
    if n.has("axis"):
        axis = t.axis_of(n.attr("axis"), t.rank(x))
    else:
        x, axis = t.reshape(x, [-1]), 0
    rows = raw.Reshape(raw.Where(condition), t.int64([-1]))
    return t.batched_gather(x, rows, axis)


@reads("TopK", settings=(1,))
def _top_k(n: Node, x: Any, k: Any = None) -> Any:
    axis = t.axis_of(n.attr("axis", -1), t.rank(x))
    count = t.int64(n.attr("k")) if k is None else raw.Reshape(k, t.int64([]))
    count = t.cast(count, dtypes.int32)
    order = [a for a in range(t.rank(x)) if a != axis] + [axis]
    back = np.argsort(order).tolist()
    moved = t.transpose(x, order)
    if n.flag("largest", 1):
        _, places = raw.TopKV2(moved, count, sorted=True)
    else:
        _, places = raw.TopKV2(_descending(moved), count, sorted=True)
    places = t.cast(places, dtypes.int64)
    values = raw.GatherV2(moved, places, np.int32(-1), batch_dims=t.rank(x) - 1)
    return t.transpose(values, back), t.transpose(places, back)


def _descending(x: Any) -> Any:
    """Values whose order is the reverse of that of x."""
    return raw.Neg(x) if x.dtype.is_floating else raw.Invert(x)


@reads("ArgMax", "ArgMin")
def _arg(n: Node, x: Any) -> Any:
    op = raw.ArgMax if n.op_type == "ArgMax" else raw.ArgMin
    axis = t.axis_of(n.attr("axis", 0), t.rank(x))
    if n.flag("select_last_index"):
        backwards = raw.ReverseV2(x, np.array([axis], np.int32))
        from_end = op(backwards, np.int32(axis), output_type=dtypes.int64)
        position = raw.Sub(raw.Sub(t.extent(x, axis), t.int64(1)), from_end)
    else:
        position = op(x, np.int32(axis), output_type=dtypes.int64)
    return t.expand_dims(position, [axis]) if n.flag("keepdims", 1) else position


@reads("Unique")
def _unique(n: Node, x: Any) -> Any:
    if n.has("axis"):
        axis = t.axis_of(n.attr("axis"), t.rank(x))
    else:
        x, axis = t.reshape(x, [-1]), 0
    values, numbers, counts = raw.UniqueWithCountsV2(
        x, np.array([axis], np.int32), out_idx=dtypes.int64
    )
    total = t.extents(x)[axis]
    first = raw.UnsortedSegmentMin(
        t.numbers(total), numbers, raw.Size(counts, out_type=dtypes.int64)
    )
    if n.flag("sorted", 1):
        order = _sorting(values, axis)
        values = t.batched_gather(values, order, axis)
        first, counts = t.batched_gather(first, order, 0), t.batched_gather(counts, order, 0)
        numbers = t.batched_gather(raw.InvertPermutation(order), numbers, 0)
    return values, first, numbers, counts


@reads("Unique", domain=MICROSOFT)
def _unique_as_met(n: Node, x: Any) -> Any:
    """Unlike the standard's, its values stand as they come first, and the second output is the place of each entry's value."""
    return raw.UniqueWithCountsV2(t.of_rank(x, 1), np.array([0], np.int32), out_idx=dtypes.int64)


def _sorting(values: Any, axis: int) -> Any:
    """The order that sorts the rows along an axis by their first entry, then by their second, ..."""
    order = [axis, *(a for a in range(t.rank(values)) if a != axis)]
    rows = t.transpose(values, order)
    count = t.extents(rows)[0]
    width = t.product(t.extents(rows)[1:])
    rows = t.reshape(rows, [count, width])

    def sorted_by(column: Any, places: Any) -> Any:
        keys = t.batched_gather(t.batched_gather(rows, column, 1), places, 0)
        return t.batched_gather(places, _ascending(keys), 0)

    places = t.numbers(count)
    # A stable sort by every column, the most important one last.
    if isinstance(width, int):
        for column in range(width)[::-1]:
            places = sorted_by(np.int64(column), places)
        return places
    _, places = while_loop(
        lambda left, _: raw.Greater(left, t.int64(0)),
        lambda left, places: (left - 1, sorted_by(left - 1, places)),
        (width, places),
        shape_invariants=(TensorShape([]), TensorShape([None])),
    )
    return places


def _ascending(keys: Any) -> Any:
    """The order that sorts a vector; equal entries stay in theirs."""
    _, places = raw.TopKV2(_descending(keys), t.cast(raw.Size(keys), dtypes.int32), sorted=True)
    return t.cast(places, dtypes.int64)


@reads("ArrayFeatureExtractor", domain="ai.onnx.ml")
def _array_feature_extractor(n: Node, x: Any, indices: Any) -> Any:
    flat = t.reshape(indices, [-1])
    gathered = t.batched_gather(x, flat, t.rank(x) - 1)
    return t.expand_dims(gathered, [0]) if t.rank(x) == 1 else gathered
