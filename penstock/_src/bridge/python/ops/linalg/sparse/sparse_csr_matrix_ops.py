"""CSRSparseMatrix: a sparse matrix in compressed rows, or a batch of them, held by a variant."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

from penstock._src.api.array.indexing import where
from penstock._src.api.array.shaping import stop_gradient
from penstock._src.api.linalg import products
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor


class DenseShapeAndType(NamedTuple):
    """The content of a variant."""

    shape: TensorShape
    dtype: DType


def dense_shape_and_type(matrix: Any) -> DenseShapeAndType:
    """Returns the shape and dtype of the matrices that a variant holds.

    Raises:
      TypeError: it is not a variant.
      ValueError: they are not known.
    """
    if not isinstance(matrix, Tensor):
        raise TypeError(f"matrix should be a tensor, but saw: {matrix}")
    if matrix.dtype != dtypes.variant:
        raise TypeError(f"expected matrix to be type tf.variant, but saw: {matrix.dtype}")
    if isinstance(matrix, EagerTensor):
        csr = matrix._value
        return DenseShapeAndType(TensorShape(csr.shape), dtypes.as_dtype(csr.values.dtype))
    data = getattr(matrix, "_handle_data", None)
    if not data:
        raise ValueError(f"matrix has missing handle data: {matrix}")
    return DenseShapeAndType(*data[0])


class SparseMatrix(abc.ABC):
    """Base of the kinds of sparse matrices."""

    @property
    @abc.abstractmethod
    def _matrix(self) -> Any:
        """The variant."""

    @abc.abstractmethod
    def _from_matrix(self, matrix: Any) -> Any:
        """The matrix of this kind that another variant holds."""

    @abc.abstractmethod
    def to_dense(self) -> Any:
        """Returns the matrix as a tensor."""

    @abc.abstractmethod
    def to_sparse_tensor(self) -> Any:
        """Returns the entries as a sparse tensor."""

    @property
    def graph(self) -> Any:
        """The graph that holds the matrix."""
        return self._matrix.graph

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return dense_shape_and_type(self._matrix).shape

    @property
    def dtype(self) -> DType:
        """The type of the entries."""
        return dense_shape_and_type(self._matrix).dtype

    def conj(self) -> Any:
        """Returns the matrix of the conjugate entries."""
        return self.hermitian_transpose().transpose()

    def transpose(self) -> Any:
        """Returns the matrix with rows and columns exchanged."""
        return self._from_matrix(raw.SparseMatrixTranspose(input=self._matrix, type=self.dtype))

    def hermitian_transpose(self) -> Any:
        """Returns the adjoint matrix."""
        return self._from_matrix(
            raw.SparseMatrixTranspose(input=self._matrix, conjugate=True, type=self.dtype)
        )

    def nnz(self) -> Any:
        """Returns the number of stored entries."""
        return raw.SparseMatrixNNZ(sparse_matrix=self._matrix)

    nonzero = nnz

    def sorted_indices(self) -> Any:
        """Returns the indices of the entries, by rows."""
        return self.to_sparse_tensor().indices


class CSRSparseMatrix(SparseMatrix):
    """A sparse matrix, or a batch of them, in compressed rows.

    Args:
      value: a dense tensor of rank 2 or 3, or a SparseTensor.
      indices: which elements of a dense tensor are stored; by default those that are not 0.
      name: accepted for compatibility.
    """

    def __init__(self, value: Any, indices: Any = None, name: str | None = None) -> None:
        del name
        if isinstance(value, SparseTensor):
            if indices is not None:
                raise ValueError("indices must be None if value is a SparseTensor.")
            self._csr_matrix = raw.SparseTensorToCSRSparseMatrix(
                indices=value.indices, values=value.values, dense_shape=value.dense_shape
            )
            return
        value = convert_to_tensor(value)
        if indices is None:
            indices = stop_gradient(where(value))
        self._csr_matrix = raw.DenseToCSRSparseMatrix(
            dense_input=value, indices=convert_to_tensor(indices, dtype=dtypes.int64)
        )

    @property
    def _matrix(self) -> Any:
        return self._csr_matrix

    def _from_matrix(self, matrix: Any) -> Any:
        instance = type(self).__new__(type(self))
        instance._csr_matrix = matrix
        return instance

    def to_dense(self) -> Any:
        """Returns the matrix as a tensor."""
        return raw.CSRSparseMatrixToDense(sparse_input=self._matrix, type=self.dtype)

    def to_sparse_tensor(self) -> SparseTensor:
        """Returns the entries as a sparse tensor."""
        parts = raw.CSRSparseMatrixToSparseTensor(sparse_matrix=self._matrix, type=self.dtype)
        return SparseTensor(*parts)


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
) -> Any:
    """Returns the product of two matrices: a sparse one if both are, else a tensor."""
    flags: dict[str, bool] = {
        "transpose_a": transpose_a,
        "transpose_b": transpose_b,
        "adjoint_a": adjoint_a,
        "adjoint_b": adjoint_b,
    }
    if isinstance(a, SparseMatrix) and isinstance(b, SparseMatrix):
        if not (isinstance(a, type(b)) or isinstance(b, type(a))):
            raise TypeError(
                f"SparseMatrix types don't inherit from each other: {type(a)} and {type(b)}"
            )
        product = raw.SparseMatrixSparseMatMul(
            a=a._matrix, b=b._matrix, type=a.dtype, name=name, **flags
        )
        return a._from_matrix(product)
    if isinstance(a, SparseMatrix):
        return raw.SparseMatrixMatMul(a=a._matrix, b=b, name=name, **flags)
    if not isinstance(b, SparseMatrix):
        return products.matmul(a, b, name=name, **flags)
    # op(a) op(b) is the transpose of op(b)' op(a)'.
    a = conj(a) if adjoint_a else a
    sparse = b.conj() if adjoint_b else b
    return raw.SparseMatrixMatMul(
        a=sparse._matrix,
        b=a,
        transpose_a=not (transpose_b or adjoint_b),
        transpose_b=not (transpose_a or adjoint_a),
        transpose_output=True,
        name=name,
    )
