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


def agreed_hint(a: bool | None, b: bool | None, refusal: str) -> bool | None:
    """Returns the one of two hints that is known.

    Raises:
      ValueError: they differ.
    """
    if None not in (a, b) and a != b:
        raise ValueError(refusal)
    return b if a is None else a


def is_adjoint_pair(a: Any, b: Any) -> bool:
    """True if two operators are known to be adjoint to each other without comparing entries."""
    if a is b and a.is_self_adjoint is not None:
        return bool(a.is_self_adjoint)
    return a.H is b or b.H is a


def is_gram(operators: Any) -> bool:
    """True if the product of operators is of the form A A*, such as A B B* A*."""
    operators = list(operators)
    if not operators:
        raise ValueError("AAT form is undefined for empty operators")
    half, odd = divmod(len(operators), 2)
    pairs = zip(operators[:half], reversed(operators))
    return not odd and all(is_adjoint_pair(a, b) for a, b in pairs)


def square_product(a: Any, b: Any) -> bool | None:
    """True if the product of two operators is square; None if unknown."""
    if a.is_square and b.is_square:
        return True
    if a.is_square is False and b.is_square is False:
        return (a.range_dimension == b.domain_dimension) or None
    return False if None not in (a.is_square, b.is_square) else None


def commuting_self_adjoint(a: Any, b: Any) -> bool | None:
    """True if the product of two commuting operators is self-adjoint; None if unknown."""
    if a.is_self_adjoint is False and b.is_self_adjoint is False:
        return None
    return both(a.is_self_adjoint, b.is_self_adjoint)


def commuting_positive(a: Any, b: Any) -> bool | None:
    """True if the product of two commuting operators is positive definite; None if unknown."""
    positive = a.is_positive_definite is True and a.is_self_adjoint is True
    return True if positive and b.is_positive_definite and b.is_self_adjoint else None
