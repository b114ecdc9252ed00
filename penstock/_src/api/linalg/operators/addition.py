"""Sums of operators, as operators of the simplest class that holds them."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.creation import ones
from penstock._src.api.control.scopes import name_scope
from penstock._src.util.dataclass import dataclass

from . import shapes
from .base import LinearOperator
from .kinds.diagonal import LinearOperatorDiag
from .kinds.identity import LinearOperatorIdentity, LinearOperatorScaledIdentity
from .kinds.matrices import LinearOperatorFullMatrix, LinearOperatorLowerTriangular

_IDENTITIES = (LinearOperatorIdentity, LinearOperatorScaledIdentity)
_DIAGONALS = (*_IDENTITIES, LinearOperatorDiag)


@dataclass
class SumHints:
    """Known properties of a sum. A hint of None is derived from the terms."""

    is_non_singular: bool | None = None
    is_positive_definite: bool | None = None
    is_self_adjoint: bool | None = None

    def of(self, a: Any, b: Any) -> dict[str, bool | None]:
        """The hints of the sum of two operators."""
        self_adjoint, positive = self.is_self_adjoint, self.is_positive_definite
        non_singular = self.is_non_singular
        if self_adjoint is None:
            self_adjoint = a.is_self_adjoint and b.is_self_adjoint
        if positive is None:
            positive = a.is_positive_definite and b.is_positive_definite
            non_singular = True if positive else non_singular
        return {
            "is_non_singular": non_singular,
            "is_self_adjoint": self_adjoint,
            "is_positive_definite": positive,
        }


class Adder(abc.ABC):
    """Adds two operators of the supported classes."""

    @property
    def name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    @abc.abstractmethod
    def can_add(self, op1: Any, op2: Any) -> bool:
        """True if the adder takes operators of these classes."""

    @abc.abstractmethod
    def _add(self, a: Any, b: Any, hints: dict[str, Any]) -> Any:
        """The sum."""

    def add(
        self, op1: Any, op2: Any, operator_name: str | None, hints: SumHints | None = None
    ) -> Any:
        """Returns the sum of two operators, named `operator_name`."""
        known: dict[str, Any] = dict((hints or SumHints()).of(op1, op2))
        known["name"] = operator_name or f"Add/{op1.name}__{op2.name}/"
        with name_scope(self.name.lstrip("_")):
            return self._add(op1, op2, known)


class _Kinds(Adder):
    """Adds operators of some classes."""

    kinds: tuple[type, ...] = ()

    def can_add(self, op1: Any, op2: Any) -> bool:
        """True if both operators are of the adder's classes."""
        return isinstance(op1, self.kinds) and isinstance(op2, self.kinds)


class AddAndReturnScaledIdentity(_Kinds):
    """Adds identities and scaled identities."""

    kinds = _IDENTITIES

    def _add(self, a: Any, b: Any, hints: dict[str, Any]) -> Any:
        return LinearOperatorScaledIdentity(
            num_rows=a.range_dimension_tensor(),
            multiplier=_multiplier(a) + _multiplier(b),
            **hints,
        )


def _multiplier(identity: Any) -> Any:
    if isinstance(identity, LinearOperatorScaledIdentity):
        return shapes.read(identity.multiplier)
    return ones(identity.batch_shape_tensor(), dtype=identity.dtype)


class AddAndReturnDiag(_Kinds):
    """Adds operators with diagonals only."""

    kinds = _DIAGONALS

    def _add(self, a: Any, b: Any, hints: dict[str, Any]) -> Any:
        return LinearOperatorDiag(diag=a.diag_part() + b.diag_part(), **hints)


class AddAndReturnTriL(_Kinds):
    """Adds diagonal and triangular operators."""

    kinds = (*_DIAGONALS, LinearOperatorLowerTriangular)

    def _add(self, a: Any, b: Any, hints: dict[str, Any]) -> Any:
        return LinearOperatorLowerTriangular(tril=_dense_sum(a, b), **hints)


class AddAndReturnMatrix(Adder):
    """Adds any operators."""

    def can_add(self, op1: Any, op2: Any) -> bool:
        """True if both arguments are operators."""
        return isinstance(op1, LinearOperator) and isinstance(op2, LinearOperator)

    def _add(self, a: Any, b: Any, hints: dict[str, Any]) -> Any:
        return LinearOperatorFullMatrix(matrix=_dense_sum(a, b), **hints)


def _dense_sum(a: Any, b: Any) -> Any:
    """The sum as a tensor; a diagonal is added to the other one's entries."""
    if isinstance(a, _DIAGONALS):
        return a.add_to_tensor(b.to_dense())
    return b.add_to_tensor(a.to_dense())


# Adders of the simplest results come first: an operator is added to others as long as a tier has an adder for them.
TIERS: Sequence[Sequence[Adder]] = (
    (AddAndReturnScaledIdentity(),),
    (AddAndReturnDiag(),),
    (AddAndReturnTriL(),),
    (AddAndReturnMatrix(),),
)


def add_operators(
    operators: Sequence[Any],
    operator_name: str | None = None,
    addition_tiers: Sequence[Sequence[Any]] | None = None,
    name: str | None = None,
) -> list[Any]:
    """Returns a list of operators of the same sum as `operators`, as short as the adders make it.

    Args:
      operators: LinearOperators of one shape and dtype.
      operator_name: the name of the sums.
      addition_tiers: lists of adders; those of a list are used before those of the next.
      name: a name for the operations.

    Raises:
      TypeError: a term is not an operator.
      ValueError: there are no operators, or their shapes differ.
    """
    operators = list(reversed(operators))
    _check(operators)
    with name_scope(name or "add_operators"):
        for tier in TIERS if addition_tiers is None else addition_tiers:
            waiting, operators = operators, []
            while waiting:
                first = waiting.pop()
                pair = _partner(first, waiting, tier)
                if pair is None:
                    operators.append(first)
                else:
                    second, adder = pair
                    waiting.append(adder.add(first, second, operator_name))
        return operators


def _partner(operator: Any, others: list[Any], tier: Sequence[Any]) -> tuple[Any, Any] | None:
    """Remove the last of the others that an adder adds to the operator; return it with the adder."""
    for i in reversed(range(len(others))):
        for adder in tier:
            if adder.can_add(operator, others[i]):
                return others.pop(i), adder
    return None


def _check(operators: list[Any]) -> None:
    """Raises unless these operators can be added."""
    if not operators:
        raise ValueError(
            f"Argument `operators` must contain at least one operator. Received: {operators}."
        )
    if not all(isinstance(operator, LinearOperator) for operator in operators):
        raise TypeError(
            f"Argument `operators` must contain only LinearOperator instances. Received: {operators}."
        )
    for dimension in ("domain_dimension", "range_dimension"):
        sizes = [(o.name, getattr(o, dimension).value) for o in operators]
        known = [(name, size) for name, size in sizes if size is not None]
        if len({size for _, size in known}) > 1:
            raise ValueError(
                f"All `operators` must have the same `{dimension}`. Received: {known}."
            )
    shapes.broadcast_static(*(operator.batch_shape for operator in operators))
