"""The exponential integral."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes

_MOST_SERIES = {
    True: 24.0,
    False: 40.0,
}  # above, terms of the asymptotic series fall below an error for a while
_SERIES_TERMS = {True: 80, False: 130}


def expint(p: Any, x: Any, narrow: bool) -> Any:
    """The exponential integral Ei of a float64 node; `narrow`: accurate to single precision only.

    Ei(x) = gamma + log(x) + the sum of x^k / (k k!), whose terms are positive, and e^x / x times the sum of k! / x^k far out (DLMF 6.6.2, 6.12.2).
    """
    limit = _MOST_SERIES[narrow]
    near, far = p.minimum(x, limit), p.maximum(x, limit)
    total = p.full(x.shape, 0.0, dtypes.float64)
    for k in range(_SERIES_TERMS[narrow], 0, -1):
        total = p.mul(p.add(total, 1 / (k * math.factorial(k))), near)
    series = p.add(p.add(total, p.log(near)), float(np.euler_gamma))
    inverse = p.div(1.0, far)
    rest = p.full(x.shape, 1.0, dtypes.float64)
    for k in range(int(limit) - 1, 0, -1):
        rest = p.add(p.mul(p.mul(rest, float(k)), inverse), 1.0)
    root = p.exp(p.mul(far, 0.5))  # whose square may overflow where the result does not
    value = p.select(p.le(x, limit), series, p.mul(p.mul(p.mul(root, inverse), rest), root))
    return p.select(p.or_(p.lt(x, 0.0), p.eq(x, math.inf)), math.nan, value)
