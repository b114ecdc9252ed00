"""`tensorflow.python.ops.array_ops`: sizes and ranks of dense and sparse tensors, and gathering by batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.array.creation import ones_like, zeros_like
from penstock._src.api.array.indexing import gather_nd
from penstock._src.api.array.joining import repeat
from penstock._src.api.ragged.row_checks import positive_axis
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def rank_internal(input: Any, name: str | None = None, optimize: bool = True) -> Tensor:
    """Returns the rank of a tensor: as a constant where it is known, unless `optimize` is False."""
    if isinstance(input, (SparseTensor, SparseTensorValue)):
        return raw.Size(input=input.dense_shape, name=name or "Rank")
    x = convert_to_tensor(input)
    if optimize and x.shape.rank is not None:
        return convert_to_tensor(x.shape.rank, dtypes.int32, name=name or "Rank")
    return raw.Rank(input=x, name=name or "Rank")


def size_internal(
    input: Any, name: str | None = None, optimize: bool = True, out_type: Any = dtypes.int32
) -> Tensor:
    """Returns the number of entries of a tensor: as a constant where it is known, unless `optimize` is False."""
    if isinstance(input, (SparseTensor, SparseTensorValue)):
        lengths = raw.Cast(x=input.dense_shape, DstT=dtypes.as_dtype(out_type))
        return raw.Prod(input=lengths, axis=np.int32(0), name=name or "Size")
    x = convert_to_tensor(input)
    count = x.shape.num_elements()
    if count is None and x.shape.rank is not None and 0 in x.shape.as_list():
        count = 0
    if optimize and count is not None:
        return convert_to_tensor(count, out_type, name=name or "Size")
    return raw.Size(input=x, out_type=out_type, name=name or "Size")


def batch_gather_nd(
    params: Any,
    indices: Any,
    batch_dims: int,
    name: str | None = None,
    bad_indices_policy: str = "",
) -> Tensor:
    """Returns `tf.gather_nd` within each batch.

    Raises:
      TypeError: `batch_dims` is not an integer.
      ValueError: it is negative, or the ranks are not greater than it.
    """
    if not isinstance(batch_dims, int):
        raise TypeError(f"Argument `batch_dims` must be an int; got {batch_dims}")
    indices, params = convert_to_tensor(indices), convert_to_tensor(params)
    for label, x in (("indices", indices), ("params", params)):
        if x.shape.rank is not None and 0 <= batch_dims >= x.shape.rank:
            raise ValueError(
                f"Argument `batch_dims` = {batch_dims} must be less than rank(`{label}`) = "
                f"{x.shape.rank}"
            )
    with scope_in_graph(name, "BatchGatherND"):
        return gather_nd(params, indices, batch_dims, bad_indices_policy=bad_indices_policy)


def shape_internal(
    input: Any, name: str | None = None, optimize: bool = True, out_type: Any = None
) -> Tensor:
    """Returns the shape of a tensor: as a constant where it is known, unless `optimize` is False."""
    out_type = dtypes.int32 if out_type is None else out_type
    if isinstance(input, (SparseTensor, SparseTensorValue)):
        return raw.Cast(x=input.dense_shape, DstT=out_type, name=name or "Shape")
    x = convert_to_tensor(input)
    if optimize and x.shape.is_fully_defined():
        return convert_to_tensor(x.shape.as_list(), out_type, name=name or "Shape")
    return raw.Shape(input=x, out_type=out_type, name=name or "Shape")


def zeros_like_impl(
    tensor: Any, dtype: Any, name: str | None, optimize: bool = True, layout: Any = None
) -> Tensor:
    """Returns zeros in the shape of a tensor."""
    del optimize, layout
    return zeros_like(tensor, dtype, name)


def ones_like_impl(
    tensor: Any, dtype: Any, name: str | None, optimize: bool = True, layout: Any = None
) -> Tensor:
    """Returns ones in the shape of a tensor."""
    del optimize, layout
    return ones_like(tensor, dtype, name)


def convert_to_int_tensor(tensor: Any, name: str, dtype: Any = dtypes.int32) -> Tensor:
    """Returns integers in a dtype.

    Raises:
      TypeError: the numbers are not integers.
    """
    tensor = convert_to_tensor(tensor, name=name, preferred_dtype=dtype)
    if not tensor.dtype.is_integer:
        raise TypeError(
            f"Argument `tensor` (name: {name}) must be of type integer. Received `tensor` = "
            f"{tensor.numpy() if hasattr(tensor, 'numpy') else tensor} of dtype: {tensor.dtype}"
        )
    return raw.Cast(x=tensor, DstT=dtype)


def get_positive_axis(
    axis: Any, ndims: int | None, axis_name: str = "axis", ndims_name: str = "ndims"
) -> int:
    """Returns the number of an axis, which may be counted from the end.

    Raises:
      TypeError: it is not an integer.
      ValueError: there is no such axis, or it is counted from an end that is not known.
    """
    return positive_axis(axis, ndims, axis_name, ndims_name)


def repeat_with_axis(data: Any, repeats: Any, axis: int, name: str | None = None) -> Tensor:
    """Returns a tensor whose slices along an axis are repeated."""
    return repeat(data, repeats, axis, name)


def _all_dimensions(x: Any) -> Tensor:
    """Returns the numbers of all axes of a tensor."""
    if isinstance(x, SparseTensor):
        return raw.Range(start=0, limit=raw.Size(input=x.dense_shape), delta=1)
    x = convert_to_tensor(x)
    limit = raw.Rank(input=x) if x.shape.rank is None else x.shape.rank
    return raw.Range(start=0, limit=limit, delta=1)
