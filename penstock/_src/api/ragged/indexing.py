"""Rows and columns of ragged tensors: slicing, gathering, masks."""

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from .ragged_tensor import RaggedTensor, ragged_of_value
from .row_checks import common_splits_dtype, depending, require, scalar
from .shapes.arguments import require_equal


def gather(params, indices, name=None):
    """The rows `indices` of a dense or ragged tensor."""
    if not isinstance(params, RaggedTensor):
        if isinstance(indices, RaggedTensor):
            return indices.with_values(gather(params, indices.values))
        return raw.GatherV2(params=params, indices=indices, axis=0, name=name)
    if isinstance(indices, RaggedTensor):
        return indices.with_values(gather(params, indices.values))
    kind = params.row_splits.dtype
    indices = convert_to_tensor(indices)
    if indices.shape.rank == 0:
        return row(params, indices)
    if indices.shape.rank > 1:
        shape = raw.Shape(input=indices, out_type=kind)
        flat = gather(params, raw.Reshape(tensor=indices, shape=[-1]))
        for axis in range(indices.shape.rank - 1, 0, -1):
            flat = RaggedTensor.from_uniform_row_length(flat, shape[axis])
        return flat
    starts = raw.GatherV2(params=params.row_starts(), indices=indices, axis=0)
    limits = raw.GatherV2(params=params.row_limits(), indices=indices, axis=0)
    return _ranges(params.values, starts, limits, kind)


def _check_bound(name, bound):
    """Raises TypeError unless a bound of a slice is None, an integer, or a tensor of such."""
    kind = getattr(bound, "dtype", None)
    is_number = isinstance(bound, (int, np.integer, Tensor))
    if bound is None or is_number and (kind is None or dtypes.as_dtype(kind).is_integer):
        return
    raise TypeError(f"slice {name} must be integers or None. Received {bound!r}.")


def _ranges(values, starts, limits, kind, steps=1):
    """Rows values[starts[i] : limits[i] : steps]."""
    steps = np.asarray(steps, kind.as_numpy_dtype) if isinstance(steps, int) else steps
    splits, places = raw.RaggedRange(starts=starts, limits=limits, deltas=steps, Tsplits=kind)
    return RaggedTensor.from_row_splits(gather(values, places), splits, validate=False)


def row(rt, index):
    """One row.

    Raises:
      IndexError: there is no such row; in a graph that is a ValueError, or an error when it runs.
      InvalidArgumentError: there is none so far from the end.
    """
    try:
        start, limit = rt.row_starts()[index], rt.row_limits()[index]
    except InvalidArgumentError:
        if index < 0:
            raise
        raise IndexError(f"Row key {index} out of bounds") from None
    return _slice_values(rt.values, start, limit)


def _slice_values(values, start, limit):
    if isinstance(values, RaggedTensor):
        return rows_between(values, start, limit)
    return values[start:limit]


def rows_between(rt, start, limit, step=None):
    """The rows rt[start:limit:step]."""
    starts, limits = rt.row_starts()[start:limit:step], rt.row_limits()[start:limit:step]
    selected = _ranges(rt.values, starts, limits, rt.row_splits.dtype)
    length = rt.uniform_row_length
    if length is None:
        return selected
    count = raw.Shape(input=starts, out_type=length.dtype)[0]
    return RaggedTensor.from_uniform_row_length(selected.values, length, count, validate=False)


@dispatchable("__operators__.ragged_getitem", v1=["__operators__.ragged_getitem"])
def get_item(rt_input, key):
    """`rt[key]`: like a dense tensor, but ragged dimensions can only be sliced.

    Args:
      rt_input: a RaggedTensor.
      key: an entry or a tuple of them: ints, slices, `...` and None; or a bool mask.

    Returns:
      A RaggedTensor, or a tensor if no ragged axis is left.

    Raises:
      TypeError: `rt_input` is not a RaggedTensor.
    """
    if not isinstance(rt_input, RaggedTensor):
        raise TypeError("Ragged __getitem__ expects a ragged_tensor.")
    if isinstance(key, (list, tuple)):
        keys = list(key)
    else:
        keys = [key]
    if isinstance(key, RaggedTensor) or (isinstance(key, Tensor) and key.dtype.is_bool):
        return boolean_mask(rt_input, key)
    return _item(rt_input, keys)


