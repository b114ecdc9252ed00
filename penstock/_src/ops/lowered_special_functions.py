"""Special functions as primitives, in double precision: those of special_functions.py that programs compute themselves."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes

# B(2 k) / (2 k)! of the formula of Euler and Maclaurin.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
_REST = [b / math.factorial(2 * k) for k, b in enumerate(_BERNOULLI, 1)]
_TERMS = 12  # that are added up one by one
_LARGE = 1e4  # from here on only the first term matters
_FACTORIALS = np.array([*(float(math.factorial(n)) for n in range(171)), math.inf])
_MOST_STEPS = 2000  # of a series or continued fraction


def zeta(p: Any, x: Any, q: Any) -> Any:
    """The Hurwitz zeta function of float64 nodes of one shape; see `special_functions.zeta`."""
    is_regular = p.and_(p.gt(x, 1.0), p.le(x, _LARGE))
    order = p.select(is_regular, x, 2.0)
    is_odd = p.eq(p.mod(order, 2.0), 1.0)
    whole_x, whole_q = p.eq(x, p.floor(x)), p.eq(q, p.floor(q))

    def power(base: Any) -> Any:
        size = p.pow(p.abs(base), p.neg(order))
        return p.select(p.and_(is_odd, p.lt(base, 0.0)), p.neg(size), size)

    def is_below(base: Any) -> Any:
        return p.and_(p.lt(base, 0.0), p.ne(base, p.floor(base)))

    def up(total: Any, base: Any) -> list[Any]:
        below = is_below(base)
        grown = p.add(total, p.select(below, power(base), 0.0))
        return [grown, p.select(below, p.add(base, 1.0), base)]

    zeros = p.full(q.shape, 0.0, dtypes.float64)
    axes = list(range(q.rank))
    total, base = p.while_(lambda _, base: p.reduce_any(is_below(base), axes), up, [zeros, q])
    for _ in range(_TERMS):
        total, base = p.add(total, power(base)), p.add(base, 1.0)
    first = power(base)
    rest = p.add(p.div(p.mul(first, base), p.sub(order, 1.0)), p.mul(first, 0.5))
    term = p.div(p.mul(first, order), base)
    for k, coefficient in enumerate(_REST):
        if k:
            rising = p.mul(p.add(order, 2 * k - 1.0), p.add(order, 2.0 * k))
            term = p.div(p.div(p.mul(term, rising), base), base)
        rest = p.add(rest, p.mul(term, coefficient))
    value = p.add(total, rest)
    is_large = p.and_(p.gt(x, _LARGE), p.gt(q, 0.0))
    value = p.select(is_large, p.pow(p.abs(q), p.neg(x)), value)
    endless = p.eq(x, math.inf)
    value = p.select(p.or_(p.and_(endless, p.gt(q, 1.0)), p.eq(q, math.inf)), 0.0, value)
    low = p.le(q, 0.0)
    neither = p.not_(p.or_(whole_x, whole_q))
    value = p.select(p.and_(low, neither), math.nan, value)
    even = p.or_(endless, p.and_(whole_x, p.eq(p.mod(x, 2.0), 0.0)))
    at_pole = p.select(even, math.inf, p.full(q.shape, math.nan, dtypes.float64))
    value = p.select(p.and_(low, whole_q), at_pole, value)
    value = p.select(p.eq(x, 1.0), math.inf, p.select(p.lt(x, 1.0), math.nan, value))
    return p.select(p.or_(p.is_nan(x), p.is_nan(q)), math.nan, value)


def polygamma(p: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of digamma of float64 nodes of one shape; see `special_functions.polygamma`."""
    is_order = p.and_(p.ge(n, 0.0), p.eq(n, p.floor(n)))
    order = p.select(is_order, n, 0.0)
    place = p.cast(p.minimum(order, float(len(_FACTORIALS) - 1)), dtypes.int32)
    factor = p.gather(p.constant(_FACTORIALS), place, 0)
    endless = p.eq(order, math.inf)
    is_negative = p.and_(p.not_(endless), p.eq(p.mod(order, 2.0), 0.0))
    value = p.mul(p.select(is_negative, p.neg(factor), factor), zeta(p, p.add(order, 1.0), x))
    value = p.select(p.eq(order, 0.0), p.digamma(x), value)
    return p.select(is_order, value, math.nan)


