"""Rules of operations that move, select and repeat elements."""

from typing import Any

import numpy as np

from penstock._src.api.vectorized.inputs import numbered
from penstock._src.api.vectorized.rules import NotVectorizable, rule
from penstock._src.api.vectorized.step import Step
from penstock._src.core.registry import raw


@rule("BroadcastTo")
def broadcast_to(step: Step) -> list:
    """Broadcasts each row."""
    shape = step.common(1)
    rank = shape.shape[0]
    if rank is None:
        raise NotVectorizable("the rank of the shape is unknown")
    return step.run(step.whole(0, rank), step.prefixed(shape))


@rule("Fill")
def fill(step: Step) -> list:
    """Fills with the value of each row."""
    dims = step.common(0)
    rank = dims.shape[0]
    if rank is None:
        raise NotVectorizable("the rank of the shape is unknown")
    return step.other("BroadcastTo", step.whole(1, rank), step.prefixed(dims))


@rule("Transpose")
def transpose(step: Step) -> list:
    """Transposes each row."""
    order = step.static(1)
    order = np.where(order < 0, order + len(order), order) + 1
    return step.run(step.whole(0), np.concatenate([[0], order]).astype(np.int32))


@rule("Slice")
def cut(step: Step) -> list:
    """Slices each row; starts may differ."""
    if not step.is_stacked(1):
        size = step.prefixed(step.common(2), -1)
        return step.run(step.whole(0), step.prefixed(step.common(1), 0), size)
    sizes = step.static(2)
    if (sizes < 0).any():
        raise NotVectorizable("slice sizes depend on begin indices that differ between rows")
    rows, begin = step.whole(0), step.values[1].tensor
    for axis, size in enumerate(sizes.tolist()):
        offsets = np.arange(size, dtype=begin.dtype.as_numpy_dtype)[None]
        places = raw.AddV2(x=begin[:, axis : axis + 1], y=offsets)
        rows = gathered(step, rows, places, axis + 1, 1)[0]
    return [rows]


@rule("Diag")
def diagonal(step: Step) -> list:
    """Put each row's elements on the diagonal of a matrix that has the row's axes twice."""
    rows = step.whole(0)
    sizes = raw.Shape(input=rows)
    flat = raw.Reshape(tensor=rows, shape=step.prefixed(raw.ExpandDims(input=_size(sizes), axis=0)))
    shape = raw.ConcatV2(values=[sizes, sizes[1:]], axis=0)
    return [raw.Reshape(tensor=raw.MatrixDiag(diagonal=flat), shape=shape)]


def _size(sizes: Any) -> Any:
    """Returns the number of elements of a row, given the shape of all of them."""
    return raw.Prod(input=sizes[1:], axis=0)


@rule("StridedSlice")
def strided_slice(step: Step) -> list:
    """Slices each row."""
    bounds, masks = _bounds(step)
    return step.run(step.whole(0), *bounds, **masks)


@rule("StridedSliceGrad")
def strided_slice_gradient(step: Step) -> list:
    """Writes a slice into rows of zeros."""
    bounds, masks = _bounds(step)
    return step.run(step.prefixed(step.common(0)), *bounds, step.whole(4), **masks)


def _bounds(step: Step) -> tuple[list, dict[str, int]]:
    """Returns begin, end and strides of a slice, and its masks, with a full slice of the axis of rows in front."""
    bounds = [step.prefixed(step.common(i), int(i == 3)) for i in (1, 2, 3)]
    masks = {name: bits << 1 for name, bits in step.op.attrs.items() if name.endswith("_mask")}
    masks["begin_mask"] |= 1
    masks["end_mask"] |= 1
    return bounds, masks


@rule("Squeeze")
def squeeze(step: Step) -> list:
    """Removes axes of size 1 from each row."""
    axes = list(step.op.squeeze_dims)
    if not axes:
        shape = step.node._inputs[0].shape
        if not shape.is_fully_defined():
            raise NotVectorizable("the axes to remove are unknown")
        axes = [i for i, n in enumerate(shape) if n == 1]
    if not axes:
        return [step.whole(0)]
    return step.run(step.whole(0), squeeze_dims=[int(a) for a in step.axis(axes)])


@rule("Roll")
def roll(step: Step) -> list:
    """Moves each row; rows may move by different distances."""
    axes = np.atleast_1d(step.axis(step.static(2)))
    if not step.is_stacked(1):
        return step.run(step.whole(0), step.common(1), step.axis(step.static(2)))
    rows = step.whole(0)
    distances = raw.Reshape(tensor=step.values[1].tensor, shape=[-1, len(axes)])
    for k, axis in enumerate(axes.tolist()):
        axis += step.rank(0) + 1 if axis < 0 else 0
        size = raw.Shape(input=rows)[axis]
        places = raw.Range(start=0, limit=size, delta=1)
        shifts = raw.Cast(x=distances[:, k : k + 1], DstT=places.dtype)
        source = raw.FloorMod(x=raw.Sub(x=places, y=shifts), y=size)
        rows = gathered(step, rows, source, axis, 1)[0]
    return [rows]


