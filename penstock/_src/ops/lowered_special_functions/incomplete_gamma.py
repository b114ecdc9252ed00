"""The regularized incomplete gamma functions and their derivative by the first argument."""

import functools
import math
from fractions import Fraction
from typing import Any

from penstock._src.ops.lowered_special_functions.gamma_parts import (
    LOG_GAMMA_1P,
    ROOT_OF_TWO_PI,
    SHIFT,
    exact_sum,
    full,
    gamma_of_sum,
    log1p_less_itself,
    stirling_rest,
)

TOLERANCE = {False: 1e-17, True: 1e-10}  # of terms of a series, by `narrow`
_OF_QUOTIENTS = {False: 4e-16, True: 1e-10}  # of convergents of a continued fraction
_MOST_STEPS = 5000.0
_SERIES_TO = 4.0  # x up to which the series takes fewer steps than the fraction
_SMALL = 1.1  # up to this x the upper function may use a separate series
_UNIFORM_FROM, _UNIFORM_WITHIN = 200.0, 0.3  # a, and |x - a| / a, of the uniform expansion
# Number of powers of eta in the first coefficients of the uniform expansion.
_UNIFORM_ORDERS = (18, 15, 12, 10, 8, 6)
_HUGE = 1e100  # numerators and denominators of convergents are scaled down from here on


def igamma(p: Any, a: Any, x: Any, narrow: bool) -> Any:
    """The lower function P(a, x); see `special_functions.igamma`."""
    return p.by_element(lambda a, x: _lower(p, a, x, narrow), [a, x])[0]


def igammac(p: Any, a: Any, x: Any, narrow: bool) -> Any:
    """The upper function Q(a, x); see `special_functions.igammac`."""
    return p.by_element(lambda a, x: _upper(p, a, x, narrow), [a, x])[0]


def _is_inside(p: Any, a: Any, x: Any) -> Any:
    """True where both arguments are positive and finite."""
    positive = p.and_(p.gt(a, 0.0), p.gt(x, 0.0))
    return p.and_(positive, p.and_(p.lt(a, math.inf), p.lt(x, math.inf)))


def _lower(p: Any, a: Any, x: Any, narrow: bool) -> Any:
    inside = _is_inside(p, a, x)
    by = _Parts(p, p.select(inside, a, 1.0), p.select(inside, x, 1.0), narrow)
    rest = p.and_(inside, p.not_(by.is_uniform))
    near = p.le(by.x, p.maximum(by.a, _SERIES_TO))
    value = by.series(p.and_(rest, near))
    value = p.select(near, value, 1.0 - by.fraction(p.and_(rest, p.not_(near))))
    value = p.where_any(by.is_uniform, lambda *of: _uniform(p, *of, -1.0), [by.a, by.x], value)
    valid = p.and_(p.gt(a, 0.0), p.gt(x, 0.0))
    at_ends = p.select(valid, p.select(p.lt(a, math.inf), full(p, a, 1.0), 0.0), math.nan)
    return p.select(p.eq(x, 0.0), 0.0, p.select(inside, value, at_ends))


def _upper(p: Any, a: Any, x: Any, narrow: bool) -> Any:
    inside = _is_inside(p, a, x)
    by = _Parts(p, p.select(inside, a, 1.0), p.select(inside, x, 1.0), narrow)
    rest = p.and_(inside, p.not_(by.is_uniform))
    # DiDonato and Morris 1986: where 1 - P loses digits although x is small
    bound = p.select(p.le(by.x, 0.5), -0.4 / p.log(p.minimum(by.x, 0.5)), by.x * _SMALL)
    is_small = p.le(by.x, _SMALL)
    own = p.and_(is_small, p.ge(bound, by.a))
    near = p.or_(is_small, p.lt(by.x, by.a))
    if narrow:  # 1 - P still has the digits
        near = p.or_(near, p.and_(p.lt(by.x, _SERIES_TO), p.gt(by.a, 0.5)))
    near = p.and_(p.not_(own), near)
    far = p.not_(p.or_(own, near))
    value = p.select(near, 1.0 - by.series(p.and_(rest, near)), by.fraction(p.and_(rest, far)))
    own = p.and_(rest, own)
    arguments = [by.a, by.x, own]
    value = p.where_any(own, lambda *of: _upper_series(p, *of, narrow), arguments, value)
    value = p.where_any(by.is_uniform, lambda *of: _uniform(p, *of, 1.0), [by.a, by.x], value)
    valid = p.and_(p.gt(a, 0.0), p.ge(x, 0.0))
    before = p.and_(p.lt(x, math.inf), valid)
    at_ends = p.select(before, 1.0, p.select(valid, full(p, a, 0.0), math.nan))
    return p.select(inside, value, at_ends)


