"""Modified Bessel functions."""

import math
from typing import Any

import numpy as np

from penstock._src.ops.lowered_special_functions.tabulated import limit_of, tabulated

_K_FROM = 4.0  # where series in x give way to polynomials in 1 / x
# sqrt(x) e^x K(x) of orders 0 and 1 as polynomials in 2 _K_FROM / x - 1, interpolated at Chebyshev's nodes with 40 digits; off by 1e-13.
_K_FAR = (
    (
        1.234956389101287,
        -0.01726165075483584,
        0.0009853081043553556,
        -9.560153457766064e-05,
        1.262774843164232e-05,
        -2.0580099639808873e-06,
        3.916692105189089e-07,
        -8.261861950131784e-08,
        1.9454763456782205e-08,
        -6.482454492387743e-09,
        1.8362026242936156e-09,
    ),
    (
        1.309983457076504,
        0.05477518474325365,
        -0.0017328662270984002,
        0.0001409445455259844,
        -1.7066721989018998e-05,
        2.6398271319197613e-06,
        -4.850998762280637e-07,
        9.98843154449828e-08,
        -2.307600575270706e-08,
        7.52700915737395e-09,
        -2.1078986636976797e-09,
    ),
)
_K_TERMS = 24  # of the series, until they fall below an error


def bessel_k(p: Any, x: Any, order: int, scaled: bool) -> Any:
    """The modified Bessel function of the second kind of a float64 node, times e^x if scaled; accurate to single precision (DLMF 10.31)."""
    near = p.minimum(x, _K_FROM)
    log = p.log(p.mul(near, 0.5))
    square = p.mul(p.mul(near, near), 0.25)
    terms = [1 / (math.factorial(k) * math.factorial(k + order)) for k in range(_K_TERMS)]
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1.0, _K_TERMS + 1))])
    means = [(harmonic[k] + harmonic[k + order]) / 2 - np.euler_gamma for k in range(_K_TERMS)]
    growing = p.mul(log, p.polynomial(square, terms))
    rest = p.polynomial(square, [float(a * b) for a, b in zip(terms, means, strict=True)])
    series = p.sub(rest, growing)
    if order:
        series = p.add(p.reciprocal(near), p.mul(p.mul(near, -0.5), series))
    far = p.maximum(x, _K_FROM)
    place = p.sub(p.div(2 * _K_FROM, far), 1.0)
    beyond = p.div(p.polynomial(place, _K_FAR[order]), p.sqrt(far))
    if scaled:
        series = p.mul(series, p.exp(near))
    else:
        beyond = p.mul(beyond, p.exp(p.neg(far)))
    value = p.select(p.le(x, _K_FROM), series, p.select(p.eq(x, math.inf), 0.0, beyond))
    value = p.select(p.le(x, 0.0), math.inf, value)
    return p.select(p.is_nan(x), math.nan, value)


def bessel_i(p: Any, x: Any, order: int, scaled: bool, narrow: bool) -> Any:
    """The modified Bessel function of the first kind of a float64 node, times e^-|x| if scaled; `narrow`: accurate to single precision only.

    Near 0, it is a power of x times a polynomial in x ** 2; beyond, e^|x| / sqrt(|x|) times a polynomial in 1 / |x| (DLMF 10.25.2, 10.40.1).
    """
    kind = "single" if narrow else "double"
    near_table, far_table = f"i{order}_{kind}", f"i{order}_far_{kind}"
    cut = math.sqrt(limit_of(near_table))
    size = p.abs(x)
    inner, outer = p.minimum(size, cut), p.maximum(size, cut)
    near = tabulated(p, near_table, p.mul(inner, inner))
    if order:
        near = p.mul(near, inner)
    # 1 / x may underflow, its root does not.
    far = p.div(tabulated(p, far_table, p.reciprocal(outer)), p.sqrt(outer))
    if scaled:
        near = p.mul(near, p.exp(p.neg(inner)))
    else:
        far = p.mul(far, p.exp(outer))
    value = p.select(p.le(size, cut), near, far)
    if order:
        value = p.select(p.lt(x, 0.0), p.neg(value), value)
    return p.select(p.is_nan(x), x, value)