@rule("Gather", "GatherV2", "ResourceGather")
def gather(step: Step) -> list:
    """Gathers with indices per row from tensors per row or common ones."""
    axis, batch = 0, 0
    if step.node.type == "GatherV2":
        axis, batch = int(step.static(2)), step.op.batch_dims
    if step.node.type == "ResourceGather":
        return step.run(step.common(0), step.whole(1))
    axis += step.rank(0) if axis < 0 else 0
    batch += step.rank(1) if batch < 0 else 0
    if axis == 0 and not step.is_stacked(0):
        return gathered(step, step.common(0), step.values[1].tensor, 0, 0)
    if step.is_stacked(0) and not step.is_stacked(1) and not batch:
        return gathered(step, step.values[0].tensor, step.common(1), axis + 1, 0)
    if step.is_stacked(0) or batch:
        return gathered(step, step.whole(0), step.whole(1), axis + 1, batch + 1)
    rows = gathered(step, step.common(0), step.values[1].tensor, axis, 0)[0]
    order = np.arange(step.rank(0) + step.rank(1))
    order = np.concatenate([[axis], np.delete(order, axis)]).astype(np.int32)
    return [raw.Transpose(x=rows, perm=order)]


def gathered(step: Step, params: object, places: object, axis: int, batch: int) -> list:
    """Gathers slices along an axis."""
    return step.other("GatherV2", params, places, np.int32(axis), batch_dims=batch)


@rule("GatherNd")
def gather_nd(step: Step) -> list:
    """Gathers with index vectors per row from tensors per row or common ones."""
    step.rank(1)
    if not step.is_stacked(0):
        return step.run(step.common(0), step.whole(1))
    return step.run(step.whole(0), numbered(step, step.whole(1)))


@rule("_UnsortedSegment")
def segments(step: Step) -> list:
    """Numbers the segments of all rows in sequence."""
    count = step.common(2)
    data, ids = step.whole(0), step.whole(1)
    numbers = moved(step, ids, count)
    return [step.parted(step.run(data, numbers, times_rows(step, count))[0])]


@rule("_SparseSegment")
def segments_of_chosen(step: Step) -> list:
    """Numbers the segments of all rows in sequence; rows of data may be common to all."""
    ids = step.whole(2)
    if len(step.values) == 4:
        count = step.common(3)
    else:  # every row gets as many segments as the one with most
        last = step.other("Max", step.other("Reshape", ids, [-1])[0], 0)[0]
        count = step.other("AddV2", last, np.asarray(1, last.dtype.as_numpy_dtype))[0]
    data, indices = step.values[0].tensor, step.whole(1)
    if step.is_stacked(0):
        indices = moved(step, indices, raw.Shape(input=data)[1])
        data = step.merged(data)
    places = step.merged(moved(step, ids, count))
    kind = step.node.type.removesuffix("WithNumSegments") + "WithNumSegments"
    chosen = step.merged(indices)
    return [step.parted(step.other(kind, data, chosen, places, times_rows(step, count))[0])]


@rule("_SparseSegmentGrad")
def segments_of_chosen_gradient(step: Step) -> list:
    """Numbers the segments, and the rows of data, of all rows in sequence."""
    grad, count = step.whole(0), step.common(3)
    indices = step.merged(moved(step, step.whole(1), count))
    places = step.merged(moved(step, step.whole(2), raw.Shape(input=grad)[1]))
    rows = step.run(step.merged(grad), indices, places, times_rows(step, count))[0]
    return [step.parted(rows)]


def moved(step: Step, numbers: Any, count: Any) -> Any:
    """Returns stacked numbers below `count`, those of row k increased by k * count.

    Negative numbers stay, and those that are not below `count` become one that no row has: neither are another row's.
    """
    rows = step.other("Range", 0, step.count, 1)[0]
    first = step.other("Mul", rows, step.other("Cast", count, DstT=rows.dtype)[0])[0]
    first = step.other("Cast", first, DstT=numbers.dtype)[0]
    ones = raw.OnesLike(x=raw.Shape(input=numbers)[1:])
    shape = raw.ConcatV2(values=[np.array([-1], np.int32), ones], axis=0)
    places = step.other("AddV2", numbers, raw.Reshape(tensor=first, shape=shape))[0]
    beyond = step.other("Cast", times_rows(step, count), DstT=numbers.dtype)[0]
    limit = step.other("Cast", count, DstT=numbers.dtype)[0]
    places = raw.SelectV2(condition=raw.Less(x=numbers, y=limit), t=places, e=beyond)
    return raw.SelectV2(
        condition=raw.Less(x=numbers, y=raw.ZerosLike(x=numbers)), t=numbers, e=places
    )


def times_rows(step: Step, count: Any) -> Any:
    """Returns a number of a row's elements times the number of rows, in its own dtype."""
    total = step.other("Mul", step.other("Cast", count, DstT=np.int32)[0], step.count)[0]
    return step.other("Cast", total, DstT=count.dtype)[0]
