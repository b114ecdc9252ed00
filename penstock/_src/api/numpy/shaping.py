"""NumPy's functions that reshape, join, split and index arrays."""

import builtins

import numpy as np

from penstock._src.api.array import creation, indexing, joining
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

from .promotion import number, promoted, static_axis, to_array
from .weakness import public


@public("reshape")
def reshape(a, newshape, order="C"):
    """The same entries in another shape."""
    a = to_array(a)
    if order == "F":
        target = list(np.atleast_1d(newshape))[::-1]
        return transpose(reshape(transpose(a), target))
    if order not in ("C", "A", "K"):
        raise ValueError(f"Unsupported order argument {order}. Only 'C' and 'F' are supported.")
    return raw.Reshape(tensor=a, shape=creation.shape_vector(np.atleast_1d(newshape).tolist()))


@public("ravel")
def ravel(a):
    """All entries as a vector."""
    return raw.Reshape(tensor=to_array(a), shape=[-1])


@public("flatten")
def flatten(a, order="C"):
    """All entries as a vector."""
    return reshape(a, [-1], order)


@public("expand_dims")
def expand_dims(a, axis):
    """Returns an array with a new axis of length 1.

    Args:
      a: an array or what converts to one.
      axis: where the new axis goes.

    Returns:
      A tensor.

    >>> tf.experimental.numpy.expand_dims([1, 2], 0).shape
    TensorShape([1, 2])
    """
    return raw.ExpandDims(input=to_array(a), axis=axis)


@public("squeeze")
def squeeze(a, axis=None):
    """Without axes of length 1."""
    axes = [] if axis is None else [int(x) for x in np.atleast_1d(axis)]
    return raw.Squeeze(input=to_array(a), axis=axes)


@public("transpose")
def transpose(a, axes=None):
    """The axes in another order."""
    a = to_array(a)
    perm = np.arange(a.shape.rank)[::-1] if axes is None else np.asarray(axes)
    return raw.Transpose(x=a, perm=perm.astype(np.int32))


@public("swapaxes")
def swapaxes(a, axis1, axis2):
    """Two axes exchanged."""
    a = to_array(a)
    perm = list(builtins.range(a.shape.rank))
    first, second = static_axis(axis1, len(perm)), static_axis(axis2, len(perm))
    perm[first], perm[second] = perm[second], perm[first]
    return transpose(a, perm)