def _item(rt, keys):
    if not keys:
        return rt
    if not isinstance(rt, RaggedTensor):
        return rt[tuple(keys)]
    first, rest = keys[0], keys[1:]
    if first is Ellipsis:
        return _item(rt, _expand_ellipsis(first, rest, rt.shape.rank))
    if first is None:
        inner = _item(rt, rest)
        if isinstance(inner, RaggedTensor):
            return RaggedTensor.from_uniform_row_length(inner, inner.nrows(), nrows=1)
        return raw.ExpandDims(input=inner, axis=0)
    if isinstance(first, slice):
        rows = rt
        if first != slice(None):
            rows = rows_between(rt, first.start, first.stop, first.step)
        return _inner(rows, rest)
    return _item(row(rt, first), rest) if rest else row(rt, first)


def _expand_ellipsis(_, rest, rank):
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    used = sum(1 for k in rest if k is not None and k is not Ellipsis)
    if used > rank:
        raise IndexError("Too many indices for RaggedTensor")
    return [slice(None)] * max(0, rank - used) + rest


def _inner(rt, keys):
    """Applies the keys of the dimensions within rows."""
    if not keys:
        return rt
    first, rest = keys[0], keys[1:]
    if first is Ellipsis:
        return _inner(rt, _expand_ellipsis(first, rest, rt.shape.rank - 1))
    if first is None:
        return add_axis(_inner(rt, rest))
    if isinstance(first, slice):
        result = rt if first == slice(None) else _columns(rt, first)
        if not rest:
            return result
        values = result.values
        if isinstance(values, RaggedTensor):
            return result.with_values(_inner(values, rest))
        return result.with_values(values[(slice(None), *rest)])
    if rt.uniform_row_length is not None:
        length = rt.uniform_row_length
        offset = cast(convert_to_tensor(first), length.dtype)
        zero = scalar(0, length.dtype)
        offset = raw.SelectV2(condition=offset < zero, t=offset + length, e=offset)
        inside = raw.LogicalAnd(x=offset >= zero, y=offset < length)
        offset = depending(offset, require(inside, f"index {first} is out of bounds", length))
        picked = gather(rt.values, rt.row_starts() + offset)
        return (
            _inner(picked, rest)
            if isinstance(picked, RaggedTensor)
            else (picked[(slice(None), *rest)] if rest else picked)
        )
    raise ValueError("Cannot index into an inner ragged dimension.")


def tiled(rt, axis, count):
    """A ragged tensor repeated `count` times along an axis that is not within the flat values."""
    if axis > 1:
        return rt.with_values(tiled(rt.values, axis - 1, count))
    if axis == 0:
        size = rt.nrows()
        several = raw.Range(
            start=scalar(0, size.dtype), limit=size * count, delta=scalar(1, size.dtype)
        )
        return gather(rt, raw.FloorMod(x=several, y=raw.Maximum(x=size, y=scalar(1, size.dtype))))
    kind = rt.row_splits.dtype
    each = raw.Range(start=scalar(0, kind), limit=rt.nrows() * count, delta=scalar(1, kind))
    owners = raw.FloorDiv(x=each, y=raw.Maximum(x=count, y=scalar(1, kind)))
    starts = raw.GatherV2(params=rt.row_starts(), indices=owners, axis=0)
    limits = raw.GatherV2(params=rt.row_limits(), indices=owners, axis=0)
    values = _ranges(rt.values, starts, limits, kind).values
    uniform = rt.uniform_row_length
    if uniform is not None:
        return RaggedTensor.from_uniform_row_length(
            values, uniform * count, rt.nrows(), validate=False
        )
    return RaggedTensor.from_row_splits(values, rt.row_splits * count, validate=False)


def add_axis(rt):
    """A new axis of length 1 after the first."""
    kind = rt.row_splits.dtype
    return RaggedTensor.from_uniform_row_length(rt, scalar(1, kind))


