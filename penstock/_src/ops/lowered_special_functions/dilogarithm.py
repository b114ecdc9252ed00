"""Spence's integral."""

import math
from typing import Any

# Of u ** (2 k + 1) in the dilogarithm of 1 - exp(-u), from k = 1: Bernoulli numbers over (2 k + 1)!.
_COEFFICIENTS = tuple(
    bernoulli / math.factorial(2 * k + 1)
    for k, bernoulli in enumerate(
        (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798), 1
    )
)


def spence(p: Any, x: Any) -> Any:
    """The dilogarithm of 1 - x of a float64 node; NaN below 0.

    Between 1/2 and 2, it is a series in u = -log(x); other numbers are brought there by x -> 1 / x and x -> 1 - x (DLMF 25.12.3, 25.12.4, 25.12.6).
    """
    large = p.gt(x, 2.0)
    within = p.select(large, p.reciprocal(x), x)  # at most 2
    small = p.lt(within, 0.5)
    # Not of the reciprocal, which could be denormal.
    size = p.log(p.select(large, x, p.select(small, within, 0.5)))
    log = p.select(large, p.neg(size), size)
    u = p.neg(p.log(p.select(small, p.sub(1.0, within), within)))
    square = p.mul(u, u)
    tail = p.mul(p.mul(p.polynomial(square, _COEFFICIENTS), square), u)
    series = p.add(p.sub(u, p.mul(square, 0.25)), tail)
    product = p.select(p.eq(within, 0.0), 0.0, p.mul(log, u))
    reflected = p.sub(p.add(product, math.pi**2 / 6), series)
    value = p.select(small, reflected, series)
    inverted = p.neg(p.add(p.mul(p.mul(log, log), 0.5), value))
    value = p.select(p.eq(x, 1.0), 0.0, p.select(large, inverted, value))
    return p.select(p.and_(p.ge(x, 0.0), p.lt(x, math.inf)), value, math.nan)
