"""Linear operators with entries: full, triangular, diagonal, identity, zeros, banded, permuting."""

from __future__ import annotations

import numpy as np

from penstock._src.api.math.elementwise import abs, conj
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export

from . import bands
from .operator import (
    CHOLESKY,
    FULL,
    LinearOperator,
    as_parameter,
    log_abs_sum,
    product_of,
    shape_of,
    spread,
)
from .products import matmul


def _hints(non_singular, self_adjoint, positive, square):
    return dict(
        is_non_singular=non_singular,
        is_self_adjoint=self_adjoint,
        is_positive_definite=positive,
        is_square=square,
    )


@export("linalg.LinearOperatorFullMatrix")
class LinearOperatorFullMatrix(LinearOperator):
    """Matrices given by all their entries."""

    def __init__(
        self,
        matrix,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorFullMatrix",
    ):
        self._matrix = as_parameter(matrix)
        if self._matrix.shape.rank is not None and self._matrix.shape.rank < 2:
            raise ValueError(
                f"Argument `matrix` must have at least 2 dimensions.  Found: {self._matrix}"
            )
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(self._matrix.dtype, name=name, **hints)

    @property
    def matrix(self):
        """The matrices."""
        return self._matrix

    def _shape(self):
        return shape_of(self._matrix)

    def _to_dense(self):
        return convert_to_tensor(self._matrix)


FULL.append(LinearOperatorFullMatrix)


@export("linalg.LinearOperatorLowerTriangular")
class LinearOperatorLowerTriangular(LinearOperator):
    """Lower triangular matrices; what stands above the diagonal is not read."""

    def __init__(
        self,
        tril,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorLowerTriangular",
    ):
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        self._tril = as_parameter(tril)
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(self._tril.dtype, name=name, **hints)

    @property
    def tril(self):
        """The matrices as given."""
        return self._tril

    def _shape(self):
        return shape_of(self._tril)

    def _to_dense(self):
        return raw.MatrixBandPart(input=self._tril, num_lower=-1, num_upper=0)

    def _diag_part(self):
        return raw.MatrixDiagPart(input=self._tril)

    def _determinant(self):
        return product_of(self._diag_part())

    def _log_abs_determinant(self):
        return log_abs_sum(self._diag_part())

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = bands.adjoint(rhs) if adjoint_arg else rhs
        dense = self.to_dense()
        batch = np.broadcast_shapes(
            tuple(dense.shape.as_list()[:-2]), tuple(rhs.shape.as_list()[:-2])
        )
        return raw.MatrixTriangularSolve(
            matrix=spread(dense, batch), rhs=spread(rhs, batch), lower=True, adjoint=adjoint
        )

    def _eigvals(self):
        return self._diag_part()


CHOLESKY.append(lambda factor: LinearOperatorLowerTriangular(factor, is_non_singular=True))


class _Diagonal(LinearOperator):
    """An operator that scales each coordinate: subclasses give `_scale`, `[..., n]` or `[..., 1]`."""

    def _scale(self):
        raise NotImplementedError

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = bands.adjoint(x) if adjoint_arg else x
        scale = self._scale()
        scale = conj(scale) if adjoint else scale
        return raw.ExpandDims(input=scale, axis=-1) * x

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = bands.adjoint(rhs) if adjoint_arg else rhs
        scale = self._scale()
        scale = conj(scale) if adjoint else scale
        return rhs / raw.ExpandDims(input=scale, axis=-1)

    def _full_scale(self):
        scale = self._scale()
        shape = [*self.shape.as_list()[:-2], self.shape[-1]]
        return raw.BroadcastTo(input=scale, shape=np.array(shape, np.int32))

    def _to_dense(self):
        return raw.MatrixDiag(diagonal=self._full_scale())

    def _diag_part(self):
        return self._full_scale()

    def _determinant(self):
        return product_of(self._full_scale())

    def _log_abs_determinant(self):
        return log_abs_sum(self._full_scale())

    def _eigvals(self):
        return self._full_scale()

    def _cond(self):
        size = abs(self._full_scale())
        return raw.Max(input=size, axis=[-1]) / raw.Min(input=size, axis=[-1])

    def _add_to_tensor(self, x):
        diagonal = raw.MatrixDiagPart(input=x) + self._full_scale()
        return raw.MatrixSetDiag(input=x, diagonal=diagonal)


