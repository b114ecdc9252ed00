"""The Hurwitz zeta function and the derivatives of digamma, which are multiples of it."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ops.lowered_special_functions.gamma_parts import full

# B(2 k) / (2 k)! of the formula of Euler and Maclaurin.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
_REST = [b / math.factorial(2 * k) for k, b in enumerate(_BERNOULLI, 1)]
_TERMS = {False: 12.0, True: 4.0}  # at most, that are added up one by one; by `narrow`
_TOLERANCE = {False: 1e-17, True: 1e-10}  # of a term
_TERMS_BELOW = 64.0  # that are added up one by one below 0
_FAR = 1e8  # least q for which two terms of the formula are enough
_FACTORIALS = np.array([*(float(math.factorial(n)) for n in range(171)), math.inf])


def zeta(p: Any, x: Any, q: Any, narrow: bool) -> Any:
    """The sum of (q + n) ** -x; see `special_functions.zeta`."""
    return p.by_element(lambda x, q: _zeta(p, x, q, narrow), [x, q])[0]


def polygamma(p: Any, n: Any, x: Any, narrow: bool) -> Any:
    """The n-th derivative of digamma; see `special_functions.polygamma`."""
    n, x = p.broadcast_together(n, x)
    is_order = p.and_(p.ge(n, 0.0), p.eq(n, p.floor(n)))
    order = p.select(is_order, n, 0.0)
    position = p.cast(p.minimum(order, float(len(_FACTORIALS) - 1)), dtypes.int32)
    factor = p.gather(p.constant(_FACTORIALS), position, 0)

    def compute(n: Any, is_order: Any, order: Any, factor: Any, x: Any) -> Any:
        is_negative = p.and_(p.lt(order, math.inf), p.eq(_remainder(p, order), 0.0))
        value = p.select(is_negative, -factor, factor) * _zeta(p, order + 1.0, x, narrow)
        value = p.where_any(p.eq(order, 0.0), lambda x: _digamma(p, x, narrow), [x], value)
        return p.select(is_order, value, math.nan)

    return p.by_element(compute, [n, is_order, order, factor, x])[0]


def _digamma(p: Any, x: Any, narrow: bool) -> Any:
    """Digamma; of numbers of single precision, it is rounded to that."""
    return p.cast(p.digamma(p.cast(x, dtypes.float32)), dtypes.float64) if narrow else p.digamma(x)


def _remainder(p: Any, x: Any) -> Any:
    """The remainder of whole numbers by 2."""
    return x - p.floor(x * 0.5) * 2.0


def _zeta(p: Any, x: Any, q: Any, narrow: bool) -> Any:
    is_regular = p.and_(p.gt(x, 1.0), p.lt(x, math.inf))
    whole_x, whole_q = p.eq(x, p.floor(x)), p.eq(q, p.floor(q))
    low, endless = p.le(q, 0.0), p.eq(x, math.inf)
    is_even = p.eq(_remainder(p, x), 0.0)
    order = p.select(is_regular, x, 2.0)
    summed = p.and_(is_regular, p.and_(p.gt(q, 0.0), p.lt(q, math.inf)))
    value = _sum(p, order, p.select(summed, q, 1.0), summed, narrow)
    below = p.and_(p.and_(is_regular, p.lt(q, 0.0)), p.and_(whole_x, p.not_(whole_q)))
    arguments = [order, q, is_even, below]
    value = p.where_any(below, lambda *of: _below(p, *of, narrow), arguments, value)
    far = p.and_(summed, p.gt(q, _FAR))
    value = p.where_any(far, lambda *of: _far(p, *of), [order, q], value)
    of_endless = p.select(p.gt(q, 1.0), 0.0, p.select(p.eq(q, 1.0), full(p, q, 1.0), math.inf))
    value = p.select(p.eq(q, math.inf), 0.0, p.select(endless, of_endless, value))
    value = p.select(p.and_(low, p.not_(p.or_(whole_x, whole_q))), math.nan, value)
    even = p.or_(endless, p.and_(whole_x, is_even))
    at_pole = p.select(even, math.inf, full(p, q, math.nan))
    value = p.select(p.and_(low, whole_q), at_pole, value)
    value = p.select(p.eq(x, 1.0), math.inf, p.select(p.lt(x, 1.0), math.nan, value))
    return p.select(p.or_(p.is_nan(x), p.is_nan(q)), math.nan, value)


def _far(p: Any, order: Any, q: Any) -> Any:
    """The function of large q: the integral of the terms, and half of the first."""
    return p.pow(q, 1.0 - order) * (1.0 / (order - 1.0) + 0.5 / q)


def _below(p: Any, order: Any, q: Any, is_even: Any, active: Any, narrow: bool) -> Any:
    """The function of q < 0 for whole orders: the last terms below 0 one by one, the sum of those before, and those above 0."""
    fraction = p.select(active, q - p.floor(q), 0.5)
    is_far = p.and_(active, p.lt(q, -_TERMS_BELOW))

    def before(order: Any, fraction: Any, q: Any, is_far: Any) -> Any:
        first, last = (
            p.select(is_far, 1.0 - fraction + _TERMS_BELOW, 1.0),
            p.select(is_far, 1.0 - q, 1.0),
        )
        return _sum(p, order, first, is_far, narrow) - _sum(p, order, last, is_far, narrow)

    zero = full(p, q, 0.0)
    size = p.where_any(is_far, before, [order, fraction, q, is_far], zero)

    def step(base: Any, total: Any) -> list[Any]:
        term = _power(p, -base, order, narrow)
        return [base + 1.0, total + p.select(is_even, term, -term)]

    start = [p.maximum(q, fraction - _TERMS_BELOW), p.select(is_even, size, -size)]
    _, total = p.iterate(lambda base, _: p.and_(active, p.lt(base, 0.0)), step, start)
    return _sum(p, order, fraction, active, narrow, total)


def _power(p: Any, base: Any, order: Any, narrow: bool) -> Any:
    """base ** -order; in double precision, the exponential has the digits of single precision."""
    return p.exp(-order * p.log(base)) if narrow else p.pow(base, -order)


def _sum(p: Any, order: Any, q: Any, active: Any, narrow: bool, start: Any = None) -> Any:
    """The sum of (q + n) ** -order for q > 0: some terms, and the rest by the formula of Euler and Maclaurin."""

    def is_open(term: Any, total: Any) -> Any:
        return p.gt(term, p.abs(total) * _TOLERANCE[narrow])

    def goes_on(n: Any, _: Any, term: Any, total: Any) -> Any:
        return p.and_(p.and_(active, is_open(term, total)), p.lt(n, _TERMS[narrow]))

    def step(n: Any, base: Any, _: Any, total: Any) -> list[Any]:
        following = base + 1.0
        term = _power(p, following, order, narrow)
        return [n + 1.0, following, term, total + term]

    first = _power(p, q, order, narrow)
    total = first if start is None else start + first
    _, base, term, total = p.iterate(goes_on, step, [full(p, q, 0.0), q, first, total])
    inverse = p.reciprocal(base)
    square = inverse * inverse
    rest = term * (base / (order - 1.0) - 0.5)
    # of large orders the first terms are all there is, and the formula would diverge
    rest_counts, term = is_open(term, total), term * order * inverse
    for k, coefficient in enumerate(_REST):
        if k:
            term = term * ((order + (2 * k - 1.0)) * (order + 2.0 * k)) * square
        rest = rest + term * coefficient
    return total + p.select(rest_counts, rest, 0.0)
