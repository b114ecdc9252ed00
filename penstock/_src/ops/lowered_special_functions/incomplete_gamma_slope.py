"""The derivative of the incomplete gamma function by its first argument, and that of gamma numbers by their parameter."""

import math
from typing import Any

from penstock._src.ops.lowered_special_functions.gamma_parts import full
from penstock._src.ops.lowered_special_functions.incomplete_gamma import (
    TOLERANCE,
    density,
    scaled_down,
)

_OF_QUOTIENTS = {False: 1e-15, True: 1e-9}  # of convergents and their derivatives, by `narrow`
_MOST_STEPS = 2000.0
_STEP_FROM = 1e30  # from here on the function is a step at x = a


def igamma_slope(p: Any, a: Any, x: Any, narrow: bool) -> Any:
    """The derivative of the lower function P(a, x) by a; see `special_functions.igamma_slope`."""

    def compute(a: Any, x: Any) -> Any:
        regular, inside = _domain(p, a, x)
        a_, x_ = p.select(inside, a, 1.0), p.select(inside, x, 1.0)
        front = density(p, a_, x_)
        value = p.select(inside, front * _relative(p, a_, x_, inside, narrow), 0.0)
        return p.select(p.or_(p.eq(x, 0.0), regular), value, math.nan)

    return p.by_element(compute, [a, x])[0]


def gamma_number_slope(p: Any, alpha: Any, sample: Any, narrow: bool) -> Any:
    """The derivative of a gamma number by alpha: that of P over the density; see `special_functions.gamma_number_slope`."""

    def compute(a: Any, x: Any) -> Any:
        regular, inside = _domain(p, a, x)
        a_, x_ = p.select(inside, a, 1.0), p.select(inside, x, 1.0)
        value = -(x_ / a_) * _relative(p, a_, x_, inside, narrow)
        return p.select(inside, value, math.nan)

    return p.by_element(compute, [alpha, sample])[0]


def _domain(p: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """True where both arguments are positive, and where the function is not a step besides."""
    regular = p.and_(p.gt(a, 0.0), p.gt(x, 0.0))
    return regular, p.and_(regular, p.le(p.maximum(a, x), _STEP_FROM))


def _relative(p: Any, a: Any, x: Any, inside: Any, narrow: bool) -> Any:
    """The derivative over x^a e^-x / gamma(a + 1)."""
    log_x, digamma = p.log(x), p.digamma(a)
    near = p.le(x, p.maximum(a, 1.0))
    total, slope = _by_series(p, a, x, p.and_(inside, near), narrow)
    by_series = (log_x - digamma - p.reciprocal(a)) * total + slope
    value, slope = _by_fraction(p, a, x, p.and_(inside, p.not_(near)), narrow)
    return p.select(near, by_series, -a * ((log_x - digamma) * value + slope))


def _by_series(p: Any, a: Any, x: Any, active: Any, narrow: bool) -> tuple[Any, Any]:
    """The sum of c_n with c_0 = 1, c_n = c_(n-1) x / (a + n), and its derivative by a."""
    tolerance = TOLERANCE[narrow]

    def goes_on(n: Any, c: Any, d: Any, total: Any, slope: Any) -> Any:
        open_ = p.or_(p.gt(p.abs(d), p.abs(slope) * tolerance), p.gt(c, total * tolerance))
        return p.and_(p.and_(active, p.lt(n, _MOST_STEPS)), p.or_(open_, p.eq(n, 0.0)))

    def step(n: Any, c: Any, d: Any, total: Any, slope: Any) -> list[Any]:
        n = n + 1.0
        inverse = p.reciprocal(a + n)
        factor = x * inverse
        d = (d - c * inverse) * factor
        c = c * factor
        return [n, c, d, total + c, slope + d]

    zero, one = full(p, a, 0.0), full(p, a, 1.0)
    *_, total, slope = p.iterate(goes_on, step, [zero, one, zero, one, zero])
    return total, slope


def _by_fraction(p: Any, a: Any, x: Any, active: Any, narrow: bool) -> tuple[Any, Any]:
    """1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)) and its derivative by a, by the three-term recurrence."""
    tolerance = _OF_QUOTIENTS[narrow]
    zero, one = full(p, a, 0.0), full(p, a, 1.0)
    start = x + 1.0 - a
    first = p.reciprocal(start)

    def goes_on(n: Any, open_: Any, *_: Any) -> Any:
        return p.and_(p.and_(active, p.lt(n, _MOST_STEPS)), open_)

    def step(n: Any, _: Any, b: Any, *numbers: Any) -> list[Any]:
        p0, p1, q0, q1, dp0, dp1, dq0, dq1, value, slope = numbers
        n, b = n + 1.0, b + 2.0
        by = (a - n) * n

        def following(before: Any, now: Any) -> Any:
            return b * now + by * before

        def slopes(before: Any, now: Any, of_before: Any, of_now: Any) -> Any:
            return following(of_before, of_now) - now + before * n

        p0, p1, dp0, dp1 = p1, following(p0, p1), dp1, slopes(p0, p1, dp0, dp1)
        q0, q1, dq0, dq1 = q1, following(q0, q1), dq1, slopes(q0, q1, dq0, dq1)
        inverse = p.reciprocal(q1)
        new = p1 * inverse
        steeper = (dp1 - new * dq1) * inverse
        moved = p.gt(p.abs(new - value), p.abs(new) * tolerance)
        open_ = p.or_(moved, p.gt(p.abs(steeper - slope), p.abs(steeper) * tolerance))
        scaled = scaled_down(p, [p0, p1, q0, dp0, dp1, dq0, dq1, q1])
        p0, p1, q0, dp0, dp1, dq0, dq1, q1 = scaled
        return [n, open_, b, p0, p1, q0, q1, dp0, dp1, dq0, dq1, new, steeper]

    state = [zero, one, one, start, zero, zero, zero, -one, first, first * first]
    *_, value, slope = p.iterate(goes_on, step, [zero, active, start, *state])
    return value, slope
