"""Sparse tensors."""

from typing import Any

from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue


def is_sparse(x: Any) -> bool:
    """True if a value is a sparse tensor, or the value of one."""
    return isinstance(x, (SparseTensor, SparseTensorValue))
