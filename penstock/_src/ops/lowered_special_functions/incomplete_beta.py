"""The regularized incomplete beta function."""

import math
from typing import Any

from penstock._src.ops.lowered_special_functions.gamma_parts import (
    ROOT_OF_TWO_PI,
    SHIFT,
    full,
    gamma_of_sum,
    log1p_less_itself,
    rising,
    stirling_rest,
)
from penstock._src.ops.lowered_special_functions.incomplete_gamma import differ, scaled_down

_MOST_STEPS = 1e5
_SMALL, _NEAR_ONE = 1e-3, 0.99
_LARGE = 1e50  # larger parameters are treated as infinite
_UNIFORM_FROM = 1e7  # the smaller of a and b, of the uniform expansion
_AT_MEAN = 1e-8  # eta below which its quotients have lost their digits


def betainc(p: Any, a: Any, b: Any, x: Any, narrow: bool) -> Any:
    """I_x(a, b); see `special.Betainc`."""
    return p.by_element(lambda a, b, x: _betainc(p, a, b, x, narrow), [a, b, x])[0]


def _betainc(p: Any, a: Any, b: Any, x: Any, narrow: bool) -> Any:
    positive = p.and_(p.gt(a, 0.0), p.gt(b, 0.0))
    finite = p.and_(p.lt(a, math.inf), p.lt(b, math.inf))
    inside = p.and_(p.and_(positive, finite), p.and_(p.gt(x, 0.0), p.lt(x, 1.0)))
    a_, b_, x_ = p.select(inside, a, 1.0), p.select(inside, b, 1.0), p.select(inside, x, 0.5)
    is_uniform = p.gt(p.minimum(a_, b_), _UNIFORM_FROM)
    a_, b_, x_ = _without_the_largest(p, a_, b_, x_, is_uniform)
    y_ = 1.0 - x_
    # I_x(a, b) = 1 - I_y(b, a): the fraction converges where x is below the mean
    turned = p.gt(x_, (a_ + 1.0) / (a_ + b_ + 2.0))
    # of a small b, 1 - I_y would lose digits, and the fraction converges below 1, though slowly
    turned = p.and_(turned, p.or_(p.gt(b_, _SMALL), p.gt(x_, _NEAR_ONE)))
    first, second = p.select(turned, b_, a_), p.select(turned, a_, b_)
    share, rest = p.select(turned, y_, x_), p.select(turned, x_, y_)
    log_x, log_y = p.log(x_), p.log1p(-x_)
    logs = p.select(turned, log_y, log_x), p.select(turned, log_x, log_y)
    front = _density(p, first, second, share, rest, *logs)
    some = p.and_(p.and_(inside, p.not_(is_uniform)), p.gt(front, 0.0))
    value = front * _fraction(p, first, second, share, rest, some, narrow)
    arguments = [first, second, share, rest]
    value = p.where_any(is_uniform, lambda *of: _uniform(p, *of), arguments, value)
    value = p.select(turned, p.maximum(1.0 - value, 0.0), value)
    at_one = p.select(p.eq(x, 1.0), full(p, x, 1.0), math.nan)
    at_ends = p.select(p.eq(x, 0.0), 0.0, at_one)
    return p.select(inside, value, p.select(positive, at_ends, math.nan))


def _without_the_largest(p: Any, a: Any, b: Any, x: Any, is_uniform: Any) -> tuple[Any, Any, Any]:
    """(a, b, x) with the same result, and numbers whose products are finite: of a huge b, only b x matters."""
    is_large = p.and_(p.gt(b, _LARGE), p.not_(is_uniform))
    share = p.select(is_large, p.minimum(x * (b / _LARGE), 0.5), x)
    bounded = [p.select(is_uniform, n, p.minimum(n, _LARGE)) for n in (a, b)]
    return bounded[0], bounded[1], share