@export("linalg.LinearOperatorDiag")
class LinearOperatorDiag(_Diagonal):
    """Diagonal matrices."""

    def __init__(
        self,
        diag,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorDiag",
    ):
        self._diag = as_parameter(diag)
        if self._diag.shape.rank is not None and self._diag.shape.rank < 1:
            raise ValueError(f"Argument `diag` must have at least 1 dimension.  Found: {diag}.")
        if is_square is False:
            raise ValueError("Only square diagonal operators currently supported.")
        if not self._diag.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            is_self_adjoint = True
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(self._diag.dtype, name=name, **hints)

    @property
    def diag(self):
        """The diagonals."""
        return self._diag

    def _shape(self):
        shape = shape_of(self._diag)
        return shape.concatenate(shape[-1:])

    def _scale(self):
        return convert_to_tensor(self._diag)

    def _inverse(self):
        return LinearOperatorDiag(
            1.0 / self._scale(),
            is_non_singular=True,
            is_self_adjoint=self.is_self_adjoint,
            is_positive_definite=self.is_positive_definite,
        )

    def _cholesky(self):
        return LinearOperatorDiag(raw.Sqrt(x=self._scale()), is_non_singular=True)

    def _adjoint(self):
        return LinearOperatorDiag(conj(self._scale()), is_non_singular=self.is_non_singular)


def _batch(batch_shape):
    if batch_shape is None:
        return []
    return [int(n) for n in np.asarray(convert_to_tensor(batch_shape, dtype=dtypes.int32))]


@export("linalg.LinearOperatorIdentity")
class LinearOperatorIdentity(_Diagonal):
    """Identity matrices."""

    def __init__(
        self,
        num_rows,
        batch_shape=None,
        dtype=None,
        is_non_singular=True,
        is_self_adjoint=True,
        is_positive_definite=True,
        is_square=True,
        assert_proper_shapes=False,
        name="LinearOperatorIdentity",
    ):
        self._rows, self._batch = int(num_rows), _batch(batch_shape)
        if self._rows < 0:
            raise ValueError(f"Argument `num_rows` must be non-negative. Found: {num_rows}.")
        for given, what in (
            (is_self_adjoint, "self adjoint"),
            (is_square, "square"),
            (is_non_singular, "non-singular"),
            (is_positive_definite, "positive-definite"),
        ):
            if not given:
                raise ValueError(f"An identity operator is always {what}.")
        super().__init__(dtype or dtypes.float32, name=name, **_hints(True, True, True, True))

    def _shape(self):
        return TensorShape([*self._batch, self._rows, self._rows])

    def _scale(self):
        return convert_to_tensor(np.ones([*self._batch, 1], self.dtype.as_numpy_dtype))

    def _inverse(self):
        return self

    def _cholesky(self):
        return self


@export("linalg.LinearOperatorScaledIdentity")
class LinearOperatorScaledIdentity(_Diagonal):
    """Identity matrices times a number each."""

    def __init__(
        self,
        num_rows,
        multiplier,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=True,
        assert_proper_shapes=False,
        name="LinearOperatorScaledIdentity",
    ):
        self._rows, self._multiplier = int(num_rows), as_parameter(multiplier)
        if not self._multiplier.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            is_self_adjoint = True
        if not is_square:
            raise ValueError("A ScaledIdentity operator is always square.")
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(self._multiplier.dtype, name=name, **hints)

    @property
    def multiplier(self):
        """The numbers."""
        return self._multiplier

    def _shape(self):
        return shape_of(self._multiplier).concatenate([self._rows, self._rows])

    def _scale(self):
        return raw.ExpandDims(input=convert_to_tensor(self._multiplier), axis=-1)

    def _inverse(self):
        return LinearOperatorScaledIdentity(
            self._rows, 1.0 / convert_to_tensor(self._multiplier), is_non_singular=True
        )

    def _cholesky(self):
        return LinearOperatorScaledIdentity(
            self._rows, raw.Sqrt(x=self._multiplier), is_non_singular=True
        )


