"""NumPy's functions that reshape, join, split and index arrays."""

import builtins
import functools

import numpy as np

from penstock._src.api.array import axes as axes_of
from penstock._src.api.array import indexing, joining
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.ops.rules import ints, joined, shape_of
from penstock._src.util import nest

from .promotion import RULES, extents, number, promoted, result_type, static_axis, to_array
from .weakness import public


@public("reshape")
def reshape(a, newshape, order="C"):
    """The same entries in another shape.

    Args:
      a: an array or what converts to one.
      newshape: an int or a sequence of them. One may be -1: the extent that the others leave.
      order: "C" (also "A", "K"): the last axis varies fastest; "F": the first.

    Returns:
      A tensor.

    Raises:
      ValueError: another `order`.
    """
    a = to_array(a)
    if order == "F":
        return transpose(raw.Reshape(tensor=transpose(a), shape=extents(newshape)[::-1]))
    if order not in ("C", "A", "K"):
        raise ValueError(f"Unsupported order argument {order}. Only 'C' and 'F' are supported.")
    return raw.Reshape(tensor=a, shape=extents(newshape))


@public("ravel")
def ravel(a):
    """All entries as a vector.

    Args:
      a: an array or what converts to one.

    Returns:
      A tensor of rank 1.
    """
    return raw.Reshape(tensor=to_array(a), shape=[-1])


@public("flatten")
def flatten(a, order="C"):
    """All entries as a vector.

    Args:
      a: an array or what converts to one.
      order: "C" or "F", as `reshape`'s.

    Returns:
      A tensor of rank 1.
    """
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
    """The array without axes of length 1.

    Args:
      a: an array or what converts to one.
      axis: an axis or several of them; None for all of length 1.

    Returns:
      A tensor.
    """
    axes = [] if axis is None else [int(x) for x in np.atleast_1d(axis)]
    return raw.Squeeze(input=to_array(a), axis=axes)


@public("transpose")
def transpose(a, axes=None):
    """The array with its axes in another order.

    Args:
      a: an array or what converts to one.
      axes: for each axis of the result that of `a`; None: in reverse.

    Returns:
      A tensor.
    """
    a = to_array(a)
    if axes is not None:
        perm = np.asarray(axes, np.int32)
    elif a.shape.rank is None:
        perm = raw.Range(start=raw.Rank(input=a) - 1, limit=np.int32(-1), delta=np.int32(-1))
    else:
        perm = np.arange(a.shape.rank, dtype=np.int32)[::-1]
    return raw.Transpose(x=a, perm=perm)


@public("swapaxes")
def swapaxes(a, axis1, axis2):
    """The array with two axes exchanged.

    Args:
      a: an array or what converts to one.
      axis1, axis2: the axes.

    Returns:
      A tensor.
    """
    a = to_array(a)
    if a.shape.rank is not None:
        axis1, axis2 = (static_axis(axis, a.shape.rank) for axis in (axis1, axis2))
    return raw.Transpose(x=a, perm=axes_of.exchanged_axes(a, axis1, axis2))


@public("moveaxis")
def moveaxis(a, source, destination):
    """The array with some axes at other positions; the others keep their order.

    Args:
      a: an array or what converts to one.
      source: an axis or several of them.
      destination: their positions in the result.

    Returns:
      A tensor.
    """
    a = to_array(a)
    sources, targets = (
        [int(x) for x in np.atleast_1d(position)] for position in (source, destination)
    )
    if a.shape.rank is not None:
        sources, targets = (
            [static_axis(x, a.shape.rank) for x in position] for position in (sources, targets)
        )
    return raw.Transpose(x=a, perm=axes_of.moved_axes(a, sources, targets))


@public("broadcast_to")
def broadcast_to(array, shape):
    """The array broadcast to a shape.

    Args:
      array: an array or what converts to one.
      shape: an int or a sequence of them.

    Returns:
      A tensor.
    """
    return raw.BroadcastTo(input=to_array(array), shape=extents(shape))