def _exponent(p: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """a log(x c / a) + b log(y c / b) with c = a + b: the logarithms' linear terms cancel (Loader 2000)."""
    c, away = a + b, b * x - a * y
    exponent = a * log1p_less_itself(p, away / a, x * c / a)
    return exponent + b * log1p_less_itself(p, -away / b, y * c / b)


def _density(p: Any, a: Any, b: Any, x: Any, y: Any, log_x: Any, log_y: Any) -> Any:
    """x^a y^b / B(a, b)."""
    is_first, less, more = p.le(a, b), p.minimum(a, b), p.maximum(a, b)
    log_less, log_more = p.select(is_first, log_x, log_y), p.select(is_first, log_y, log_x)
    is_large = p.ge(less, float(SHIFT))

    def of_large(a: Any, b: Any, x: Any, y: Any) -> Any:
        c, least = a + b, float(SHIFT)
        rests = stirling_rest(p, p.maximum(a, least)) + stirling_rest(p, p.maximum(b, least))
        exponent = _exponent(p, a, b, x, y) + (stirling_rest(p, c) - rests)
        return p.exp(exponent) * p.sqrt(a / c * b) / ROOT_OF_TWO_PI

    def of_small(less: Any, more: Any, log_less: Any, log_more: Any) -> Any:
        # gamma(c) / gamma(more) as a quotient, since their logarithms may be large and equal
        c, is_raised = less + more, p.lt(more, float(SHIFT))
        log_gamma, product = gamma_of_sum(p, p.minimum(less, float(SHIFT)))
        high = p.select(is_raised, more + float(SHIFT), more)
        top = p.select(is_raised, c + float(SHIFT), c)
        exponent = less * (log_less + p.log(top)) + more * log_more
        exponent = exponent + ((high - 0.5) * p.log1p(less / high) - less) - log_gamma
        rests = stirling_rest(p, top) - stirling_rest(p, high)
        quotient = p.select(is_raised, rising(more) / rising(c), 1.0)
        return p.exp(exponent + rests) * quotient * (less / product)

    value = p.where_any(is_large, of_large, [a, b, x, y], full(p, a, 0.0))
    return p.where_any(p.not_(is_large), of_small, [less, more, log_less, log_more], value)


def _fraction(p: Any, a: Any, b: Any, x: Any, y: Any, active: Any, narrow: bool) -> Any:
    """1 / (beta_0 + alpha_1 / (beta_1 + ...)), whose terms lose no digits near the mean, by the three-term recurrence.

    Source: DiDonato and Morris 1992, "Significant digit computation of the incomplete beta function ratios", equation 9.
    """
    c = a + b
    distance = p.select(p.le(x, 0.5), a - c * x, c * y - b) + 1.0

    def goes_on(n: Any, _: Any, p0: Any, p1: Any, q0: Any, q1: Any) -> Any:
        return p.and_(p.and_(active, p.lt(n, _MOST_STEPS)), differ(p, p0, p1, q0, q1, narrow))

    def step(n: Any, inverse: Any, p0: Any, p1: Any, q0: Any, q1: Any) -> list[Any]:
        before, n = n, n + 1.0
        share = n * (b - n) * (x * inverse)  # `inverse` is 1 / (a + 2 n - 1)
        alpha = (a + before) * (c + before) * (x * inverse) * share
        inverse = p.reciprocal(a + (n * 2.0 + 1.0))
        beta = n + share + (a + n) * inverse * (distance + n * (y + 1.0))
        p0, p1 = p1, beta * p1 + alpha * p0
        q0, q1 = q1, beta * q1 + alpha * q0
        return [n, inverse, *scaled_down(p, [p0, p1, q0, q1])]

    zero, one, inverse = full(p, x, 0.0), full(p, x, 1.0), p.reciprocal(a + 1.0)
    start = [zero, inverse, zero, one, one, a * inverse * distance]
    *_, p1, _, q1 = p.iterate(goes_on, step, start)
    return p1 / q1


def _uniform(p: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """I_x of large a and b, by the first term of an expansion that is uniform in x (DLMF 8.18.9)."""
    c, away = a + b, b * x - a * y
    exponent = _exponent(p, a, b, x, y)
    size = p.sqrt(p.maximum(-exponent, 0.0))
    signed = p.select(p.lt(away, 0.0), -size, size)
    eta = signed * p.sqrt(2.0 / c)
    deviation = p.sqrt(a / c * (b / c))
    at_mean = (b - a) / c / (deviation * 3.0)
    is_near = p.lt(p.abs(eta), _AT_MEAN)
    eta, distance = p.select(is_near, 1.0, eta), p.select(is_near, 1.0, away / c)
    first = p.select(is_near, at_mean, p.reciprocal(eta) - deviation / distance)
    rest = p.exp(exponent) / (p.sqrt(c) * ROOT_OF_TWO_PI) * first
    return p.erfc(-signed) * 0.5 + rest