def _columns(rt, key):
    """Each row sliced by `key`."""
    kind = rt.row_splits.dtype
    lengths = rt.row_lengths()
    starts = rt.row_starts()
    for name, bound in (("offsets", key.start), ("offsets", key.stop), ("strides", key.step)):
        _check_bound(name, bound)
    zero, one = scalar(0, kind), scalar(1, kind)
    step = one if key.step is None else cast(convert_to_tensor(key.step), kind)
    step = depending(step, require(raw.NotEqual(x=step, y=zero), "slice step cannot be zero"))
    # As in Python: going down, bounds are clipped to -1 ... length - 1; up, to 0 ... length.
    down = cast(step < zero, kind)
    low, high = lengths * zero - down, lengths - down

    def clipped(bound, default):
        if bound is None:
            return default
        bound = cast(convert_to_tensor(bound), kind)
        bound = raw.SelectV2(condition=bound < zero, t=bound + lengths, e=bound + lengths * zero)
        return raw.Minimum(x=raw.Maximum(x=bound, y=low), y=high)

    forward = step > zero
    begin = clipped(key.start, raw.SelectV2(condition=forward, t=low, e=high))
    end = clipped(key.stop, raw.SelectV2(condition=forward, t=high, e=low))
    selected = _ranges(rt.values, starts + begin, starts + end, kind, step)
    uniform, bounds = rt._row_partition.static_uniform_row_length, (key.start, key.stop, key.step)
    if uniform is None or any(isinstance(bound, Tensor) for bound in bounds):
        return selected
    length = scalar(len(range(*key.indices(uniform))), kind)
    return RaggedTensor.from_uniform_row_length(selected.values, length, rt.nrows(), validate=False)


def _equal_splits(data, mask):
    """Raises InvalidArgumentError unless the rows of two ragged tensors are equally long; in a graph returns assertions."""
    if mask.row_splits is data.row_splits:
        return []
    splits = [cast(x.row_splits, dtypes.int64) for x in (data, mask)]
    return require_equal(*splits, "Inputs must have identical ragged splits")


@dispatchable("ragged.boolean_mask", scope="RaggedMask")
def boolean_mask(data, mask, name=None):
    """The entries of `data` where `mask` is True, in their rows.

    Args:
      data: a tensor or RaggedTensor.
      mask: bools, in the shape of the outermost axes of `data`; ragged as it is.
      name: of the operations.

    Returns:
      A RaggedTensor, or for a mask of rank 1 what `data` is.

    Raises:
      ValueError: the mask is a scalar, or its rank is not known.
      InvalidArgumentError: rows of the mask have other lengths than those of `data`.
    """
    mask, data = ragged_of_value(mask), as_ragged_or_tensor(data)
    if not isinstance(mask, RaggedTensor):
        mask = convert_to_tensor(mask, dtype=dtypes.bool_)
    if mask.shape.rank == 0:
        raise ValueError("mask cannot be scalar.")
    if mask.shape.rank is None:
        raise ValueError("mask.shape.ndims must be known statically.")
    if isinstance(mask, RaggedTensor):
        if not isinstance(data, RaggedTensor):
            data = RaggedTensor.from_tensor(data, ragged_rank=mask.ragged_rank)
        common_splits_dtype([data, mask])
        inner_mask, inner_data = mask.values, data.values
        with control_dependencies(_equal_splits(data, mask)):
            kept = boolean_mask(inner_data, inner_mask)
        if not isinstance(inner_mask, RaggedTensor) and inner_mask.shape.rank == 1:
            ones = cast(inner_mask, mask.row_splits.dtype)
            counts = raw.UnsortedSegmentSum(
                data=ones, segment_ids=mask._rowids_of_values(), num_segments=mask.nrows()
            )
            return RaggedTensor.from_row_lengths(kept, counts, validate=False)
        return data.with_values(kept)
    mask.shape.assert_is_compatible_with(data.shape[: mask.shape.rank])
    if mask.shape.rank > 1:
        data_ragged = (
            data
            if isinstance(data, RaggedTensor)
            else RaggedTensor.from_tensor(data, ragged_rank=mask.shape.rank - 1)
        )
        return boolean_mask(
            data_ragged, RaggedTensor.from_tensor(mask, ragged_rank=mask.shape.rank - 1)
        )
    places = raw.Where(condition=mask)[:, 0]
    return gather(data, places)


def as_ragged_or_tensor(v, dtype_hint=None):
    """A ragged tensor; other values become dense ones."""
    v = ragged_of_value(v)
    return v if isinstance(v, RaggedTensor) else convert_to_tensor(v, dtype_hint=dtype_hint)


RaggedTensor.__getitem__ = get_item  # type: ignore[misc]  # filled in here: it needs ragged gathers