@public("broadcast_arrays")
def broadcast_arrays(*args, **kwargs):
    """All arrays broadcast to their common shape.

    Args:
      *args: arrays.
      **kwargs: `subok`, which has no effect.

    Returns:
      A list of tensors.
    """
    kwargs.pop("subok", False)
    tensors = [to_array(a) for a in args]
    shape = functools.reduce(_broadcast, map(shape_of, tensors))
    return [raw.BroadcastTo(input=t, shape=shape) for t in tensors]


def _repeated_one(count):
    """A vector of ones."""
    return raw.Fill(dims=raw.ExpandDims(input=count, axis=0), value=np.int32(1))


def _with_least_rank(a, count, before):
    """The array of a rank that is not known, with new axes until there are `count`.

    Args:
      a: the array.
      count: the least rank.
      before: the least rank that new axes at the front make; others come last.
    """
    missing = raw.Maximum(x=count - raw.Rank(input=a), y=np.int32(0))
    front = raw.Minimum(x=missing, y=raw.Maximum(x=before - raw.Rank(input=a), y=np.int32(0)))
    ones = [_repeated_one(n) for n in (front, missing - front)]
    sizes = raw.ConcatV2(values=[ones[0], raw.Shape(input=a), ones[1]], axis=0)
    return raw.Reshape(tensor=a, shape=sizes)


def _atleast(count, expand):
    def run(*arys):
        results = []
        for a in arys:
            a = to_array(a)
            if a.shape.rank is None:
                # An array of three axes gets new axes on both sides of a vector, and after a matrix.
                results.append(_with_least_rank(a, count, count if count < 3 else 2))
                continue
            while a.shape.rank < count:
                a = expand(a)
            results.append(a)
        return results[0] if len(results) == 1 else results

    return run


@public("atleast_1d")
def atleast_1d(*arys):
    """Arrays with at least one dimension.

    Args:
      *arys: arrays.

    Returns:
      A tensor, or a list of them for several arrays.
    """
    return _atleast(1, lambda a: raw.ExpandDims(input=a, axis=0))(*arys)


@public("atleast_2d")
def atleast_2d(*arys):
    """Arrays with at least two dimensions; new ones come first.

    Args:
      *arys: arrays.

    Returns:
      A tensor, or a list of them for several arrays.
    """
    return _atleast(2, lambda a: raw.ExpandDims(input=a, axis=0))(*arys)


@public("atleast_3d")
def atleast_3d(*arys):
    """Arrays with at least three dimensions; a vector becomes `[1, n, 1]`, a matrix `[m, n, 1]`.

    Args:
      *arys: arrays.

    Returns:
      A tensor, or a list of them for several arrays.
    """

    def expand(a):
        return raw.ExpandDims(input=a, axis=-1 if a.shape.rank != 1 else 0)

    return _atleast(3, expand)(*arys)


@public("concatenate")
def concatenate(arys, axis=0):
    """Arrays joined along an axis.

    Args:
      arys: a sequence of arrays, equal in the lengths of all other axes.
      axis: an int.

    Returns:
      A tensor of the promoted dtype.
    """
    if not isinstance(arys, (list, tuple)):
        arys = [arys]
    if len(arys) == 1:
        return to_array(arys[0])
    return joining.concat(promoted(*arys), axis)


@public("stack")
def stack(arrays, axis=0):
    """Arrays of one shape, stacked along a new axis.

    Args:
      arrays: a sequence of arrays, or one whose rows are taken.
      axis: the position of the new axis.

    Returns:
      A tensor of the promoted dtype.
    """
    if hasattr(arrays, "shape"):
        arrays = joining.unstack(to_array(arrays))
    if not arrays:
        return to_array([], dtypes.float32)
    return raw.Pack(values=promoted(*arrays), axis=axis)


def _promoted_arrays(arrays):
    """Arrays of one dtype; lists have dtypes of their own, but are weak in the lattice."""
    kinds = (to_array(a) for a in arrays) if RULES.mode == "legacy" else arrays
    kind = result_type(*kinds)
    return [to_array(a, kind) for a in arrays]


@public("hstack")
def hstack(tup):
    """Arrays joined along the second axis, vectors along the first.

    Args:
      tup: a sequence of arrays.

    Returns:
      A tensor of the promoted dtype.
    """
    arrays = [atleast_1d(a) for a in _promoted_arrays(tup)]
    return joining.concat(arrays, 0 if arrays[0].shape.rank == 1 else 1)


