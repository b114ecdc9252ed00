"""Fresnel integrals."""

import math
from typing import Any

from penstock._src.ops.lowered_special_functions.tabulated import tabulated

_CUT = 2.0
_MOST = 1e20  # beyond it, they are a half


def fresnel(p: Any, x: Any, which: str) -> Any:
    """The Fresnel integral "cos" or "sin" of a float64 node that holds a number of single precision; accurate to that.

    Up to 2, it is a power of x times a polynomial in x ** 4; beyond, it comes from the auxiliary functions f and g (DLMF 7.5.3, 7.5.4).
    """
    size = p.abs(x)
    inner = p.minimum(size, _CUT)
    square = p.mul(inner, inner)
    near = p.mul(tabulated(p, f"fresnel_{which}", p.mul(square, square)), inner)
    if which == "sin":
        near = p.mul(near, square)
    far = p.minimum(p.maximum(size, _CUT), _MOST)
    inverse = p.reciprocal(far)
    squared = p.mul(inverse, inverse)
    fourth = p.mul(squared, squared)
    f = p.mul(tabulated(p, "fresnel_f", fourth), inverse)
    g = p.mul(p.mul(tabulated(p, "fresnel_g", fourth), inverse), squared)
    # The square of a float32 is exact in float64, and so is its remainder after whole turns.
    turns = p.mul(p.mul(far, far), 0.25)
    angle = p.mul(p.sub(turns, p.round(turns)), 2 * math.pi)
    cos, sin = p.cos(angle), p.sin(angle)
    if which == "cos":
        wave = p.sub(p.mul(f, sin), p.mul(g, cos))
    else:
        wave = p.neg(p.add(p.mul(f, cos), p.mul(g, sin)))
    value = p.select(p.le(size, _CUT), near, p.add(wave, 0.5))
    value = p.select(p.lt(x, 0.0), p.neg(value), value)
    return p.select(p.is_nan(x), x, value)