class _Parts:
    """Ways to compute the functions of positive, finite a and x; `active`: which elements need them."""

    def __init__(self, p: Any, a: Any, x: Any, narrow: bool) -> None:
        self.p, self.a, self.x, self.narrow = p, a, x, narrow
        self.away = (x - a) / a
        self.front = density(p, a, x)
        near = p.lt(p.abs(self.away), _UNIFORM_WITHIN)
        self.is_uniform = p.and_(p.gt(a, _UNIFORM_FROM), near)

    def series(self, active: Any) -> Any:
        """P as front * the sum of x^n / ((a + 1) ... (a + n)), two terms a step."""
        p, x = self.p, self.x
        some = p.and_(active, p.gt(self.front, 0.0))

        def goes_on(_: Any, term: Any, total: Any) -> Any:
            return p.and_(some, p.gt(term, total * TOLERANCE[self.narrow]))

        def step(at: Any, term: Any, total: Any) -> list[Any]:
            first, second = at + 1.0, at + 2.0
            quotient = term * x / (first * second)
            term = quotient * x
            return [second, term, total + (quotient * second + term)]

        one = full(p, x, 1.0)
        return self.front * p.iterate(goes_on, step, [self.a, one, one])[2]

    def fraction(self, active: Any) -> Any:
        """Q as front * a / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), by the three-term recurrence, two terms a step."""
        p = self.p
        some = p.and_(active, p.gt(self.front, 0.0))

        def goes_on(n: Any, _: Any, p0: Any, p1: Any, q0: Any, q1: Any) -> Any:
            return p.and_(
                p.and_(some, p.lt(n, _MOST_STEPS)), differ(p, p0, p1, q0, q1, self.narrow)
            )

        def step(n: Any, b: Any, p0: Any, p1: Any, q0: Any, q1: Any) -> list[Any]:
            for _ in range(2):
                n, b = n + 1.0, b + 2.0
                by = (self.a - n) * n
                p0, p1 = p1, b * p1 + by * p0
                q0, q1 = q1, b * q1 + by * q0
            return [n, b, *scaled_down(p, [p0, p1, q0, q1])]

        zero, one, b = full(p, self.x, 0.0), full(p, self.x, 1.0), (self.x - self.a) + 1.0
        *_, p1, _, q1 = p.iterate(goes_on, step, [zero, b, zero, one, one, b])
        return self.front * self.a * (p1 / q1)


def _upper_series(p: Any, a: Any, x: Any, active: Any, narrow: bool) -> Any:
    """Q of small a and x: 1 - x^a / gamma(1 + a) + x^a / gamma(a) * the sum of (-x)^n / (n! (a + n)), with opposite sign."""

    def goes_on(_: Any, term: Any, total: Any) -> Any:
        return p.and_(active, p.gt(p.abs(term), p.abs(total) * TOLERANCE[narrow]))

    def step(n: Any, factor: Any, total: Any) -> list[Any]:
        n = n + 1.0
        factor = -factor * x / n
        return [n, factor, total + factor / (a + n)]

    zero, one = full(p, x, 0.0), full(p, x, 1.0)
    total = p.iterate(goes_on, step, [zero, one, zero])[2]
    power = a * p.log(x) - a * p.polynomial(a, LOG_GAMMA_1P)
    return -p.expm1(power) - a * p.exp(power) * total


