"""LinearOperatorAdjoint, LinearOperatorInversion and LinearOperatorLowRankUpdate."""

import logging

import numpy as np

from penstock._src.api.linalg.bands import adjoint as adjoint_of
from penstock._src.api.linalg.bands import diag_part
from penstock._src.api.linalg.decompositions import cholesky_solve, slogdet
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.algebra import agreed_hint
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import HINTS, with_hints
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .diagonal import LinearOperatorDiag
from .identity import LinearOperatorIdentity


def _agreed(hints, operator, what):
    """The hints of an operator: its own where they are set, otherwise those of the operator that it is derived from."""
    for hint in HINTS:
        refusal = f"{what}: the hint {hint} contradicts that of the operator it is made of."
        hints[hint] = agreed_hint(hints[hint], getattr(operator, hint), refusal)
    return hints


@export("linalg.LinearOperatorAdjoint")
class LinearOperatorAdjoint(LinearOperator):
    """The adjoint of `operator`.

    Args:
      operator: a LinearOperator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, by default those of
        `operator`.
      name: a name; by default that of `operator` with "_adjoint".
    """

    _matrix_axes = {"operator": 0}

    @with_hints(name=None)
    def __init__(self, operator, hints):
        self._operator = operator
        hints["name"] = hints["name"] or f"{operator.name}_adjoint"
        super().__init__(operator.dtype, **_agreed(hints, operator, "LinearOperatorAdjoint"))

    operator = read_only("_operator", "The operator whose adjoint this is.")

    def _shape(self):
        shape = self._operator.shape
        return shape[:-2].concatenate([shape[-1], shape[-2]])

    def _shape_tensor(self):
        full = self._operator._shape_vector()
        return shapes.joined(full[:-2], full[-1], full[-2])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x, adjoint=False):
        return self._operator.matvec(x, adjoint=not adjoint)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs, adjoint=False):
        return self._operator.solvevec(rhs, adjoint=not adjoint)

    def _to_dense(self):
        return adjoint_of(self._operator.to_dense())

    def _diag_part(self):
        return conj(self._operator.diag_part())

    def _trace(self):
        return conj(self._operator.trace())

    def _determinant(self):
        return conj(self._operator.determinant())

    def _log_abs_determinant(self):
        return self._operator.log_abs_determinant()

    def _eigvals(self):
        return conj(self._operator.eigvals())

    def _cond(self):
        return self._operator.cond()

    def _assert_non_singular(self):
        return self._operator.assert_non_singular()

    def _assert_positive_definite(self):
        return self._operator.assert_positive_definite()

    def _assert_self_adjoint(self):
        return self._operator.assert_self_adjoint()


@export("linalg.LinearOperatorInversion")
class LinearOperatorInversion(LinearOperator):
    """The inverse of `operator`: its products are the other's solves.

    Args:
      operator: a square LinearOperator that is not singular.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, by default those of
        `operator`.
      name: a name; by default that of `operator` with "_inv".
    """

    _matrix_axes = {"operator": 0}

    @with_hints(name=None)
    def __init__(self, operator, hints):
        self._operator = operator
        is_non_singular, is_square = hints["is_non_singular"], hints["is_square"]
        if is_non_singular is False or operator.is_non_singular is False:
            raise ValueError(
                "Argument `is_non_singular` or argument `operator` must have supplied hint "
                "`is_non_singular` equal to `True` or `None`. Found `operator.is_non_singular`: "
                f"{operator.is_non_singular}, `is_non_singular`: {is_non_singular}."
            )
        if is_square is False or operator.is_square is False:
            raise ValueError(
                "Argument `is_square` or argument `operator` must have supplied hint `is_square` "
                f"equal to `True` or `None`. Found `operator.is_square`: {operator.is_square}, "
                f"`is_square`: {is_square}."
            )
        hints["name"] = hints["name"] or f"{operator.name}_inv"
        super().__init__(operator.dtype, **_agreed(hints, operator, "LinearOperatorInversion"))

    operator = read_only("_operator", "The operator whose inverse this is.")

    def _shape(self):
        return self._operator.shape

    def _shape_tensor(self):
        return self._operator._shape_vector()

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self):
        return raw.Reciprocal(x=self._operator.determinant())

    def _log_abs_determinant(self):
        return -self._operator.log_abs_determinant()

    def _eigvals(self):
        return raw.Reciprocal(x=self._operator.eigvals())

    def _cond(self):
        return self._operator.cond()

    def _assert_non_singular(self):
        return self._operator.assert_non_singular()

    def _assert_positive_definite(self):
        return self._operator.assert_positive_definite()

    def _assert_self_adjoint(self):
        return self._operator.assert_self_adjoint()


