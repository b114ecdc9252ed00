"""`tensorflow.python.ops.array_ops`: sizes and ranks of dense and sparse tensors, and gathering by batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.array.indexing import gather_nd
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