@public("vstack")
def vstack(tup):
    """Arrays joined along the first axis, vectors as rows.

    Args:
      tup: a sequence of arrays.

    Returns:
      A tensor of the promoted dtype.
    """
    return joining.concat([atleast_2d(a) for a in _promoted_arrays(tup)], 0)


@public("dstack")
def dstack(tup):
    """Arrays joined along the third axis, after `atleast_3d`.

    Args:
      tup: a sequence of arrays.

    Returns:
      A tensor of the promoted dtype.
    """
    return joining.concat([atleast_3d(a) for a in _promoted_arrays(tup)], 2)


@public("append")
def append(arr, values, axis=None):
    """`values` joined to the end of `arr`.

    Args:
      arr, values: arrays.
      axis: along which they are joined; None: both are flattened first.

    Returns:
      A tensor of the promoted dtype.
    """
    arr, values = _promoted_arrays([arr, values])
    if axis is None:
        return joining.concat([ravel(arr), ravel(values)], 0)
    return joining.concat([arr, values], axis)


@public("split")
def split(ary, indices_or_sections, axis=0):
    """The array split into equal parts, or at given indices.

    Args:
      ary: an array or what converts to one.
      indices_or_sections: the number of parts, which divides the length, or the ascending indices
        at which parts begin.
      axis: an int.

    Returns:
      A list of tensors.
    """
    ary = to_array(ary)
    if isinstance(indices_or_sections, (int, np.integer)):
        return joining.split(ary, int(indices_or_sections), axis)
    extent = ary.shape[axis]
    bounds = [0, *[min(int(i), extent) for i in np.asarray(indices_or_sections)], extent]
    sizes = [max(0, b - a) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    return joining.split(ary, sizes, axis)


@public("hsplit")
def hsplit(ary, indices_or_sections):
    """The array split along the second axis, a vector along its only one.

    Args:
      ary: an array or what converts to one.
      indices_or_sections: as `split`'s.

    Returns:
      A list of tensors.
    """
    ary = to_array(ary)
    return split(ary, indices_or_sections, 0 if ary.shape.rank == 1 else 1)


@public("vsplit")
def vsplit(ary, indices_or_sections):
    """The array split along the first axis.

    Args:
      ary: an array or what converts to one.
      indices_or_sections: as `split`'s.

    Returns:
      A list of tensors.
    """
    return split(ary, indices_or_sections, 0)


@public("dsplit")
def dsplit(ary, indices_or_sections):
    """The array split along the third axis.

    Args:
      ary: an array or what converts to one.
      indices_or_sections: as `split`'s.

    Returns:
      A list of tensors.
    """
    return split(ary, indices_or_sections, 2)


@public("tile")
def tile(a, reps):
    """The whole array repeated along each axis.

    Args:
      a: an array or what converts to one.
      reps: an int or a sequence of them; they count for the last axes.

    Returns:
      A tensor of the same dtype.
    """
    a = to_array(a)
    counts = extents(reps)
    number_of_counts = counts.shape[0]
    if a.shape.rank is None or number_of_counts is None:
        length = raw.Size(input=counts) if number_of_counts is None else number_of_counts
        a = _with_least_rank(a, length, before=length)
        ones = cast(_repeated_one(raw.Rank(input=a) - length), counts.dtype)
        return raw.Tile(input=a, multiples=raw.ConcatV2(values=[ones, counts], axis=0))
    while a.shape.rank < number_of_counts:
        a = raw.ExpandDims(input=a, axis=0)
    ones = np.ones(a.shape.rank - number_of_counts, dtypes.as_dtype(counts.dtype).as_numpy_dtype)
    multiples = raw.ConcatV2(values=[ones, counts], axis=0) if len(ones) else counts
    return raw.Tile(input=a, multiples=multiples)


@public("repeat")
def repeat(a, repeats, axis=None):
    """The array with each entry repeated.

    Args:
      a: an array or what converts to one.
      repeats: how often, an int or one for each entry along the axis.
      axis: an int; None: the array is flattened first.

    Returns:
      A tensor of the same dtype.
    """
    return joining.repeat(to_array(a), repeats, axis)


@public("roll")
def roll(a, shift, axis=None):
    """The array shifted cyclically.

    Args:
      a: an array or what converts to one.
      shift: an int, or one for each axis.
      axis: an axis or several of them; None: as if it were flat.

    Returns:
      A tensor of the same shape and dtype.
    """
    a = to_array(a)
    if axis is not None:
        return joining.roll(a, shift, axis)
    return raw.Reshape(tensor=joining.roll(ravel(a), shift, 0), shape=raw.Shape(input=a))


@public("flip")
def flip(m, axis=None):
    """The array reversed along axes.

    Args:
      m: an array or what converts to one.
      axis: an axis or several of them; None for all.

    Returns:
      A tensor of the same shape and dtype.
    """
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
    """The array reversed along the first axis.

    Args:
      m: an array or what converts to one.

    Returns:
      A tensor of the same shape and dtype.
    """
    return flip(m, 0)


@public("fliplr")
def fliplr(m):
    """The array reversed along the second axis.

    Args:
      m: an array of rank 2 or more.

    Returns:
      A tensor of the same shape and dtype.
    """
    return flip(m, 1)


@public("rot90")
def rot90(m, k=1, axes=(0, 1)):
    """The array rotated by multiples of 90 degrees.

    Args:
      m: an array of rank 2 or more.
      k: how often, from the first of the axes towards the second.
      axes: the plane of the rotation.

    Returns:
      A tensor of the same dtype.
    """
    m = to_array(m)
    k = k % 4
    if k == 0:
        return m
    if m.shape.rank is not None:
        axes = [static_axis(a, m.shape.rank) for a in axes]
    first, second = axes
    if k == 2:
        return flip(flip(m, first), second)
    turned = swapaxes(m, first, second)
    return flip(turned, first) if k == 1 else swapaxes(flip(m, first), first, second)


@public("pad")
def pad(array, pad_width, mode, **kwargs):
    """The array with entries added at its borders.

    Args:
      array: an array or what converts to one.
      pad_width: how many entries before and after each axis: pairs, or a pair or an int for all
        axes.
      mode: "constant", "reflect" (the outermost entry is not repeated) or "symmetric" (it is).
      **kwargs: `constant_values`, a number, 0 by default.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: another `mode`.
    """
    value = kwargs.get("constant_values", 0)
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f"Unsupported padding mode: {mode}")
    array = to_array(array)
    if any(isinstance(n, Tensor) for n in nest.flatten(pad_width)):
        widths = convert_to_tensor(pad_width, dtype_hint=dtypes.int32)
        if array.shape.rank is not None:
            widths = raw.BroadcastTo(input=widths, shape=[array.shape.rank, 2])
        return joining.pad(array, widths, mode.upper(), constant_values=number(value, array))
    widths = np.asarray(pad_width, np.int32)
    if array.shape.rank is not None:
        widths = np.broadcast_to(widths, (array.shape.rank, 2))
    elif widths.ndim < 2 or len(widths) == 1:
        rows = raw.Pack(values=[raw.Rank(input=array), np.int32(2)], axis=0)
        widths = raw.BroadcastTo(input=widths, shape=rows)
    return joining.pad(array, widths, mode.upper(), constant_values=number(value, array))


