"""Gathers, scatters, windows and blocks at dynamic starts."""

import numpy as np

from penstock._src.compiler.lower.dynamic_rows_sources import places_by_sums
from penstock._src.core import dtypes
from penstock._src.formats.stablehlo.functions import write_built
from penstock._src.formats.stablehlo.movement import padded
from penstock._src.formats.stablehlo.reductions import combiner
from penstock._src.formats.stablehlo.writer import Value, Writer, integers, writes
from penstock._src.ir.builder import Builder
from penstock._src.ir.node import Node

UPDATES = {"add": "sum", "mul": "prod", "max": "max", "min": "min"}


@writes("gather")
def _gather(w: Writer, node: Node, x: Value, indices: Value) -> Value:
    """Indices outside are clamped; in mode "zero" their results are zero. Nothing raises in StableHLO: see `is_checked`."""
    axis, batch = int(node.attrs["axis"]), int(node.attrs["batch_dims"])
    if not x.shape[axis]:
        return w.constant(np.zeros([int(n) for n in node.shape]), node.dtype)
    taken = _taken(w, x, indices, axis, batch)
    if node.attrs["mode"] == "error" and w.is_checked:
        w.check("a gather", _inside(w, indices, x.shape[axis]))
    if node.attrs["mode"] != "zero":
        return taken
    inside = _inside(w, indices, x.shape[axis])
    rank = len(indices.shape)
    spread = [*range(batch), *range(axis, axis + rank - batch)]
    return w.select(w.broadcast(inside, node.shape, spread), taken, w.splat(0, taken))


def _inside(w: Writer, indices: Value, extent: int) -> Value:
    """True if each index is one of an axis."""
    zero, last = w.splat(0, indices), w.splat(min(extent - 1, indices.dtype.max), indices)
    return w.elementwise("and", w.compare("GE", indices, zero), w.compare("LE", indices, last))


def _taken(w: Writer, x: Value, indices: Value, axis: int, batch: int = 0) -> Value:
    """x[..., indices, ...] at an axis, after `batch` leading axes that both share."""
    added = len(indices.shape) - batch
    shape = (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :])
    offsets = [*range(batch, axis), *range(axis + added, len(shape))]
    sizes = [1 if i < batch or i == axis else n for i, n in enumerate(x.shape)]
    shared = list(range(batch))
    batching = f"operand_batching_dims = {shared}, start_indices_batching_dims = {shared}, "
    numbers = (
        f"#stablehlo.gather<offset_dims = {offsets}, collapsed_slice_dims = [{axis}], "
        f"{batching if batch else ''}start_index_map = [{axis}], index_vector_dim = {len(indices.shape)}>"
    )
    attrs = f"dimension_numbers = {numbers}, slice_sizes = {integers(sizes)}"
    return w.op("gather", [x, indices], shape, x.dtype, attrs)


@writes("scatter")
def _scatter(w: Writer, node: Node, x: Value, indices: Value, updates: Value) -> Value:
    """Updates at indices out of range are dropped."""
    lead, depth = len(indices.shape) - 1, indices.shape[-1]
    if node.attrs["mode"] == "error" and w.is_checked:
        limits = np.minimum(np.array(x.shape[:depth], np.int64) - 1, indices.dtype.max)
        low = w.compare("GE", indices, w.splat(0, indices))
        high = w.compare(
            "LE", indices, w.constant(np.broadcast_to(limits, indices.shape), indices.dtype)
        )
        w.check("a scatter", w.elementwise("and", low, high))
    indexed = list(range(depth))
    windows = list(range(lead, len(updates.shape)))
    numbers = (
        f"#stablehlo.scatter<update_window_dims = {windows}, inserted_window_dims = {indexed}, "
        f"scatter_dims_to_operand_dims = {indexed}, index_vector_dim = {lead}>"
    )
    if node.op == "set":
        region = w.region([((), x.dtype)] * 2, lambda _inner, args: [args[1]])
    else:
        region = combiner(w, UPDATES[node.op], x.dtype)
    attrs = f"scatter_dimension_numbers = {numbers}"
    return w.op("scatter", [x, indices, updates], x.shape, x.dtype, attrs, [region])


@writes("windows")
def _windows(w: Writer, node: Node, x: Value, fill: Value) -> Value:
    """Pads, then takes the rows of each axis's windows and moves the offsets inside of windows to the end."""
    attrs, rank = node.attrs, len(x.shape)
    amounts = {name: [0] * rank for name in ("low", "high", "interior")}
    for i, axis in enumerate(attrs["axes"]):
        amounts["low"][axis], amounts["high"][axis] = attrs["low"][i], attrs["high"][i]
        amounts["interior"][axis] = int(attrs["base_dilations"][i]) - 1
    x = padded(w, x, fill, *amounts.values())
    for i, axis in enumerate(attrs["axes"]):
        count, size = int(node.shape[axis]), int(attrs["size"][i])
        starts = np.arange(count)[:, None] * int(attrs["strides"][i])
        rows = starts + np.arange(size) * int(attrs["dilations"][i])
        taken = _taken(w, x, w.constant(rows, dtypes.int64), axis)
        inner = axis + 1
        perm = [n for n in range(len(taken.shape)) if n != inner]
        x = w.transpose(taken, [*perm, inner])
    return x


def _starts(w: Writer, starts: tuple[Value, ...]) -> list[Value]:
    return [w.convert(start, dtypes.int64) for start in starts]


@writes("dynamic_slice")
def _dynamic_slice(w: Writer, node: Node, x: Value, *starts: Value) -> Value:
    attrs = f"slice_sizes = {integers(node.shape)}"
    return w.op("dynamic_slice", [x, *_starts(w, starts)], node.shape, node.dtype, attrs)


@writes("dynamic_update_slice")
def _dynamic_update_slice(w: Writer, node: Node, x: Value, update: Value, *starts: Value) -> Value:
    args = [x, update, *_starts(w, starts)]
    return w.op("dynamic_update_slice", args, node.shape, node.dtype)


@writes("argwhere")
def _argwhere(w: Writer, node: Node, mask: Value) -> list[Value]:
    def places(p: Builder, x: Node) -> list[Node]:
        rows, count = places_by_sums(p, x)
        is_used = p.broadcast_to(
            p.lt(p.iota((rows.shape[0], 1), 0, dtypes.int32), count), rows.shape
        )
        return [p.select(is_used, rows, p.full(rows.shape, 0, rows.dtype)), count]

    return write_built(w, places, mask)
