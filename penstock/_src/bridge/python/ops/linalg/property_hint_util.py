"""Properties of the product of two operators that follow from theirs."""

from penstock._src.api.linalg.operators.algebra import both as _both
from penstock._src.api.linalg.operators.algebra import (
    commuting_positive as combined_commuting_positive_definite_hint,
)
from penstock._src.api.linalg.operators.algebra import (
    commuting_self_adjoint as combined_commuting_self_adjoint_hint,
)
from penstock._src.api.linalg.operators.algebra import square_product as is_square

__all__ = [
    "combined_commuting_positive_definite_hint",
    "combined_commuting_self_adjoint_hint",
    "combined_non_singular_hint",
    "is_square",
]


def combined_non_singular_hint(operator_a, operator_b):
    """True if the product of two operators can be inverted."""
    return _both(operator_a.is_non_singular, operator_b.is_non_singular)