@export("linalg.LinearOperatorZeros")
class LinearOperatorZeros(LinearOperator):
    """Matrices of zeros."""

    def __init__(
        self,
        num_rows,
        num_columns=None,
        batch_shape=None,
        dtype=None,
        is_non_singular=False,
        is_self_adjoint=True,
        is_positive_definite=False,
        is_square=True,
        assert_proper_shapes=False,
        name="LinearOperatorZeros",
    ):
        columns = num_rows if num_columns is None else num_columns
        self._extents = [*_batch(batch_shape), int(num_rows), int(columns)]
        if not is_self_adjoint and is_square:
            raise ValueError("A zero operator is always self adjoint.")
        if is_non_singular:
            raise ValueError("A zero operator is always singular.")
        if is_positive_definite:
            raise ValueError("A zero operator is always not positive-definite.")
        if is_square and num_rows != columns:
            raise ValueError("LinearOperatorZeros initialized as is_square=True, but got "
                             "num_rows != num_columns")
        super().__init__(
            dtype or dtypes.float32,
            name=name,
            **_hints(False, is_self_adjoint if is_square else None, False, is_square),
        )

    def _shape(self):
        return TensorShape(self._extents)

    def _to_dense(self):
        return convert_to_tensor(np.zeros(self._extents, self.dtype.as_numpy_dtype))

    def _determinant(self):
        return convert_to_tensor(np.zeros(self._extents[:-2], self.dtype.as_numpy_dtype))


@export("linalg.LinearOperatorTridiag")
class LinearOperatorTridiag(LinearOperator):
    """Tridiagonal matrices; forms of `diagonals` as in `tf.linalg.tridiagonal_solve`."""

    def __init__(
        self,
        diagonals,
        diagonals_format="compact",
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorTridiag",
    ):
        if diagonals_format not in ("matrix", "compact", "sequence"):
            raise ValueError(
                "Argument `diagonals_format` must be one of compact, matrix, or sequence. Found : "
                f"{diagonals_format}"
            )
        self._format = diagonals_format
        self._diagonals = [as_parameter(d) for d in diagonals] if diagonals_format == "sequence" else (
            as_parameter(diagonals)
        )
        dtype = self._diagonals[0].dtype if diagonals_format == "sequence" else self._diagonals.dtype
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(dtype, name=name, **hints)

    @property
    def diagonals(self):
        """The diagonals as given."""
        return self._diagonals

    @property
    def diagonals_format(self):
        """Their form."""
        return self._format

    def _shape(self):
        if self._format == "sequence":
            shape = shape_of(self._diagonals[1])
            return shape.concatenate(shape[-1:])
        shape = shape_of(self._diagonals)
        return shape if self._format == "matrix" else shape[:-2].concatenate([shape[-1], shape[-1]])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = bands.adjoint(x) if adjoint_arg else x
        if adjoint:
            return matmul(self.to_dense(), x, adjoint_a=True)
        return bands.tridiagonal_matmul(self._diagonals, x, self._format)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = bands.adjoint(rhs) if adjoint_arg else rhs
        if adjoint:
            return super()._solve(rhs, adjoint=True)
        return bands.tridiagonal_solve(self._diagonals, rhs, self._format)

    def _to_dense(self):
        if self._format == "matrix":
            return convert_to_tensor(self._diagonals)
        upper, main, lower = bands._three_diagonals(self._diagonals, self._format)
        packed = raw.Pack(values=[upper, main, lower], axis=-2)
        rows = self.shape[-1]
        return bands.diag(
            packed, k=np.array([-1, 1], np.int32), num_rows=rows, num_cols=rows, align="LEFT_RIGHT"
        )


