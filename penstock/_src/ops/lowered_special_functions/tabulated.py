"""Polynomials of the tables."""

from typing import Any

from penstock._src.ops.lowered_special_functions.tables import TABLES


def tabulated(p: Any, name: str, z: Any) -> Any:
    """The polynomial of a table at z, which is within its interval."""
    low, high, is_moved, coefficients = TABLES[name]
    if is_moved:
        z = p.sub(p.mul(z, 2 / (high - low)), (high + low) / (high - low))
    return p.polynomial(z, coefficients)


def limit_of(name: str) -> float:
    """The larger end of the interval of a table."""
    return TABLES[name][1]
