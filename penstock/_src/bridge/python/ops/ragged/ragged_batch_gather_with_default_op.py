"""`tensorflow.python.ops.ragged.ragged_batch_gather_with_default_op`: gathering with a value for indices out of range."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.creation import zeros_like
from penstock._src.api.array.indexing import where
from penstock._src.api.array.joining import concat
from penstock._src.api.array.shaping import broadcast_to, expand_dims, shape
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.dynamic_shape import DynamicRaggedShape
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.row_checks import scalar
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.v1.functions.arrays import batch_gather

from .ragged_tensor import convert_to_tensor_or_ragged_tensor, match_row_splits_dtypes


def batch_gather_with_default(
    params: Any, indices: Any, default_value: Any = "", name: str | None = None
) -> Any:
    """Returns `tf.compat.v1.batch_gather(params, indices)`, with a default value for indices out of range.

    Args:
      params, indices: tensors or ragged tensors.
      default_value: a scalar, or a vector that is broadcast to the entries of `params`.
      name: of the operations.

    Raises:
      ValueError: the default has another rank, or a rank is unknown.
    """
    params, indices, default = (
        convert_to_tensor_or_ragged_tensor(value) for value in (params, indices, default_value)
    )
    params, indices, default = match_row_splits_dtypes(params, indices, default)
    if default.shape.rank not in (0, 1):
        raise ValueError('"default_value" must be a scalar or vector')
    for label, value in (("Indices", indices), ("Params", params)):
        if value.shape.rank is None:
            raise ValueError(f"{label} must have a known rank.")
    axis = indices.shape.rank - 1
    if isinstance(params, RaggedTensor):
        pad = broadcast_to(default, _one_along(params, axis))
        sizes = expand_dims(params.row_lengths(axis=axis), -1) if axis else params.nrows()
    else:
        lengths = shape(params)
        one = convert_to_tensor([1])
        pad = broadcast_to(default, concat([lengths[:axis], one, lengths[axis + 1 :]], 0))
        sizes = lengths[axis]
    padded = concat([cast(pad, params.dtype), params], axis)
    outside = (indices < 0) | (indices >= cast(sizes, indices.dtype))
    places = where(outside, zeros_like(indices), indices + 1)
    return batch_gather(padded, places, name=name)


def _one_along(params: RaggedTensor, axis: int) -> DynamicRaggedShape:
    """Returns the shape of `params` with one entry along an axis, and in ragged axes behind it."""
    whole = DynamicRaggedShape.from_tensor(params)
    partitions, inner = list(whole.row_partitions), whole.inner_shape
    one = raw.Pack(values=[scalar(1, whole.dtype)])
    if axis > len(partitions):
        at = axis - len(partitions)
        lengths = raw.ConcatV2(values=[inner[:at], one, inner[at + 1 :]], axis=0)
        return DynamicRaggedShape(partitions, lengths)
    rows = one[0] if axis == 0 else whole._num_slices_in_dimension(axis - 1)
    single = RowPartition.from_uniform_row_length(one[0], nvals=rows, nrows=rows)
    kept = partitions[: max(axis - 1, 0)]
    kept += [single] * (len(partitions) - len(kept))
    lengths = raw.ConcatV2(values=[raw.Pack(values=[rows]), inner[1:]], axis=0)
    return DynamicRaggedShape(kept, lengths)