def _uniform(p: Any, a: Any, x: Any, sign: float) -> Any:
    """P (sign -1) or Q (1) of large a near x, by Temme's expansion, uniform in x (DLMF 8.12)."""
    half_square = -log_of_ratio(p, a, x)
    is_below = p.lt(x, a)
    eta = p.sqrt(half_square * 2.0)
    eta = p.select(is_below, -eta, eta)
    argument = p.sqrt(a * half_square)
    argument = p.select(is_below, -argument, argument)
    inverse, total = p.reciprocal(a), None
    for coefficients in reversed(_uniform_coefficients()):
        term = p.polynomial(eta, coefficients)
        total = term if total is None else total * inverse + term
    rest = p.exp(-(a * half_square)) / (p.sqrt(a) * ROOT_OF_TWO_PI) * total
    return p.erfc(argument * sign) * 0.5 + rest * sign


def log_of_ratio(p: Any, a: Any, x: Any) -> Any:
    """log(x / a) - (x - a) / a."""
    return log1p_less_itself(p, (x - a) / a, x / a)


def density(p: Any, a: Any, x: Any) -> Any:
    """x^a e^-x / gamma(a + 1)."""
    is_small = p.lt(a, float(SHIFT))

    def of_small(a: Any, x: Any) -> Any:
        log_gamma, product = gamma_of_sum(p, p.minimum(a, float(SHIFT)))
        total, error = exact_sum(p, a * p.log(x), -x)
        total, more = exact_sum(p, total, -log_gamma)
        return p.exp(total) * (1.0 + (error + more)) / product

    def of_large(a: Any, x: Any) -> Any:  # Loader 2000
        rest = stirling_rest(p, p.maximum(a, float(SHIFT)))
        return p.exp(a * log_of_ratio(p, a, x) - rest) / (p.sqrt(a) * ROOT_OF_TWO_PI)

    value = p.where_any(is_small, of_small, [a, x], full(p, a, 0.0))
    return p.where_any(p.not_(is_small), of_large, [a, x], value)


def differ(p: Any, p0: Any, p1: Any, q0: Any, q1: Any, narrow: bool) -> Any:
    """True where two convergents p0 / q0 and p1 / q1 are not yet the same."""
    product = p1 * q0
    return p.gt(p.abs(product - p0 * q1), p.abs(product) * _OF_QUOTIENTS[narrow])


def scaled_down(p: Any, values: list[Any]) -> list[Any]:
    """Convergents' parts, all smaller where the last is huge."""
    scale = p.select(p.gt(p.abs(values[-1]), _HUGE), full(p, values[0], 1 / _HUGE), 1.0)
    return [value * scale for value in values]


@functools.cache
def _uniform_coefficients() -> list[list[float]]:
    """The coefficients c_k(eta) of Temme's expansion as series in eta: exact rational numbers, rounded (DLMF 8.12.9 - 8.12.12)."""
    count = max(n + 2 * k for k, n in enumerate(_UNIFORM_ORDERS)) + 2
    # mu = x / a - 1 as a series in eta: mu mu' = eta (1 + mu)
    mu = [Fraction(0), Fraction(1)]
    for n in range(2, count + 2):
        crossed = sum((mu[k] * mu[n + 1 - k] for k in range(2, n)), Fraction(0))
        mu.append(mu[n - 1] / (n + 1) - crossed / 2)
    inverse = [Fraction(1)]  # of mu, times eta
    for n in range(1, count + 1):
        inverse.append(-sum((mu[k + 1] * inverse[n - k] for k in range(1, n + 1)), Fraction(0)))
    series, coefficients = inverse[1:], []
    for length in _UNIFORM_ORDERS:
        coefficients.append([float(c) for c in series[:length]])
        pole = series[1]  # the derivative divided by eta, at 0; a multiple of 1 / mu cancels it
        series = [(j + 2) * series[j + 2] - pole * inverse[j + 1] for j in range(len(series) - 2)]
    return coefficients
