"""LinearOperatorHouseholder and LinearOperatorPermutation."""

import numpy as np

from penstock._src.api.array.indexing import gather
from penstock._src.api.array.ranges import one_hot
from penstock._src.api.control.scopes import no_op
from penstock._src.api.linalg.bands import diag_part, set_diag
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import with_hints
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.math.sorting import argsort
from penstock._src.core import dtypes, errors
from penstock._src.core.registry import raw
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("linalg.LinearOperatorHouseholder")
class LinearOperatorHouseholder(LinearOperator):
    """The reflection I - 2 v v* / |v|**2 in the plane across `reflection_axis` v `[..., n]`.

    Args:
      reflection_axis: `[..., n]`, floats or complex numbers, not zero.
      is_non_singular: a hint; see LinearOperator.
      is_self_adjoint, is_square: hints, which can only be True.
      is_positive_definite: a hint, which can only be False.
      name: a name.
    """

    _matrix_axes = {"reflection_axis": 1}

    @with_hints()
    def __init__(self, reflection_axis, hints):
        self._reflection_axis = shapes.parameter(reflection_axis, "reflection_axis")
        shapes.check_matrix(self._reflection_axis, "reflection_axis", rank=1, floating=False)
        always = "A Householder operator is always"
        hints.require("is_self_adjoint", True, f"{always} self adjoint.")
        hints.require("is_positive_definite", False, f"{always} non-positive definite.")
        hints.require("is_square", True, f"{always} square.")
        super().__init__(self._reflection_axis.dtype, **hints)

    reflection_axis = read_only("_reflection_axis", "The vector across which it reflects.")

    def _shape(self):
        shape = self._reflection_axis.shape
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self):
        extents = raw.Shape(input=shapes.read(self._reflection_axis))
        return shapes.joined(extents, extents[-1])

    def _unit(self):
        axis = shapes.read(self._reflection_axis)
        squares = (
            reduce_sum(
                raw.Real(input=axis * conj(axis), Tout=axis.dtype.real_dtype), -1, keepdims=True
            )
            if (axis.dtype.is_complex)
            else reduce_sum(raw.Square(x=axis), -1, keepdims=True)
        )
        return axis * cast(raw.Rsqrt(x=squares), axis.dtype)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x, unit = shapes.adjoint_if(adjoint_arg, x), shapes.to_column(self._unit())
        along = reduce_sum(conj(unit) * x, -2, keepdims=True)
        return x - np.asarray(2, self.dtype.np) * unit * along

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _trace(self):
        return self._ones() * cast(self._columns() - 2, self.dtype)

    def _ones(self):
        batch = self._shape_vector()[:-2]
        return raw.Fill(dims=batch, value=np.asarray(1, self.dtype.np))

    def _determinant(self):
        return -self._ones()

    def _log_abs_determinant(self):
        return raw.ZerosLike(x=self._ones())

    def _cond(self):
        return self._ones()

    def _diag_part(self):
        unit = self._unit()
        return np.asarray(1, self.dtype.np) - np.asarray(2, self.dtype.np) * unit * conj(unit)

    def _eigvals(self):
        rest = raw.Fill(
            dims=shapes.joined(self._shape_vector()[:-2], self._columns() - 1),
            value=np.asarray(1, self.dtype.np),
        )
        return raw.ConcatV2(values=[shapes.to_column(-self._ones()), rest], axis=np.int32(-1))

    def _to_dense(self):
        unit = self._unit()
        outer = shapes.to_column(unit) * raw.ExpandDims(input=conj(unit), axis=np.int32(-2))
        reflected = np.asarray(-2, self.dtype.np) * outer
        return set_diag(reflected, np.asarray(1, self.dtype.np) + diag_part(reflected))

    def _assert_non_singular(self):
        return no_op()

    def _assert_positive_definite(self):
        raise errors.InvalidArgumentError(
            None, None, "Householder operators are always non-positive definite."
        )

    def _assert_self_adjoint(self):
        return no_op()


@export("linalg.LinearOperatorPermutation")
class LinearOperatorPermutation(LinearOperator):
    """The permutation matrix: row i of its product with x is row `perm[..., i]` of x.

    Args:
      perm: integers `[..., n]`: each of 0 to n - 1 once in a row.
      dtype: of the operator.
      is_non_singular, is_self_adjoint, is_positive_definite: hints; see LinearOperator.
      is_square: a hint, which can only be True.
      name: a name.
    """

    _matrix_axes = {"perm": 1}

    @with_hints()
    def __init__(self, perm, dtype=dtypes.float32, hints=None):
        self._perm = shapes.parameter(perm, "perm")
        self._check()
        hints.require("is_square", True, "A Permutation operator is always square.")
        super().__init__(dtype, **hints)

    def _check(self):
        perm = self._perm
        if perm.shape.rank is not None and perm.shape.rank < 1:
            raise ValueError(f"Argument `perm` must have at least 1 dimension. Received: {perm}.")
        known = get_static_value(perm)
        if not perm.dtype.is_integer:
            raise TypeError(f"Argument `perm` must be integer dtype. Received: {known}.")
        if known is not None:
            n = known.shape[-1]
            if not (np.sort(known, -1) == np.arange(n)).all():
                raise ValueError(
                    f"Argument `perm` must be a vector of unique integers from 0 to {n - 1}."
                )

    perm = read_only("_perm", "Which rows the product takes.")

    def _shape(self):
        shape = self._perm.shape
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self):
        extents = raw.Shape(input=shapes.read(self._perm))
        return shapes.joined(extents, extents[-1])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = shapes.adjoint_if(adjoint_arg, x)
        perm = shapes.read(self._perm)
        perm = argsort(perm, axis=-1) if adjoint else perm
        column, x = shapes.broadcast_matrices(shapes.to_column(perm), x)
        perm = shapes.from_column(column)
        if x.shape.rank is not None:
            return gather(x, perm, axis=-2, batch_dims=x.shape.rank - 2)
        full = shapes.vector(x)
        matrices = raw.Reshape(tensor=x, shape=shapes.joined(np.int32(-1), full[-2:]))
        rows = raw.Reshape(tensor=perm, shape=shapes.joined(np.int32(-1), full[-2]))
        return raw.Reshape(tensor=gather(matrices, rows, axis=-2, batch_dims=1), shape=full)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _to_dense(self):
        return one_hot(shapes.read(self._perm), self._columns(), dtype=self.dtype)

    def _diag_part(self):
        perm = shapes.read(self._perm)
        places = raw.Range(start=np.int32(0), limit=self._columns(), delta=np.int32(1))
        return cast(raw.Equal(x=perm, y=cast(places, perm.dtype)), self.dtype)

    def _log_abs_determinant(self):
        batch = self._shape_vector()[:-2]
        return raw.Fill(dims=batch, value=np.asarray(0, self.dtype.np))

    def _cond(self):
        batch = self._shape_vector()[:-2]
        return raw.Fill(dims=batch, value=np.asarray(1, self.dtype.np))

    def _assert_non_singular(self):
        return no_op()
