"""Combinations of operators: a table of rules by their classes.

A rule for a pair of classes also applies to subclasses; the most specific one in the class hierarchy is used. Rules are
functions marked by `@rule(kind, class, ...)`.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.core import errors

_RULES: dict[str, dict[tuple[type, ...], Callable[..., Any]]] = {
    "adjoint": {},
    "cholesky": {},
    "inverse": {},
    "matmul": {},
    "solve": {},
}


def rule(kind: str, *classes: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks the function that applies `kind` to operators of these classes."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _RULES[kind][classes] = function
        return function

    return register


def apply(kind: str, *operators: Any) -> Any:
    """Applies the most specific rule to the operators."""
    best, chosen = None, None
    for classes, function in _RULES[kind].items():
        distances = [_distance(o, c) for o, c in zip(operators, classes)]
        if None in distances:
            continue
        distance = sum(d for d in distances if d is not None)
        if best is None or distance < best:
            best, chosen = distance, function
    if chosen is None:
        names = ", ".join(type(o).__name__ for o in operators)
        raise errors.UnimplementedError(None, None, f"{kind}: no rule for operators {names}.")
    return chosen(*operators)


def _distance(operator: Any, ancestor: type) -> int | None:
    ancestry = type(operator).__mro__
    return ancestry.index(ancestor) if ancestor in ancestry else None


def both(a: bool | None, b: bool | None) -> bool | None:
    """True if both are; False if one is False; else None."""
    if a is False or b is False:
        return False
    return True if a and b else None


def all_true(hints: Any) -> bool | None:
    """True if all are true; else None (unknown)."""
    return True if all(hints) else None


def square_product(a: Any, b: Any) -> bool | None:
    """Whether the product of two operators is square."""
    if a.is_square and b.is_square:
        return True
    rows, columns = a.range_dimension, b.domain_dimension
    return None if rows is None or columns is None else rows == columns


def commuting_self_adjoint(a: Any, b: Any) -> bool | None:
    """Whether the product of two operators that commute is self-adjoint."""
    if a.is_self_adjoint is False and b.is_self_adjoint is False:
        return None
    return both(a.is_self_adjoint, b.is_self_adjoint)


def commuting_positive(a: Any, b: Any) -> bool | None:
    """Whether the product of two operators that commute is positive definite."""
    positive = a.is_positive_definite is True and a.is_self_adjoint is True
    return True if positive and b.is_positive_definite and b.is_self_adjoint else None
