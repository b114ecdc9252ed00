"""Sums of linear operators as one operator of the simplest class that can represent them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .algebra import both
from .diagonal import LinearOperatorDiag
from .identity import _Identity
from .matrices import LinearOperatorFullMatrix, LinearOperatorLowerTriangular

# (class, the contribution of a term of this or a simpler class), from the simplest to the most general.
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
    """Returns the shortest list of operators with the same sum as `operators`.

    Identities and diagonals are combined into a diagonal operator, with triangular operators into a triangular one, and with
    full matrices into a full matrix. Other operators are unchanged.

    Args:
      operators: LinearOperators of one shape and dtype.
      operator_name: the name of the sum.
      addition_tiers: must be None.
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