@export("linalg.LinearOperatorLowRankUpdate")
class LinearOperatorLowRankUpdate(LinearOperator):
    """A linear operator L + U D adjoint(V), of an operator and a product of thin matrices.

    Solutions and determinants use those of L and a matrix of size k (the Woodbury identity and
    the matrix determinant lemma).

    Args:
      base_operator: L, a `LinearOperator` of shape `[..., m, n]`.
      u: `[..., m, k]`.
      diag_update: the diagonal of D, `[..., k]`; by default ones.
      v: `[..., n, k]`; by default `u`.
      is_diag_update_positive: whether `diag_update` is positive, if that is known; it is not
        checked.
      is_non_singular: whether the operator is invertible, if that is known.
      is_self_adjoint: whether the operator is its own adjoint, if that is known.
      is_positive_definite: whether the operator is positive definite, if that is known.
      is_square: whether the operator is square, if that is known.
      name: a name for the operation.

    Raises:
      ValueError: the hints contradict each other.

    >>> base = tf.linalg.LinearOperatorDiag([1.0, 2.0])
    >>> tf.linalg.LinearOperatorLowRankUpdate(base, [[1.0], [1.0]]).to_dense().numpy()
    array([[2., 1.],
           [1., 3.]], dtype=float32)
    """

    _matrix_axes = {"base_operator": 0, "u": 2, "diag_update": 1, "v": 2}

    @with_hints()
    def __init__(
        self,
        base_operator,
        u,
        diag_update=None,
        v=None,
        is_diag_update_positive=None,
        hints=None,
    ):
        dtype = base_operator.dtype
        if diag_update is not None and is_diag_update_positive and dtype.is_complex:
            logging.getLogger("tensorflow").warning(
                "Note: setting is_diag_update_positive with a complex dtype means that diagonal is "
                "real and positive."
            )
        if diag_update is None:
            if is_diag_update_positive is False:
                raise ValueError(
                    "Default diagonal is the identity, which is positive.  However, user set "
                    "'is_diag_update_positive' to False."
                )
            is_diag_update_positive = True
        self._use_cholesky = bool(
            base_operator.is_positive_definite
            and base_operator.is_self_adjoint
            and is_diag_update_positive
            and v is None
        )
        if base_operator.is_self_adjoint and v is None and not dtype.is_complex:
            fact = "A = L + UDU^H, with L self-adjoint and D real diagonal, must be self-adjoint"
            hints.promise("is_self_adjoint", True, fact)
        fact = "Arguments imply this is self-adjoint positive-definite operator"
        for hint in ("is_self_adjoint", "is_positive_definite"):
            hints.promise(hint, self._use_cholesky, fact)
        if self._use_cholesky and hints["is_non_singular"] is False:
            raise ValueError(f"{fact}.")
        self._base_operator = base_operator
        self._u = shapes.parameter(u, "u", dtype)
        self._v = None if v is None else shapes.parameter(v, "v", dtype)
        self._diag_update = (
            None if diag_update is None else shapes.parameter(diag_update, "diag_update", dtype)
        )
        self._is_diag_update_positive = is_diag_update_positive
        super().__init__(dtype, **hints)
        self._diag_operator = self._make_diag_operator()
        self._check_update()

    def _make_diag_operator(self):
        if self._diag_update is not None:
            return LinearOperatorDiag(
                self._diag_update, is_positive_definite=self._is_diag_update_positive
            )
        rank = shapes.vector(self._u)[-1]
        return LinearOperatorIdentity(rank, dtype=self.dtype)

    def _check_update(self):
        rank = self._u.shape[-1]
        for other in (self._diag_operator._row_count, self.v.shape[-1]):
            if None not in (rank, other) and rank != other:
                raise ValueError(f"Dimensions {rank} and {other} are not compatible")
        for mine, other in (
            (self._u.shape[-2], self._base_operator._row_count),
            (self.v.shape[-2], self._base_operator._column_count),
        ):
            if None not in (mine, other) and mine != other:
                raise ValueError(f"Dimensions {mine} and {other} are not compatible")
        operators = (self._base_operator, self._diag_operator)
        batches = [operator.batch_shape for operator in operators]
        shapes.broadcast_static(*batches, self._u.shape[:-2], self.v.shape[:-2])

    u = read_only("_u", "U.")

    @property
    def v(self):
        """V."""
        return self._u if self._v is None else self._v

    is_diag_update_positive = read_only(
        "_is_diag_update_positive",
        "True if all numbers of D are positive; None if unknown.",
    )
    diag_update = read_only("_diag_update", "The diagonal of D, or None for ones.")
    diag_operator = read_only("_diag_operator", "D as an operator.")
    base_operator = read_only("_base_operator", "A.")

    def _shape(self):
        batch = shapes.broadcast_static(
            self._base_operator.batch_shape,
            self._diag_operator.batch_shape,
            self._u.shape[:-2],
            self.v.shape[:-2],
        )
        return batch.concatenate(self._base_operator.shape[-2:])

    def _shape_tensor(self):
        batch = shapes.broadcast_vectors(
            self._base_operator._shape_vector()[:-2],
            self._diag_operator._shape_vector()[:-2],
            shapes.vector(self._u)[:-2],
            shapes.vector(self.v)[:-2],
        )
        return shapes.joined(batch, self._base_operator._rows(), self._base_operator._columns())

    def _factors(self):
        return shapes.read(self._u), shapes.read(self.v)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        u, v = self._factors()
        u, v = (v, u) if adjoint else (u, v)
        base = self._base_operator.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        inner = matmul(v, x, adjoint_a=True, adjoint_b=adjoint_arg)
        return base + matmul(u, self._diag_operator.matmul(inner, adjoint=adjoint))

    def _diag_part(self):
        u, v = self._factors()
        update = reduce_sum(u * self._row_of(self._diag_operator.diag_part()) * conj(v), -1)
        return self._base_operator.diag_part() + update

    def _row_of(self, x):
        return raw.ExpandDims(input=x, axis=np.int32(-2))

    def _capacitance(self):
        """C = D**-1 + V* A**-1 U, `[..., k, k]`, of Woodbury's identity."""
        u, v = self._factors()
        inner = matmul(v, self._base_operator.solve(u), adjoint_a=True)
        return self._diag_operator.inverse().add_to_tensor(inner)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        # (A + U D V*)**-1 = A**-1 - A**-1 U C**-1 V* A**-1 (Woodbury 1950)
        u, v = self._factors()
        u, v = (v, u) if adjoint else (u, v)
        base = self._base_operator.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        inner = matmul(v, base, adjoint_a=True)
        capacitance, inner = shapes.broadcast_matrices(self._capacitance(), inner)
        if self._use_cholesky:
            middle = cholesky_solve(raw.Cholesky(input=capacitance), inner)
        else:
            middle = raw.MatrixSolve(matrix=capacitance, rhs=inner, adjoint=adjoint)
        return base - self._base_operator.solve(matmul(u, middle), adjoint=adjoint)

    def _determinant(self):
        if self.is_positive_definite:
            return raw.Exp(x=self.log_abs_determinant())
        parts = self._base_operator.determinant() * self._diag_operator.determinant()
        return raw.MatrixDeterminant(input=self._capacitance()) * parts

    def _log_abs_determinant(self):
        parts = (
            self._base_operator.log_abs_determinant() + self._diag_operator.log_abs_determinant()
        )
        if self._use_cholesky:
            roots = raw.Log(x=diag_part(raw.Cholesky(input=self._capacitance())))
            return np.asarray(2, self.dtype.np) * reduce_sum(roots, -1) + parts
        return slogdet(self._capacitance())[1] + parts
