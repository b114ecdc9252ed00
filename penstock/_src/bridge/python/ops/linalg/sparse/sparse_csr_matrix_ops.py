"""Conversions between sparse tensors and CSR matrices, as TensorFlow's private module has them."""

from __future__ import annotations

from typing import Any

from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core.registry import raw


def sparse_tensor_to_csr_sparse_matrix(
    indices: Any, values: Any, dense_shape: Any, name: str | None = None
) -> Any:
    """Returns the CSR matrix with these entries."""
    return raw.SparseTensorToCSRSparseMatrix(
        indices=indices, values=values, dense_shape=dense_shape, name=name
    )


def csr_sparse_matrix_to_sparse_tensor(
    sparse_matrix: Any, type: Any, name: str | None = None
) -> SparseTensor:
    """Returns the entries of a CSR matrix as a sparse tensor."""
    parts = raw.CSRSparseMatrixToSparseTensor(sparse_matrix=sparse_matrix, type=type, name=name)
    return SparseTensor(*parts)