def igamma_slope(p: Any, a: Any, x: Any) -> Any:
    """The derivative of the lower regularized incomplete gamma function, of float64 nodes of one shape; see `special_functions.igamma_slope`."""
    regular = p.and_(p.gt(a, 0.0), p.gt(x, 0.0))
    is_step = p.gt(p.maximum(a, x), 1e30)
    inside = p.and_(regular, p.not_(is_step))
    a_, x_ = p.select(inside, a, 1.0), p.select(inside, x, 1.0)
    log_x, digamma = p.log(x_), p.digamma(a_)
    near = p.le(x_, p.maximum(a_, 1.0))
    total, slope = _by_series(p, a_, x_, near)
    front = p.exp(p.sub(p.sub(p.mul(a_, log_x), x_), p.lgamma(p.add(a_, 1.0))))
    turn = p.sub(p.sub(log_x, digamma), p.reciprocal(a_))
    by_series = p.mul(front, p.add(p.mul(turn, total), slope))
    value, slope = _by_fraction(p, a_, x_, p.not_(near))
    front = p.exp(p.sub(p.sub(p.mul(a_, log_x), x_), p.lgamma(a_)))
    by_fraction = p.neg(p.mul(front, p.add(p.mul(p.sub(log_x, digamma), value), slope)))
    found = p.select(inside, p.select(near, by_series, by_fraction), 0.0)
    is_known = p.or_(p.eq(x, 0.0), regular)
    return p.select(is_known, found, math.nan)


def _steps(p: Any, step: Callable[..., list[Any]], state: list[Any], active: Any) -> list[Any]:
    """Return the state after as many steps as each element needs: step(n, *state) gives which elements are done, and the next state."""
    axes = list(range(active.rank))

    def body(n: Any, going: Any, *before: Any) -> list[Any]:
        n = p.add(n, 1.0)
        done, *after = step(n, *before)
        kept = [p.select(going, new, old) for new, old in zip(after, before, strict=True)]
        return [n, p.and_(going, p.not_(done)), *kept]

    def goes_on(n: Any, going: Any, *_: Any) -> Any:
        return p.and_(p.lt(n, float(_MOST_STEPS)), p.reduce_any(going, axes))

    final: list[Any] = p.while_(goes_on, body, [p.scalar(0.0, dtypes.float64), active, *state])
    return final[2:]


def _by_series(p: Any, a: Any, x: Any, active: Any) -> list[Any]:
    """The sum of c_n with c_0 = 1, c_n = c_(n-1) x / (a + n), and its derivative by a."""
    zero, one = (p.full(a.shape, v, dtypes.float64) for v in (0.0, 1.0))

    def step(n: Any, c: Any, d: Any, total: Any, slope: Any) -> list[Any]:
        at = p.add(a, n)
        d = p.div(p.sub(p.mul(d, x), p.div(p.mul(c, x), at)), at)
        c = p.div(p.mul(c, x), at)
        total, slope = p.add(total, c), p.add(slope, d)
        done = p.and_(p.le(p.abs(d), p.mul(p.abs(slope), 1e-17)), p.le(c, p.mul(total, 1e-17)))
        return [done, c, d, total, slope]

    return _steps(p, step, [one, zero, one, zero], active)[2:]


def _by_fraction(p: Any, a: Any, x: Any, active: Any) -> list[Any]:
    """1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)) and its derivative by a, by the three-term recurrence."""
    zero, one = (p.full(a.shape, v, dtypes.float64) for v in (0.0, 1.0))
    start = p.sub(p.add(x, 1.0), a)
    value = p.reciprocal(start)
    state = [start, zero, one, one, start, zero, zero, zero, p.neg(one), value, p.mul(value, value)]

    def step(n: Any, b: Any, *numbers: Any) -> list[Any]:
        p0, p1, q0, q1, dp0, dp1, dq0, dq1, value, slope = numbers
        by = p.mul(p.sub(a, n), n)
        b = p.add(b, 2.0)

        def following(before: Any, now: Any) -> Any:
            return p.add(p.mul(b, now), p.mul(by, before))

        def slopes(before: Any, now: Any, of_before: Any, of_now: Any) -> Any:
            return p.add(p.sub(following(of_before, of_now), now), p.mul(before, n))

        p0, p1, dp0, dp1 = p1, following(p0, p1), dp1, slopes(p0, p1, dp0, dp1)
        q0, q1, dq0, dq1 = q1, following(q0, q1), dq1, slopes(q0, q1, dq0, dq1)
        new = p.div(p1, q1)
        steeper = p.div(p.sub(dp1, p.mul(new, dq1)), q1)
        is_same = p.le(p.abs(p.sub(new, value)), p.mul(p.abs(new), 1e-16))
        done = p.and_(is_same, p.le(p.abs(p.sub(steeper, slope)), p.mul(p.abs(steeper), 1e-15)))
        scale = p.reciprocal(p.maximum(p.abs(q1), 1e-300))
        scale = p.select(p.lt(scale, 1e-100), scale, 1.0)
        scaled = [p.mul(v, scale) for v in (p0, p1, q0, q1, dp0, dp1, dq0, dq1)]
        return [done, b, *scaled, new, steeper]

    return _steps(p, step, state, active)[-2:]


_MOST_SERIES = {
    True: 24.0,
    False: 40.0,
}  # above, terms of the asymptotic series fall below an error for a while
_SERIES_TERMS = {True: 80, False: 130}


def expint(p: Any, x: Any, narrow: bool) -> Any:
    """The exponential integral Ei of a float64 node; `narrow`: as exact as single precision asks.

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
    """The modified Bessel function of the second kind of a float64 node, times e^x if scaled; as exact as single precision asks (DLMF 10.31)."""
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