@public("moveaxis")
def moveaxis(a, source, destination):
    """Axes moved to other positions."""
    a = to_array(a)
    rank = a.shape.rank
    sources = [static_axis(int(x), rank) for x in np.atleast_1d(source)]
    targets = [static_axis(int(x), rank) for x in np.atleast_1d(destination)]
    order = [x for x in builtins.range(rank) if x not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return transpose(a, order)


@public("broadcast_to")
def broadcast_to(array, shape):
    """Broadcast to a shape."""
    return raw.BroadcastTo(
        input=to_array(array), shape=creation.shape_vector(np.atleast_1d(shape).tolist())
    )


@public("broadcast_arrays")
def broadcast_arrays(*args, **kwargs):
    """All arrays broadcast to their common shape."""
    kwargs.pop("subok", False)
    tensors = [to_array(a) for a in args]
    shape = np.broadcast_shapes(*[tuple(t.shape.as_list()) for t in tensors])
    return [raw.BroadcastTo(input=t, shape=np.array(shape, np.int32)) for t in tensors]


def _atleast(count, expand):
    def run(*arys):
        results = []
        for a in arys:
            a = to_array(a)
            while a.shape.rank < count:
                a = expand(a)
            results.append(a)
        return results[0] if len(results) == 1 else results

    return run


@public("atleast_1d")
def atleast_1d(*arys):
    """With at least one dimension."""
    return _atleast(1, lambda a: raw.ExpandDims(input=a, axis=0))(*arys)


@public("atleast_2d")
def atleast_2d(*arys):
    """With at least two dimensions."""
    return _atleast(2, lambda a: raw.ExpandDims(input=a, axis=0))(*arys)


@public("atleast_3d")
def atleast_3d(*arys):
    """With at least three dimensions."""

    def expand(a):
        return raw.ExpandDims(input=a, axis=-1 if a.shape.rank != 1 else 0)

    return _atleast(3, expand)(*arys)


@public("concatenate")
def concatenate(arys, axis=0):
    """Joined along an axis."""
    if not isinstance(arys, (list, tuple)):
        arys = [arys]
    if len(arys) == 1:
        return to_array(arys[0])
    return joining.concat(promoted(*arys), axis)


@public("stack")
def stack(arrays, axis=0):
    """Stacked along a new axis."""
    if hasattr(arrays, "shape"):
        arrays = joining.unstack(to_array(arrays))
    if not arrays:
        return to_array([], dtypes.float32)
    return raw.Pack(values=promoted(*arrays), axis=axis)


def _promoted_arrays(arrays):
    """Converts each to a tensor first, so that lists keep their dtypes, then promotes all to one dtype."""
    return promoted(*(to_array(a) for a in arrays))


@public("hstack")
def hstack(tup):
    """Stacked horizontally."""
    arrays = [atleast_1d(a) for a in _promoted_arrays(tup)]
    return joining.concat(arrays, 0 if arrays[0].shape.rank == 1 else 1)


@public("vstack")
def vstack(tup):
    """Stacked vertically."""
    return joining.concat([atleast_2d(a) for a in _promoted_arrays(tup)], 0)


@public("dstack")
def dstack(tup):
    """Stacked along the third axis."""
    return joining.concat([atleast_3d(a) for a in _promoted_arrays(tup)], 2)


@public("append")
def append(arr, values, axis=None):
    """`values` joined to the end of `arr`."""
    arr, values = _promoted_arrays([arr, values])
    if axis is None:
        return joining.concat([ravel(arr), ravel(values)], 0)
    return joining.concat([arr, values], axis)


@public("split")
def split(ary, indices_or_sections, axis=0):
    """Split into equal parts, or at given indices."""
    ary = to_array(ary)
    if isinstance(indices_or_sections, (int, np.integer)):
        return joining.split(ary, int(indices_or_sections), axis)
    extent = ary.shape[axis]
    bounds = [0, *[min(int(i), extent) for i in np.asarray(indices_or_sections)], extent]
    sizes = [max(0, b - a) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    return joining.split(ary, sizes, axis)


@public("hsplit")
def hsplit(ary, indices_or_sections):
    """Split horizontally."""
    ary = to_array(ary)
    return split(ary, indices_or_sections, 0 if ary.shape.rank == 1 else 1)


@public("vsplit")
def vsplit(ary, indices_or_sections):
    """Split vertically."""
    return split(ary, indices_or_sections, 0)


@public("dsplit")
def dsplit(ary, indices_or_sections):
    """Split along the third axis."""
    return split(ary, indices_or_sections, 2)


@public("tile")
def tile(a, reps):
    """The whole array repeated."""
    a = to_array(a)
    counts = [int(r) for r in np.atleast_1d(reps)]
    while a.shape.rank < len(counts):
        a = raw.ExpandDims(input=a, axis=0)
    counts = [1] * (a.shape.rank - len(counts)) + counts
    return raw.Tile(input=a, multiples=np.array(counts, np.int32))


@public("repeat")
def repeat(a, repeats, axis=None):
    """Each entry repeated."""
    return joining.repeat(to_array(a), repeats, axis)


@public("roll")
def roll(a, shift, axis=None):
    """Shifted cyclically."""
    a = to_array(a)
    if axis is not None:
        return joining.roll(a, shift, axis)
    return raw.Reshape(tensor=joining.roll(ravel(a), shift, 0), shape=raw.Shape(input=a))


@public("flip")
def flip(m, axis=None):
    """Reversed along axes."""
    m = to_array(m)
    if m.shape.rank == 0:
        return m
    if axis is None:
        axes = raw.Range(start=0, limit=raw.Rank(input=m), delta=1)
    else:
        axes = np.atleast_1d(axis).astype(np.int32)
    return raw.ReverseV2(tensor=m, axis=axes)


@public("flipud")
def flipud(m):
    """Reversed along the first axis."""
    return flip(m, 0)


@public("fliplr")
def fliplr(m):
    """Reversed along the second axis."""
    return flip(m, 1)


@public("rot90")
def rot90(m, k=1, axes=(0, 1)):
    """Rotated by 90 degrees."""
    m = to_array(m)
    k = k % 4
    if k == 0:
        return m
    first, second = (static_axis(a, m.shape.rank) for a in axes)
    if k == 2:
        return flip(flip(m, first), second)
    turned = swapaxes(m, first, second)
    return flip(turned, first) if k == 1 else swapaxes(flip(m, first), first, second)


@public("pad")
def pad(array, pad_width, mode, **kwargs):
    """With entries added at the borders: "constant", "reflect" or "symmetric"."""
    value = kwargs.get("constant_values", 0)
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f"Unsupported padding mode: {mode}")
    array = to_array(array)
    widths = np.asarray(pad_width)
    widths = np.broadcast_to(widths, (array.shape.rank, 2)).astype(np.int32)
    return joining.pad(array, widths, mode.upper(), constant_values=number(value, array))


@public("take")
def take(a, indices, axis=None, out=None, mode="clip"):
    """The entries at indices, which are clipped or wrapped."""
    if out is not None:
        raise ValueError("take: `out` is not supported.")
    if mode not in ("raise", "clip", "wrap"):
        raise ValueError(f"Invalid mode '{mode}' for take")
    a = to_array(a)
    indices = cast(to_array(indices), dtypes.int64)
    if axis is None:
        a, axis = ravel(a), 0
    extent = np.int64(a.shape[axis])
    if mode == "wrap":
        indices = raw.FloorMod(x=indices, y=extent)
    else:
        indices = raw.Minimum(x=raw.Maximum(x=indices, y=np.int64(0)), y=extent - np.int64(1))
    return raw.GatherV2(params=a, indices=indices, axis=axis)


@public("take_along_axis")
def take_along_axis(arr, indices, axis):
    """The entries at indices of each row along an axis."""
    arr, indices = to_array(arr), cast(to_array(indices), dtypes.int64)
    if axis is None:
        return take_along_axis(ravel(arr), ravel(indices), 0)
    rank = arr.shape.rank
    axis = static_axis(axis, rank)
    extent = np.int64(arr.shape[axis])
    indices = raw.SelectV2(condition=indices < np.int64(0), t=indices + extent, e=indices)
    moved, places = moveaxis(arr, axis, -1), moveaxis(indices, axis, -1)
    lead = np.broadcast_shapes(
        tuple(moved.shape.as_list()[:-1]), tuple(places.shape.as_list()[:-1])
    )
    moved = raw.BroadcastTo(input=moved, shape=np.array([*lead, moved.shape[-1]], np.int32))
    places = raw.BroadcastTo(input=places, shape=np.array([*lead, places.shape[-1]], np.int32))
    picked = raw.GatherV2(params=moved, indices=places, axis=rank - 1, batch_dims=rank - 1)
    return moveaxis(picked, -1, axis)


@public("compress")
def compress(condition, a, axis=None):
    """The slices along an axis where a condition holds."""
    condition = cast(to_array(condition), dtypes.bool_)
    a = to_array(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = static_axis(axis, a.shape.rank)
    count = condition.shape[0]
    part = raw.Slice(
        input=a,
        begin=np.zeros(a.shape.rank, np.int32),
        size=np.array([count if i == axis else -1 for i in builtins.range(a.shape.rank)], np.int32),
    )
    return indexing.boolean_mask(part, condition, axis=axis)


@public("nonzero")
def nonzero(a):
    """The indices of non-zero entries."""
    a = to_array(a)
    if a.shape.rank == 0:
        a = raw.Reshape(tensor=a, shape=[1])
    places = raw.Where(condition=cast(a, dtypes.bool_))
    return [places[:, i] for i in builtins.range(a.shape.rank)]


@public("ix_")
def ix_(*args):
    """Vectors shaped so that together they index a grid."""
    results = []
    for i, a in enumerate(args):
        a = to_array(a)
        if a.dtype.is_bool:
            a = nonzero(a)[0]
        elif a.shape[0] == 0:
            a = cast(a, dtypes.int64)
        results.append(
            raw.Reshape(tensor=a, shape=[-1 if j == i else 1 for j in builtins.range(len(args))])
        )
    return results


@public("shape")
def shape(a):
    """The extents."""
    return to_array(a).shape


@public("ndim")
def ndim(a):
    """The number of dimensions."""
    return to_array(a).shape.rank


@public("size")
def size(x, axis=None):
    """The number of entries."""
    if axis is not None:
        raise NotImplementedError("size: axis is not supported.")
    x, is_number = to_array(x), isinstance(x, (int, float, complex, np.generic))
    count = x.shape.num_elements()
    if count is None:
        return raw.Size(input=x)
    return count if is_number else np.int64(count)
