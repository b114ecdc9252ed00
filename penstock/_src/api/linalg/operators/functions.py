"""Implementations of `tf.linalg` functions for operators, and sums of operators as an operator of the simplest class."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.linalg import bands, decompositions, products
from penstock._src.api.linalg.bands import adjoint as adjoint_of
from penstock._src.core.convert import convert_to_tensor

from .algebra import both
from .base import LinearOperator
from .diagonal import LinearOperatorDiag
from .identity import _Identity
from .matrices import LinearOperatorFullMatrix, LinearOperatorLowerTriangular

# (kind, what a term of a simpler or the same kind gives it): from the simplest to the most general.
_KINDS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (LinearOperatorDiag, lambda operator: operator.diag_part()),
    (LinearOperatorLowerTriangular, lambda operator: operator.to_dense()),
    (LinearOperatorFullMatrix, lambda operator: operator.to_dense()),
)


def add_operators(
    operators: Sequence[Any],
    operator_name: str | None = None,
    addition_tiers: Any = None,
    name: str | None = None,
) -> list[Any]:
    """Returns a list of operators of the same sum as `operators`, as short as can be had.

    Identities and diagonals add up to a diagonal, with triangular operators to a triangular one, and
    with full matrices to a full matrix. Operators of other kinds stay as they are.

    Args:
      operators: LinearOperators of one shape and dtype.
      operator_name: the name of the sum.
      addition_tiers: None: which kinds are added is not to be chosen.
      name: accepted, for compatibility.

    Raises:
      ValueError: there are no operators, or `addition_tiers` is given.
    """
    del name
    if not operators:
        raise ValueError(
            f"Argument `operators` must contain at least one operator. Found: {operators}"
        )
    if addition_tiers is not None:
        raise ValueError("add_operators: `addition_tiers` must be None: all known kinds are added.")
    known = [operator for operator in operators if _rank(operator) is not None]
    others = [operator for operator in operators if _rank(operator) is None]
    return others if not known else [_sum(known, operator_name), *others]


def _rank(operator: Any) -> int | None:
    if isinstance(operator, _Identity):
        return 0
    for rank, (kind, _) in enumerate(_KINDS):
        if isinstance(operator, kind):
            return rank
    return None


def _sum(operators: list[Any], name: str | None) -> Any:
    if len(operators) == 1:
        return operators[0]
    kind, values = _KINDS[max(_rank(operator) or 0 for operator in operators)]
    total = values(operators[0])
    self_adjoint, positive = operators[0].is_self_adjoint, operators[0].is_positive_definite
    for operator in operators[1:]:
        total = total + values(operator)
        self_adjoint = True if both(self_adjoint, operator.is_self_adjoint) else None
        positive = True if both(positive, operator.is_positive_definite) else None
    return kind(
        total,
        is_non_singular=positive,
        is_self_adjoint=self_adjoint,
        is_positive_definite=positive,
        name=name or f"Add/{'__'.join(o.name for o in operators)}/",
    )


def _matmul(
    a,
    b,
    transpose_a=False,
    transpose_b=False,
    adjoint_a=False,
    adjoint_b=False,
    a_is_sparse=False,
    b_is_sparse=False,
    output_type=None,
    grad_a=False,
    grad_b=False,
    name=None,
):
    del a_is_sparse, b_is_sparse, grad_a, grad_b
    if transpose_a or transpose_b:
        raise ValueError("Transposing not supported at this time.")
    if output_type is not None:
        raise TypeError("matmul: operators take no `output_type`.")
    name = name or "matmul"
    if isinstance(a, LinearOperator):
        return a.matmul(b, adjoint=adjoint_a, adjoint_arg=adjoint_b, name=name)
    # a b = (b* a*)*
    a = convert_to_tensor(a, dtype=b.dtype)
    return adjoint_of(b.matmul(a, adjoint=not adjoint_b, adjoint_arg=not adjoint_a, name=name))


def _matvec(
    a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None
):
    del a_is_sparse, b_is_sparse
    if transpose_a:
        raise ValueError("Transposing not supported at this time.")
    if not isinstance(a, LinearOperator):
        return NotImplemented
    return a.matvec(b, adjoint=adjoint_a, name=name or "matvec")


def _solve(matrix, rhs, adjoint=False, name=None):
    if not isinstance(matrix, LinearOperator):
        return NotImplemented
    return matrix.solve(rhs, adjoint=adjoint, name=name or "solve")


def _inv(input, adjoint=False, name=None):
    inverse = input.inverse(name=name or "inverse")
    return inverse.adjoint() if adjoint else inverse


def _method(name):
    def call(operator, name_scope=None, **kwargs):
        given = kwargs.get("name") or name_scope
        method = getattr(operator, name)
        return method(name=given) if given else method()

    return call


LinearOperator._functions = {
    products.matmul: _matmul,
    products.matvec: _matvec,
    decompositions.solve: _solve,
    decompositions.inv: _inv,
    decompositions.det: _method("determinant"),
    decompositions.logdet: _method("log_abs_determinant"),
    decompositions.cholesky: _method("cholesky"),
    bands.adjoint: _method("adjoint"),
    bands.diag_part: _method("diag_part"),
    bands.trace: _method("trace"),
}
