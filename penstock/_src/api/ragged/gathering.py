"""tf.gather and tf.gather_nd with ragged params or indices."""

from penstock._src.api.array import indexing
from penstock._src.api.math.elementwise import cast
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

from . import indexing as rows
from .ragged_tensor import RaggedTensor
from .row_checks import common_splits_dtype, positive_axis


def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The entries `indices` along an axis, after some batch dimensions.

    Raises:
      ValueError: the axis is a batch dimension.
    """
    del validate_indices
    params, indices = _value(params), _value(indices)
    if batch_dims != indices.shape.rank:
        width = indices.shape.rank
        batch_dims = positive_axis(batch_dims, width, "batch_dims", "rank(indices)")
    rank = params.shape.rank
    if rank is not None and batch_dims >= rank:
        raise ValueError("batch_dims must be less than rank(params)")
    if axis is None:
        axis = batch_dims
    axis = positive_axis(axis, rank, rank_name="rank(params)")
    if axis < batch_dims:
        raise ValueError("axis must be greater than or equal to batch_dims")
    return _gather(params, indices, axis, batch_dims, name)


def _gather(params, indices, axis, batch_dims, name=None):
    if not isinstance(params, RaggedTensor) and not isinstance(indices, RaggedTensor):
        return indexing.gather(params, indices, axis=axis, batch_dims=batch_dims, name=name)
    if isinstance(params, RaggedTensor) and indices.shape.rank is None:
        raise ValueError("rank(indices) must be known statically")
    common_splits_dtype(x for x in (params, indices) if isinstance(x, RaggedTensor))
    if batch_dims:
        return _gather_in_batches(params, indices, axis, batch_dims)
    if axis:
        return _gather_inside(params, indices, axis)
    return rows.gather(params, indices, name)


def _gather_inside(params, indices, axis):
    """Gathers along an inner axis, with the same indices for every row."""
    params = _ragged(params)
    if axis > 1:
        return params.with_values(_gather(params.values, indices, axis - 1, 0))
    count = params.nrows()
    if isinstance(indices, RaggedTensor):
        repeated = _tiled(indices, count)
    else:
        lengths = raw.Shape(input=indices, out_type=count.dtype)
        shape = raw.ConcatV2(values=[raw.Reshape(tensor=count, shape=[1]), lengths], axis=0)
        repeated = raw.BroadcastTo(input=indices, shape=shape)
    return _gather_in_batches(params, repeated, 1, 1)


def _tiled(indices, count):
    """Repeats ragged indices for every row of a table."""
    each = indices.nrows()
    all_rows = raw.Range(
        start=cast(0, count.dtype),
        limit=count * cast(each, count.dtype),
        delta=cast(1, count.dtype),
    )
    several = rows.gather(indices, all_rows % cast(each, count.dtype))
    kind = several.row_splits.dtype
    return RaggedTensor.from_uniform_row_length(
        several, cast(each, kind), nrows=cast(count, kind), validate=False
    )


def _gather_in_batches(params, indices, axis, batch_dims):
    """Row b of the result comes from row b of both."""
    width = None if indices.shape.rank is None else indices.shape[:batch_dims]
    if width is not None and not width.is_compatible_with(params.shape[:batch_dims]):
        raise ValueError(
            f"batch shape from indices {width} does not match params shape {params.shape}"
        )
    if batch_dims > 1:
        cut = [isinstance(x, RaggedTensor) for x in (params, indices)]
        if cut == [True, False] and params.uniform_row_length is None:
            raise ValueError(
                "batch shape from indices does not match params shape: ragged params dimension "
                "corresponds to uniform indices dimension"
            )
        if cut == [False, True] and indices.uniform_row_length is None:
            raise ValueError(
                "batch shape from indices does not match params shape: ragged indices dimension "
                "corresponds to uniform params dimension"
            )
        if isinstance(indices, RaggedTensor) or isinstance(params, RaggedTensor):
            params, indices = _ragged(params), _ragged(indices)
        inner = _gather(params.values, indices.values, axis - 1, batch_dims - 1)
        return indices.with_values(inner)
    params = _ragged(params)
    if axis > 1:
        many = _gather_in_batches_inside(params, indices, axis)
        return params.with_values(many)
    starts = cast(params.row_starts(), indices.dtype)
    if isinstance(indices, RaggedTensor):
        flat = _added(indices.values, raw.GatherV2(
            params=starts, indices=indices._rowids_of_values(), axis=0))  # fmt: skip
        return indices.with_values(_gather(params.values, flat, 0, 0))
    return _gather(params.values, _added(indices, starts), 0, 0)


def _gather_in_batches_inside(params, indices, axis):
    """Repeats the indices of a batch for each of its inner rows."""
    owners = params._rowids_of_values()
    if isinstance(indices, RaggedTensor):
        spread = rows.gather(indices, owners)
    else:
        spread = raw.GatherV2(params=indices, indices=owners, axis=0)
    return _gather(params.values, spread, axis - 1, 1)


def _added(indices, offsets):
    """`indices` with a number added to each row."""
    if isinstance(indices, RaggedTensor):
        inner = raw.GatherV2(params=offsets, indices=indices._rowids_of_values(), axis=0)
        return indices.with_values(_added(indices.values, inner))
    extra = indices.shape.rank - 1
    if extra:
        count = raw.Shape(input=offsets)
        ones = raw.Fill(dims=[extra], value=1)
        offsets = raw.Reshape(tensor=offsets, shape=raw.ConcatV2(values=[count, ones], axis=0))
    return indices + offsets


def gather_nd(params, indices, batch_dims=0, name=None, bad_indices_policy=""):
    """The entries or slices of a ragged tensor at index vectors.

    Raises:
      ValueError: the length of index vectors is unknown, there are batch dimensions, or a policy for bad indices is given.
    """
    if bad_indices_policy not in ("", "DEFAULT"):
        raise ValueError("non-default bad_indices_policy not supported for ragged gather")
    if batch_dims:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    params, indices = _value(params), _value(indices)
    if isinstance(indices, RaggedTensor):
        if indices.ragged_rank == indices.shape.rank - 1:
            raise ValueError("The innermost dimension of indices may not be ragged")
        return indices.with_values(gather_nd(params, indices.values))
    if indices.shape.rank is None:
        raise ValueError("indices.rank be statically known.")
    if indices.shape.rank == 0:
        raise ValueError("indices.rank must be at least 1.")
    if indices.shape.rank == 1 and isinstance(params, RaggedTensor):
        if indices.shape[0] == 0:
            return params
        indices = raw.ExpandDims(input=indices, axis=0)
        slices = gather_nd(params, indices)
        return slices if indices.shape[-1] == 1 else raw.Squeeze(input=slices, axis=[0])
    size = indices.shape[-1]
    if size is None:
        raise ValueError("indices.shape[-1] must be statically known.")
    if not isinstance(params, RaggedTensor):
        return indexing.gather_nd(params, indices, name=name)
    if size == 0:
        raise ValueError("gather_nd of a ragged tensor: index vectors must not be empty.")
    at = indices[..., 0]
    if size == 1:
        return rows.gather(params, at)
    starts = raw.GatherV2(params=params.row_starts(), indices=at, axis=0)
    inner = cast(indices[..., 1], starts.dtype) + starts
    rest = [raw.ExpandDims(input=inner, axis=-1)]
    if size > 2:
        rest.append(cast(indices[..., 2:], starts.dtype))
    return gather_nd(params.values, raw.ConcatV2(values=rest, axis=-1) if size > 2 else rest[0])


def _value(value):
    return value if isinstance(value, RaggedTensor) else convert_to_tensor(value)


def _ragged(value):
    return value if isinstance(value, RaggedTensor) else RaggedTensor.from_tensor(value)
