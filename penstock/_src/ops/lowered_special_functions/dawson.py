"""Dawson's integral."""

import math
from typing import Any

from penstock._src.ops.lowered_special_functions.tabulated import limit_of, tabulated


def dawson(p: Any, x: Any, narrow: bool) -> Any:
    """Dawson's integral of a float64 node; `narrow`: accurate to single precision only.

    Near 0, it is x exp(-x ** 2) times a polynomial in x ** 2; beyond, polynomials in x ** -2 over x (DLMF 7.6, 7.12).
    """
    kind = "single" if narrow else "double"
    near, middle, far = f"dawson_{kind}", f"dawson_middle_{kind}", f"dawson_far_{kind}"
    cut = math.sqrt(limit_of(near))
    size = p.abs(x)
    inner = p.minimum(size, cut)
    inverse = p.reciprocal(p.maximum(size, cut))
    square = p.mul(inverse, inverse)
    end = limit_of(far)
    beyond = p.select(
        p.lt(square, end),
        tabulated(p, far, p.minimum(square, end)),
        tabulated(p, middle, p.maximum(square, end)),
    )
    squared = p.mul(inner, inner)
    series = p.mul(p.mul(tabulated(p, near, squared), p.exp(p.neg(squared))), inner)
    value = p.select(p.le(size, cut), series, p.mul(beyond, inverse))
    value = p.select(p.lt(x, 0.0), p.neg(value), value)
    return p.select(p.or_(p.eq(x, 0.0), p.is_nan(x)), x, value)
