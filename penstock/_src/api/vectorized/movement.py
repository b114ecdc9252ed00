"""Rules of operations that move, choose and repeat elements."""

import numpy as np

from penstock._src.api.vectorized.rules import NotVectorizable, Value, rule
from penstock._src.api.vectorized.step import Step
from penstock._src.core.registry import raw


@rule("Reshape")
def reshape(step: Step) -> list:
    """Gives each row the shape."""
    return step.run(step.whole(0), step.prefixed(step.common(1)))


@rule("BroadcastTo")
def broadcast_to(step: Step) -> list:
    """Repeats what each row has."""
    shape = step.common(1)
    rank = shape.shape[0]
    if rank is None:
        raise NotVectorizable("the rank of the shape is unknown")
    return step.run(step.whole(0, rank), step.prefixed(shape))


@rule("Fill")
def fill(step: Step) -> list:
    """Repeats the number of each row."""
    dims = step.common(0)
    rank = dims.shape[0]
    if rank is None:
        raise NotVectorizable("the rank of the shape is unknown")
    return step.other("BroadcastTo", step.whole(1, rank), step.prefixed(dims))


@rule("Tile")
def tile(step: Step) -> list:
    """Repeats each row."""
    return step.run(step.whole(0), step.prefixed(step.common(1), 1))


@rule("Pad PadV2 MirrorPad")
def pad(step: Step) -> list:
    """Pads each row."""
    paddings = step.static(1)
    paddings = np.concatenate([np.zeros((1, 2), paddings.dtype), paddings])
    rest = [step.common(i) for i in range(2, len(step.values))]
    return step.run(step.whole(0), paddings, *rest)


@rule("Transpose ConjugateTranspose")
def transpose(step: Step) -> list:
    """Turns each row."""
    order = step.static(1)
    order = np.where(order < 0, order + len(order), order) + 1
    return step.run(step.whole(0), np.concatenate([[0], order]).astype(np.int32))


@rule("Slice")
def cut(step: Step) -> list:
    """Cuts a part out of each row; where it begins may differ."""
    if not step.is_stacked(1):
        size = step.prefixed(step.common(2), -1)
        return step.run(step.whole(0), step.prefixed(step.common(1), 0), size)
    sizes = step.static(2)
    rank = step.rank(0)
    if rank != 1 or sizes[0] < 0:
        raise NotVectorizable("parts of several axes begin differently")
    begin = step.values[1].tensor
    places = raw.AddV2(x=begin, y=np.arange(sizes[0], dtype=begin.dtype.as_numpy_dtype)[None])
    return gathered(step, step.whole(0), places, 1, 1)


@rule("StridedSlice")
def strided_slice(step: Step) -> list:
    """Cuts a part out of each row."""
    begin, end = step.prefixed(step.common(1), 0), step.prefixed(step.common(2), 0)
    strides = step.prefixed(step.common(3), 1)
    masks = {name: step.op.attrs[name] << 1 for name in _MASKS}
    masks["begin_mask"] |= 1
    masks["end_mask"] |= 1
    return step.run(step.whole(0), begin, end, strides, **masks)


_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


@rule("StridedSliceGrad")
def strided_slice_gradient(step: Step) -> list:
    """Puts a part back into rows of zeros."""
    begin, end = step.prefixed(step.common(1), 0), step.prefixed(step.common(2), 0)
    strides = step.prefixed(step.common(3), 1)
    masks = {name: step.op.attrs[name] << 1 for name in _MASKS}
    masks["begin_mask"] |= 1
    masks["end_mask"] |= 1
    return step.run(step.prefixed(step.common(0)), begin, end, strides, step.whole(4), **masks)


@rule("Squeeze")
def squeeze(step: Step) -> list:
    """Leaves axes of extent 1 out of each row."""
    axes = list(step.op.squeeze_dims)
    if not axes:
        shape = step.node._inputs[0].shape
        if not shape.is_fully_defined():
            raise NotVectorizable("which axes go is unknown")
        axes = [i for i, n in enumerate(shape) if n == 1]
    if not axes:
        return [step.whole(0)]
    return step.run(step.whole(0), squeeze_dims=[int(a) for a in step.axis(axes)])


@rule("ConcatV2")
def concat(step: Step) -> list:
    """Joins rows, each with its own."""
    last = len(step.values) - 1
    return step.run([step.whole(i) for i in range(last)], step.axis(step.static(last)))