@public("take")
def take(a, indices, axis=None, out=None, mode="clip"):
    """The entries at indices, which are clipped or wrapped.

    Args:
      a: an array or what converts to one.
      indices: integers of any shape.
      axis: an int; None: the array is flattened first.
      out: None.
      mode: what becomes of an index outside of the array: "clip" takes the nearest, "wrap" counts
        on from the other end.

    Returns:
      A tensor of the same dtype, with the shape of `indices` in place of the axis.

    Raises:
      ValueError: another `mode`, or `out` is given.
    """
    if out is not None:
        raise ValueError("take: `out` is not supported.")
    if mode == "raise":
        raise ValueError("take: mode 'raise' is not supported; 'clip' and 'wrap' are.")
    if mode not in ("clip", "wrap"):
        raise ValueError(f"Invalid mode '{mode}' for take")
    a = to_array(a)
    indices = cast(to_array(indices), dtypes.int64)
    if axis is None:
        a, axis = ravel(a), 0
    extent = axes_of.extent_of(a, axis)
    if mode == "wrap":
        indices = raw.FloorMod(x=indices, y=extent)
    else:
        indices = raw.Minimum(x=raw.Maximum(x=indices, y=np.int64(0)), y=extent - np.int64(1))
    return raw.GatherV2(params=a, indices=indices, axis=axis)


