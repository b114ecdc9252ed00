"""The exponential integral."""

import math
from typing import Any

import numpy as np

from penstock._src.ops.lowered_special_functions.tabulated import limit_of, tabulated

# Tables in 1 / x, from small numbers to large ones.
_FAR = {
    "single": ("expint_middle_single", "expint_far_single"),
    "double": ("expint_lower_double", "expint_upper_double", "expint_far_double"),
}


def expint(p: Any, x: Any, narrow: bool) -> Any:
    """The exponential integral Ei of a float64 node; `narrow`: accurate to single precision only.

    Ei(x) is gamma + log(x) and x times a polynomial near 0, and e^x / x times polynomials in 1 / x beyond (DLMF 6.6.2, 6.12.2).
    """
    kind = "single" if narrow else "double"
    near_table = f"expint_{kind}"
    limit = limit_of(near_table)
    # Of more than 1000 the result is infinite, and the reciprocal could be denormal.
    near, far = p.minimum(x, limit), p.minimum(p.maximum(x, limit), 1000.0)
    entire = p.mul(tabulated(p, near_table, near), near)
    series = p.add(p.add(entire, p.log(near)), float(np.euler_gamma))
    inverse = p.div(1.0, far)
    first, *others = _FAR[kind]
    rest = tabulated(p, first, p.maximum(inverse, limit_of(others[0])))
    for name in others:
        end = limit_of(name)
        rest = p.select(p.lt(inverse, end), tabulated(p, name, p.minimum(inverse, end)), rest)
    root = p.exp(p.mul(far, 0.5))  # whose square may overflow where the result does not
    value = p.select(p.le(x, limit), series, p.mul(p.mul(p.mul(root, inverse), rest), root))
    return p.select(p.or_(p.lt(x, 0.0), p.eq(x, math.inf)), math.nan, value)