@rule("Pack")
def pack(step: Step) -> list:
    """Stacks rows, each with its own."""
    values = [step.whole(i) for i in range(len(step.values))]
    return step.run(values, axis=int(step.axis(step.op.axis)))


@rule("Unpack")
def unpack(step: Step) -> list:
    """Takes each row apart."""
    return step.run(step.whole(0), axis=int(step.axis(step.op.axis)))


@rule("Split")
def split(step: Step) -> list:
    """Cuts each row into equal parts."""
    return step.run(step.axis(step.static(0)), step.whole(1))


@rule("SplitV")
def split_v(step: Step) -> list:
    """Cuts each row into parts of given sizes."""
    return step.run(step.whole(0), step.common(1), step.axis(step.static(2)))


@rule("OneHot")
def one_hot(step: Step) -> list:
    """Makes the places of each row vectors."""
    rest = [step.common(i) for i in (1, 2, 3)]
    return step.run(step.whole(0), *rest, axis=int(step.axis(step.op.axis)))


@rule("Gather GatherV2 ResourceGather")
def gather(step: Step) -> list:
    """Takes rows' own places out of rows' own, or common, tensors."""
    axis, batch = 0, 0
    if step.node.type == "GatherV2":
        axis, batch = int(step.static(2)), step.op.batch_dims
    if step.node.type == "ResourceGather":
        return step.run(step.common(0), step.whole(1))
    axis += step.rank(0) if axis < 0 else 0
    batch += step.rank(1) if batch < 0 else 0
    if step.is_stacked(0) and not step.is_stacked(1) and not batch:
        return gathered(step, step.values[0].tensor, step.common(1), axis + 1, 0)
    if step.is_stacked(0) or batch:
        return gathered(step, step.whole(0), step.whole(1), axis + 1, batch + 1)
    found = gathered(step, step.common(0), step.values[1].tensor, axis, 0)[0]
    order = np.arange(step.rank(0) + step.rank(1))
    order = np.concatenate([[axis], np.delete(order, axis)]).astype(np.int32)
    return [raw.Transpose(x=found, perm=order) if axis else found]


def gathered(step: Step, params: object, places: object, axis: int, batch: int) -> list:
    """Takes slices along an axis."""
    return step.other("GatherV2", params, places, np.int32(axis), batch_dims=batch)


def numbered(step: Step, places: object) -> object:
    """Returns stacked index vectors with the number of the row in front of each."""
    shape = raw.Shape(input=places)
    rows = raw.Range(start=0, limit=step.count, delta=1)
    rows = raw.Cast(x=rows, DstT=places.dtype)  # type: ignore[attr-defined]
    for _ in range(places.shape.rank - 1):  # type: ignore[attr-defined]
        rows = raw.ExpandDims(input=rows, axis=-1)
    wide = raw.ConcatV2(values=[raw.Slice(input=shape, begin=[0], size=[places.shape.rank - 1]), [1]], axis=0)  # type: ignore[attr-defined]  # fmt: skip
    return raw.ConcatV2(values=[raw.BroadcastTo(input=rows, shape=wide), places], axis=-1)


@rule("GatherNd")
def gather_nd(step: Step) -> list:
    """Takes rows' own places out of rows' own, or common, tensors."""
    step.rank(1)
    if not step.is_stacked(0):
        return step.run(step.common(0), step.whole(1))
    return step.run(step.whole(0), numbered(step, step.whole(1)))


@rule("ScatterNd")
def scatter_nd(step: Step) -> list:
    """Puts rows' own updates to rows' own places."""
    step.rank(0)
    places = numbered(step, step.whole(0))
    return step.run(places, step.whole(1), step.prefixed(step.common(2)))


@rule("""
    TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMax TensorScatterMin
    TensorScatterNonAliasingAdd ScatterNdNonAliasingAdd
""")
def tensor_scatter(step: Step) -> list:
    """Changes rows' own places."""
    step.rank(1)
    return step.run(step.whole(0), numbered(step, step.whole(1)), step.whole(2))


@rule("BroadcastGradientArgs BroadcastArgs")
def of_shapes(step: Step) -> list:
    """Shapes are the same for all rows."""
    return [Value(t, False) for t in step.run(step.common(0), step.common(1))]