@public("take_along_axis")
def take_along_axis(arr, indices, axis):
    """The entries at indices of each row along an axis.

    Args:
      arr: an array or what converts to one.
      indices: integers, of the rank of `arr`; the other axes broadcast.
      axis: an int; None: both are flattened first.

    Returns:
      A tensor of the dtype of `arr`.
    """
    arr, indices = to_array(arr), cast(to_array(indices), dtypes.int64)
    if axis is None:
        return take_along_axis(ravel(arr), ravel(indices), 0)
    if arr.shape.rank is not None:
        axis = static_axis(axis, arr.shape.rank)
    extent = axes_of.extent_of(arr, axis)
    indices = raw.SelectV2(condition=indices < np.int64(0), t=indices + extent, e=indices)
    moved, places = moveaxis(arr, axis, -1), moveaxis(indices, axis, -1)
    sizes, counts = shape_of(moved), shape_of(places)
    lead = _broadcast(sizes[:-1], counts[:-1])
    rows = raw.Reshape(
        tensor=raw.BroadcastTo(input=moved, shape=joined(lead, sizes[-1:])),
        shape=joined(ints([-1]), sizes[-1:]),
    )
    picks = raw.Reshape(
        tensor=raw.BroadcastTo(input=places, shape=joined(lead, counts[-1:])),
        shape=joined(ints([-1]), counts[-1:]),
    )
    picked = raw.GatherV2(params=rows, indices=picks, axis=1, batch_dims=1)
    return moveaxis(raw.Reshape(tensor=picked, shape=joined(lead, counts[-1:])), -1, axis)


def _broadcast(first, second):
    """The shape to which two shapes, arrays or tensors, broadcast."""
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return ints(np.broadcast_shapes(tuple(first), tuple(second)))
    return raw.BroadcastArgs(s0=first, s1=second)


@public("compress")
def compress(condition, a, axis=None):
    """The slices along an axis where a condition holds.

    Args:
      condition: a vector of bools, of at most the axis' length.
      a: an array or what converts to one.
      axis: an int; None: the array is flattened first.

    Returns:
      A tensor of the dtype of `a`.
    """
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
    """The indices of non-zero entries.

    Args:
      a: an array or what converts to one.

    Returns:
      A list of int64 vectors, one for each axis.
    """
    a = to_array(a)
    if a.shape.rank == 0:
        a = raw.Reshape(tensor=a, shape=[1])
    places = raw.Where(condition=cast(a, dtypes.bool_))
    return [places[:, i] for i in builtins.range(a.shape.rank)]


@public("ix_")
def ix_(*args):
    """Vectors shaped so that together they index a grid.

    Args:
      *args: vectors of indices, or of bools, which mean where they are True.

    Returns:
      A list of tensors; the i-th has all lengths 1 but its i-th.
    """
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
    """The lengths of the axes.

    Args:
      a: an array or what converts to one.

    Returns:
      A TensorShape.
    """
    return to_array(a).shape


@public("ndim")
def ndim(a):
    """The number of dimensions.

    Args:
      a: an array or what converts to one.

    Returns:
      An int.
    """
    return to_array(a).shape.rank


@public("size")
def size(x, axis=None):
    """The number of entries.

    Args:
      x: an array or what converts to one.
      axis: None.

    Returns:
      A NumPy int64 (an int for a number); a scalar tensor if the shape is not known.

    Raises:
      NotImplementedError: `axis` is given.
    """
    if axis is not None:
        raise NotImplementedError("size: axis is not supported.")
    x, is_number = to_array(x), isinstance(x, (int, float, complex, np.generic))
    count = x.shape.num_elements()
    if count is None:
        return raw.Size(input=x)
    return count if is_number else np.int64(count)
