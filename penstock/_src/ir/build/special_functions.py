"""Special functions, from elementwise ones. They are computed in double precision, in which single precision is exact."""

import functools
import math
from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.ir.build.indexing import Indexing
from penstock._src.ir.node import Node

# log(x) - digamma(x) - 1 / (2 x) as a series in x ** -2: B(2 k) / (2 k) (Abramowitz & Stegun 6.3.18).
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_DIGAMMA_FROM = 10  # from here on the series has double precision
# The positive zero of digamma, in two parts; it has a separate series around it: the formula above would subtract nearly equal numbers.
_DIGAMMA_ZERO = 1.4616321449683622, 9.549995429965697e-17
_NEAR_ZERO, _TERMS_AT_ZERO = 0.4, 30


@functools.cache
def _digamma_at_zero() -> list[float]:
    """Coefficients of digamma(z + d) / d at its positive zero z: (-1) ** n zeta(n + 2, z), by the formula of Euler and Maclaurin."""
    z, terms = _DIGAMMA_ZERO[0], []
    for s in range(2, _TERMS_AT_ZERO + 2):
        end = z + 60
        rest = (
            end ** (1 - s) / (s - 1),
            end**-s / 2,
            s * end ** (-s - 1) / 12,
            -s * (s + 1) * (s + 2) * end ** (-s - 3) / 720,
            math.prod(range(s, s + 5)) * end ** (-s - 5) / 30240,
        )
        terms.append((-1) ** s * math.fsum((*((z + k) ** -s for k in range(60)), *rest)))
    return terms


class SpecialFunctions(Indexing):
    """Functions beyond the elementary ones."""

    def polynomial(self, x: Node, coefficients: Sequence[float]) -> Node:
        """The sum of coefficients[k] * x ** k, by Horner's rule."""
        *lower, last = coefficients
        result = self.full(x.shape, last, x.dtype)
        for each in reversed(lower):
            result = self.add(self.mul(result, x), each)
        return result

    def digamma(self, x: Node) -> Node:
        """The derivative of the logarithm of the gamma function; NaN at 0, -1, -2, ..."""
        wide = self.cast(x, dtypes.float64)
        low = self.le(wide, 0.0)
        poles = self.and_(low, self.eq(wide, self.floor(wide)))
        s = self.select(low, self.sub(1.0, wide), wide)
        above, below = self.full(x.shape, 0.0, s.dtype), self.full(x.shape, 1.0, s.dtype)
        # digamma(s) = digamma(s + 1) - 1 / s; the sum as one quotient
        for _ in range(_DIGAMMA_FROM):
            small = self.lt(s, float(_DIGAMMA_FROM))
            above = self.select(small, self.add(self.mul(above, s), below), above)
            below = self.select(small, self.mul(below, s), below)
            s = self.select(small, self.add(s, 1.0), s)
        before = self.div(above, below)
        inverse = self.reciprocal(s)
        square = self.mul(inverse, inverse)
        series = self.mul(square, self.polynomial(square, _DIGAMMA))
        value = self.sub(self.sub(self.log(s), self.mul(inverse, 0.5)), self.add(series, before))
        if x.dtype == dtypes.float64:
            first, second = _DIGAMMA_ZERO
            beyond = self.sub(self.sub(wide, first), second)
            near = self.mul(beyond, self.polynomial(beyond, _digamma_at_zero()))
            value = self.select(self.lt(self.abs(beyond), _NEAR_ZERO), near, value)
        turn = self.mul(self.sub(wide, self.round(wide)), math.pi)
        reflected = self.sub(value, self.mul(self.div(self.cos(turn), self.sin(turn)), math.pi))
        value = self.select(low, reflected, value)
        return self.cast(self.select(poles, float("nan"), value), x.dtype)

    def next_after(self, x: Node, y: Node) -> Node:
        """The float next to x in the direction of y: by integers in the same order, which tell denormal numbers apart."""
        x, y = self.broadcast_together(x, y)
        carrier = dtypes.int32 if x.dtype.size == 4 else dtypes.int64
        sign, zero, one = (self.constant(i, carrier) for i in (carrier.min, 0, 1))

        def turned(i: Node) -> Node:
            """The integers of numbers in their order, from their bits; or the bits, from those."""
            return self.select(self.lt(i, zero), self.sub(sign, i), i)

        at, to = (turned(self.bitcast(v, carrier)) for v in (x, y))
        following = self.add(at, self.select(self.gt(to, at), one, self.neg(one)))
        # Below 0, the number next to it is -0.
        beside_zero = self.select(self.lt(at, zero), sign, zero)
        bits = self.select(self.eq(following, zero), beside_zero, turned(following))
        unordered = self.or_(self.is_nan(x), self.is_nan(y))
        moved = self.select(self.eq(at, to), y, self.bitcast(bits, x.dtype))
        return self.select(unordered, float("nan"), moved)
