"""Bessel functions of the first and second kind.

Up to 8, J(x) / x ** order is a polynomial in x ** 2, and so is Y(x) / x ** order without its logarithm and its pole (DLMF 10.8.1). Beyond, both are
sums of cos(x) and sin(x) times polynomials in 1 / x (DLMF 10.17.3, 10.17.4); the constant in the phase is applied by the addition theorem,
since x minus a constant would lose bits of a large x.
"""

import math
from typing import Any

from penstock._src.ops.lowered_special_functions.tabulated import tabulated

_CUT = 8.0


def bessel_j(p: Any, x: Any, order: int) -> Any:
    """The Bessel function of the first kind of a float64 node."""
    size = p.abs(x)
    value = p.select(
        p.le(size, _CUT), _near_j(p, p.minimum(size, _CUT), order), _far(p, size, order)[0]
    )
    if order:
        value = p.select(p.lt(x, 0.0), p.neg(value), value)
        value = p.select(p.eq(x, 0.0), x, value)
    else:
        value = p.select(p.eq(x, 0.0), 1.0, value)
    return p.select(p.lt(size, math.inf), value, math.nan)


def bessel_y(p: Any, x: Any, order: int, at_zero: float) -> Any:
    """The Bessel function of the second kind of a float64 node; -inf below 0."""
    near = p.minimum(x, _CUT)
    singular = p.mul(p.log(near), _near_j(p, near, order))
    rest = tabulated(p, f"y{order}", p.mul(near, near))
    if order:
        singular, rest = p.sub(singular, p.reciprocal(near)), p.mul(rest, near)
    series = p.add(p.mul(singular, 2 / math.pi), rest)
    value = p.select(p.le(x, _CUT), series, _far(p, x, order)[1])
    value = p.select(p.eq(x, 0.0), at_zero, p.select(p.lt(x, 0.0), -math.inf, value))
    return p.select(p.lt(x, math.inf), value, math.nan)


def _near_j(p: Any, x: Any, order: int) -> Any:
    value = tabulated(p, f"j{order}", p.mul(x, x))
    return p.mul(value, x) if order else value


def _far(p: Any, x: Any, order: int) -> tuple[Any, Any]:
    """J and Y of x above the cut."""
    far = p.maximum(x, _CUT)
    inverse = p.reciprocal(far)
    square = p.mul(inverse, inverse)
    even = tabulated(p, f"jy{order}_p", square)
    odd = p.mul(tabulated(p, f"jy{order}_q", square), inverse)
    cos, sin = p.cos(far), p.sin(far)
    # sqrt(2) times the cosine and the sine of x - pi / 4.
    along, across = (
        p.add(sin, cos),
        p.sub(sin, cos),
    )
    if order:
        along, across = across, p.neg(along)
    scale = p.div(1 / math.sqrt(math.pi), p.sqrt(far))  # 1 / x may underflow, its root does not
    first = p.sub(p.mul(even, along), p.mul(odd, across))
    second = p.add(p.mul(even, across), p.mul(odd, along))
    return p.mul(first, scale), p.mul(second, scale)
