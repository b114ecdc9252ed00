"""LinearOperatorFullMatrix, LinearOperatorLowerTriangular and LinearOperatorTridiag."""

import numpy as np

from penstock._src.api.control.scopes import group
from penstock._src.api.debugging import asserts
from penstock._src.api.linalg.bands import (
    band_part,
    diag,
    diag_part,
    matrix_transpose,
    tridiagonal_matmul,
    tridiagonal_solve,
)
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import with_hints
from penstock._src.api.linalg.operators.shapes import check_matrix
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_prod, reduce_sum
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("linalg.LinearOperatorFullMatrix")
class LinearOperatorFullMatrix(LinearOperator):
    """Any matrix.

    Args:
      matrix: `[..., m, n]`, floats or complex numbers.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    _matrix_axes = {"matrix": 2}

    @with_hints()
    def __init__(self, matrix, hints):
        self._matrix = shapes.parameter(matrix, "matrix")
        check_matrix(self._matrix, "matrix")
        super().__init__(self._matrix.dtype, **hints)

    matrix = read_only("_matrix", "The matrix.")

    def _shape(self):
        return self._matrix.shape

    def _shape_tensor(self):
        return raw.Shape(input=shapes.read(self._matrix))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return matmul(shapes.read(self._matrix), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _to_dense(self):
        return shapes.read(self._matrix)


@export("linalg.LinearOperatorLowerTriangular")
class LinearOperatorLowerTriangular(LinearOperator):
    """A lower triangular matrix.

    Args:
      tril: `[..., n, n]`; what it holds above the diagonal is not read.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    _matrix_axes = {"tril": 2}

    @with_hints()
    def __init__(self, tril, hints):
        square = "Only square lower triangular operators supported at this time."
        hints.require("is_square", True, square)
        self._tril = shapes.parameter(tril, "tril")
        check_matrix(self._tril, "tril", floating=False)
        super().__init__(self._tril.dtype, **hints)

    tril = read_only("_tril", "The matrix as it was given.")

    def _shape(self):
        return self._tril.shape

    def _shape_tensor(self):
        return raw.Shape(input=shapes.read(self._tril))

    def _to_dense(self):
        return band_part(shapes.read(self._tril), -1, 0)

    def _diag_part(self):
        return diag_part(shapes.read(self._tril))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return matmul(self._to_dense(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = shapes.adjoint_if(adjoint_arg, rhs)
        matrix, rhs = shapes.broadcast_matrices(self._to_dense(), rhs)
        return raw.MatrixTriangularSolve(matrix=matrix, rhs=rhs, lower=True, adjoint=adjoint)

    def _determinant(self):
        return reduce_prod(self._diag_part(), -1)

    def _log_abs_determinant(self):
        return reduce_sum(raw.Log(x=magnitude(self._diag_part())), -1)

    def _assert_non_singular(self):
        sizes = magnitude(self._diag_part())
        return asserts.assert_none_equal(
            sizes,
            cast(0, sizes.dtype),
            message="Singular operator:  Diagonal contained zero values.",
        )


@export("linalg.LinearOperatorTridiag")
class LinearOperatorTridiag(LinearOperator):
    """A tridiagonal matrix.

    Args:
      diagonals: "compact": `[..., 3, n]`, the superdiagonal (its last number is not read), the
        diagonal and the subdiagonal (its first number is not read); "sequence": a list of the
        three; "matrix": `[..., n, n]`.
      diagonals_format: which of the three forms `diagonals` has.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    @with_hints()
    def __init__(self, diagonals, diagonals_format="compact", hints=None):
        if diagonals_format not in ("compact", "matrix", "sequence"):
            raise ValueError(
                "Argument `diagonals_format` must be one of compact, matrix, or sequence. Received : "
                f"{diagonals_format}."
            )
        if diagonals_format == "sequence":
            self._diagonals = [shapes.parameter(d, "diagonals") for d in diagonals]
            dtype = self._diagonals[0].dtype
        else:
            self._diagonals = shapes.parameter(diagonals, "diagonals")
            dtype = self._diagonals.dtype
        self._diagonals_format = diagonals_format
        hints.require("is_square", True, "A Tridiagonal operator is always square.")
        super().__init__(dtype, **hints)

    diagonals = read_only("_diagonals", "The diagonals as they were given.")
    diagonals_format = read_only("_diagonals_format", "The form of `diagonals`.")

    @property
    def _matrix_axes(self):
        return {"diagonals": 1 if self._diagonals_format == "sequence" else 2}

    def _shape(self):
        if self._diagonals_format == "matrix":
            return self._diagonals.shape
        if self._diagonals_format == "compact":
            shape = self._diagonals.shape
            return shape[:-2].concatenate(TensorShape([shape[-1], shape[-1]]))
        batch = shapes.broadcast_static(*(d.shape[:-1] for d in self._diagonals))
        n = self._diagonals[1].shape[-1]
        return batch.concatenate([n, n])

    def _shape_tensor(self):
        if self._diagonals_format == "matrix":
            return raw.Shape(input=self._diagonals)
        if self._diagonals_format == "compact":
            full = raw.Shape(input=self._diagonals)
            return shapes.joined(full[:-2], full[-1], full[-1])
        vectors = [raw.Shape(input=d) for d in self._diagonals]
        batch = shapes.broadcast_vectors(*(v[:-1] for v in vectors))
        return shapes.joined(batch, vectors[1][-1], vectors[1][-1])

    def _compact(self, batch=None, adjoint=False):
        """The diagonals as `[..., 3, n]`, repeated for `batch`, those of the adjoint if `adjoint`."""
        form = self._diagonals_format
        if form == "compact":
            packed = shapes.read(self._diagonals)
        elif form == "matrix":
            zero = np.zeros((), self.dtype.as_numpy_dtype)
            packed = raw.MatrixDiagPartV3(
                input=self._diagonals,
                k=np.array([-1, 1], np.int32),
                padding_value=zero,
                align="LEFT_RIGHT",
            )
        else:
            columns = [shapes.to_column(self._full(d, i)) for i, d in enumerate(self._diagonals)]
            packed = shapes.broadcast_matrices(*columns)
            packed = matrix_transpose(raw.ConcatV2(values=packed, axis=np.int32(-1)))
        if adjoint:
            upper, main, lower = (packed[..., i, :] for i in range(3))
            turned = [_rolled(lower, -1), main, _rolled(upper, 1)]
            packed = conj(raw.Pack(values=turned, axis=-2))
        return packed if batch is None else shapes.broadcast_batch(packed, batch)

    def _full(self, diagonal, i):
        """A diagonal of a sequence with n numbers, a zero where the matrix has none."""
        diagonal, n = shapes.read(diagonal), self._column_count
        if i == 1:
            return diagonal
        known = diagonal.shape[-1] if diagonal.shape.rank is not None else None
        if known is not None and known == n:
            return diagonal
        full = shapes.vector(diagonal)
        missing = shapes.joined(full[:-1], self._columns() - full[-1])
        zeros = raw.Fill(dims=missing, value=np.zeros((), self.dtype.np))
        parts = [diagonal, zeros] if i == 0 else [zeros, diagonal]
        return raw.ConcatV2(values=parts, axis=np.int32(-1))

    def _with_batch_of(self, x, adjoint):
        batch = shapes.broadcast_vectors(self._shape_vector()[:-2], shapes.vector(x)[:-2])
        return self._compact(batch, adjoint), shapes.broadcast_batch(x, batch)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        diagonals, x = self._with_batch_of(shapes.adjoint_if(adjoint_arg, x), adjoint)
        return tridiagonal_matmul(diagonals, x)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        diagonals, rhs = self._with_batch_of(shapes.adjoint_if(adjoint_arg, rhs), adjoint)
        return tridiagonal_solve(diagonals, rhs)

    def _diag_part(self):
        return self._compact()[..., 1, :]

    def _to_dense(self):
        return diag(self._compact(), k=(-1, 1), align="LEFT_RIGHT")

    def _assert_self_adjoint(self):
        packed = self._compact()
        on_diagonal = shapes.assert_real(
            packed[..., 1, :],
            "This tridiagonal operator contained non-zero imaginary values on the diagonal.",
        )
        off_diagonal = asserts.assert_equal(
            packed[..., 0, :-1],
            conj(packed[..., 2, 1:]),
            message="This tridiagonal operator has non-conjugate subdiagonal and superdiagonal.",
        )
        return group(on_diagonal, off_diagonal)


def _rolled(x, shift):
    """`x` with its last axis rolled by one element to the left (-1) or right (1)."""
    parts = [x[..., 1:], x[..., :1]] if shift < 0 else [x[..., -1:], x[..., :-1]]
    return raw.ConcatV2(values=parts, axis=np.int32(-1))