@export("linalg.LinearOperatorPermutation")
class LinearOperatorPermutation(LinearOperator):
    """Matrices that permute coordinates: row i of the product is row perm[i]."""

    def __init__(
        self,
        perm,
        dtype=dtypes.float32,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorPermutation",
    ):
        self._perm = as_parameter(perm)
        if is_non_singular is False or is_square is False:
            raise ValueError("A Permutation operator is always non-singular and square.")
        hints = _hints(True, is_self_adjoint, is_positive_definite, True)
        super().__init__(dtype, name=name, **hints)

    @property
    def perm(self):
        """The permutations."""
        return self._perm

    def _shape(self):
        shape = shape_of(self._perm)
        return shape.concatenate(shape[-1:])

    def _to_dense(self):
        zero, one = (convert_to_tensor(v, dtype=self.dtype) for v in (0, 1))
        return raw.OneHot(
            indices=self._perm, depth=self.shape[-1], on_value=one, off_value=zero, axis=-1
        )

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _log_abs_determinant(self):
        shape = self.batch_shape.as_list()
        return convert_to_tensor(np.zeros(shape, self.dtype.real_dtype.as_numpy_dtype))

    def _cond(self):
        shape = self.batch_shape.as_list()
        return convert_to_tensor(np.ones(shape, self.dtype.real_dtype.as_numpy_dtype))


@export("linalg.LinearOperatorToeplitz")
class LinearOperatorToeplitz(LinearOperator):
    """Matrices constant along each diagonal, given by their first column and row."""

    def __init__(
        self,
        col,
        row,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorToeplitz",
    ):
        if is_square is False:
            raise ValueError("Only square Toeplitz operators currently supported.")
        self._col, self._row = as_parameter(col), as_parameter(row)
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(self._col.dtype, name=name, **hints)

    @property
    def col(self):
        """The first columns."""
        return self._col

    @property
    def row(self):
        """The first rows."""
        return self._row

    def _shape(self):
        col, row = shape_of(self._col), shape_of(self._row)
        batch = np.broadcast_shapes(tuple(col.as_list()[:-1]), tuple(row.as_list()[:-1]))
        return TensorShape([*batch, col[-1], row[-1]])

    def _to_dense(self):
        n = self.shape[-1]
        batch = np.array([*self.batch_shape.as_list(), n], np.int32)
        col = raw.BroadcastTo(input=convert_to_tensor(self._col), shape=batch)
        row = raw.BroadcastTo(input=convert_to_tensor(self._row), shape=batch)
        both = raw.ConcatV2(values=[raw.ReverseV2(tensor=col, axis=[-1]), row[..., 1:]], axis=-1)
        places = np.arange(n)[None, :] - np.arange(n)[:, None] + n - 1
        return raw.GatherV2(params=both, indices=places.astype(np.int32), axis=len(batch) - 1)


@export("linalg.LinearOperatorHouseholder")
class LinearOperatorHouseholder(LinearOperator):
    """Reflections I - 2 v v* / |v|**2."""

    def __init__(
        self,
        reflection_axis,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorHouseholder",
    ):
        self._axis = as_parameter(reflection_axis)
        if is_self_adjoint is False or is_square is False or is_non_singular is False:
            raise ValueError("A Householder operator is always self adjoint, square and non-singular.")
        if is_positive_definite:
            raise ValueError("A Householder operator is always not positive definite.")
        super().__init__(self._axis.dtype, name=name, **_hints(True, True, False, True))

    @property
    def reflection_axis(self):
        """The vectors v."""
        return self._axis

    def _shape(self):
        shape = shape_of(self._axis)
        return shape.concatenate(shape[-1:])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = bands.adjoint(x) if adjoint_arg else x
        axis = raw.ExpandDims(input=convert_to_tensor(self._axis), axis=-1)
        squares = raw.Sum(input=axis * conj(axis), axis=[-2], keep_dims=True)
        unit = axis / raw.Sqrt(x=squares)
        two = np.asarray(2, self.dtype.as_numpy_dtype)
        return x - two * unit * matmul(unit, x, adjoint_a=True)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _determinant(self):
        shape = self.batch_shape.as_list()
        return convert_to_tensor(-np.ones(shape, self.dtype.as_numpy_dtype))

    def _log_abs_determinant(self):
        shape = self.batch_shape.as_list()
        return convert_to_tensor(np.zeros(shape, self.dtype.real_dtype.as_numpy_dtype))

    def _cond(self):
        shape = self.batch_shape.as_list()
        return convert_to_tensor(np.ones(shape, self.dtype.real_dtype.as_numpy_dtype))

    def _inverse(self):
        return self

