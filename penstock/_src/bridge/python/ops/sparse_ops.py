"""Sparse tensors in serialized form and in maps of a session, and sums with broadcast dense tensors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from penstock._src.api.sparse.overrides import bincount
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

# The key of the fingerprints of crossed features.
_DEFAULT_HASH_KEY = 0xDECAFCAFFE
# Maps without a name of their own are known by a number.
_NUMBERS = itertools.count()


def _parts(sparse: Any) -> SparseTensor:
    if isinstance(sparse, SparseTensorValue):
        return SparseTensor(*sparse)
    if not isinstance(sparse, SparseTensor):
        raise TypeError(f"Input must be a SparseTensor. Received: {sparse}")
    return sparse


def _made(parts: Any, rank: int | None) -> SparseTensor:
    indices, values, dense_shape = parts
    if rank is not None and not hasattr(indices, "numpy"):
        indices.set_shape([None, rank])
        dense_shape.set_shape([rank])
    return SparseTensor(indices, values, dense_shape)


def deserialize_sparse(
    serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
) -> SparseTensor:
    """Returns the sparse tensor that serialized ones are, stacked along new axes."""
    parts = raw.DeserializeSparse(serialized_sparse=serialized_sparse, dtype=dtype, name=name)
    return _made(parts, rank)


def sparse_dense_cwise_add(sp_t: Any, dense_t: Any) -> SparseTensor:
    """Returns the sums of the entries of a sparse tensor with those of a broadcast dense one."""
    values = raw.SparseDenseCwiseAdd(
        sp_indices=sp_t.indices, sp_values=sp_t.values, sp_shape=sp_t.dense_shape, dense=dense_t
    )
    return SparseTensor(sp_t.indices, values, sp_t.dense_shape)


def _adds_to_map(op: str) -> Callable[..., Any]:
    """Returns the function that puts sparse tensors into a map by an op, under a name of its own unless one is given."""

    def add(
        sp_input: Any,
        container: str | None = None,
        shared_name: str | None = None,
        name: str | None = None,
    ) -> Any:
        sparse = _parts(sp_input)
        return getattr(raw, op)(
            sparse_indices=sparse.indices,
            sparse_values=sparse.values,
            sparse_shape=sparse.dense_shape,
            container=container or "",
            shared_name=shared_name or f"sparse_map_{next(_NUMBERS)}",
            name=name,
        )

    return add


_add_sparse_to_tensors_map = _adds_to_map("AddSparseToTensorsMap")
_add_many_sparse_to_tensors_map = _adds_to_map("AddManySparseToTensorsMap")


def _take_many_sparse_from_tensors_map(
    sparse_map_op: Any, sparse_handles: Any, rank: int | None = None, name: str | None = None
) -> SparseTensor:
    if sparse_map_op.type not in ("AddSparseToTensorsMap", "AddManySparseToTensorsMap"):
        raise TypeError(
            "sparse_map_op must be one of AddSparseToTensorsMap or AddSparseToTensorsMap. "
            f"Instead, found `{sparse_map_op.type}`."
        )
    parts = raw.TakeManySparseFromTensorsMap(
        sparse_handles=convert_to_tensor(sparse_handles, dtypes.int64),
        dtype=sparse_map_op.get_attr("T"),
        container=sparse_map_op.get_attr("container"),
        shared_name=sparse_map_op.get_attr("shared_name") or sparse_map_op.name,
        name=name,
    )
    return _made(parts, rank)
