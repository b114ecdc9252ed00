"""The functions: where each library has them, where they are measured, and what they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
from mpmath import mp

mp.prec = 140
HUGE, TINY = 1e30, 1e-30
Interval = tuple[float, float]


@dataclass(frozen=True)
class Function:
    """A function of real numbers.

    tensorflow  its path under `tf`
    reference   what it is, of numbers of mpmath
    intervals   for each argument: where its values are drawn, evenly by their logarithm
    torch       its path under `torch`, if it is there
    points      how many are measured
    """

    tensorflow: str
    reference: Callable[..., Any]
    intervals: tuple[Interval, ...]
    torch: str | None = None
    points: int = 2000
    integers: tuple[int, ...] = field(default=())  # positions of arguments that are whole numbers

    @property
    def name(self) -> str:
        return self.tensorflow.split(".")[-1]


def _scaled(function: Callable[..., Any], sign: int) -> Callable[..., Any]:
    return lambda x: mp.exp(sign * abs(x)) * function(x)


def _erfcinv(x: Any) -> Any:
    with mp.workprec(400):
        return mp.erfinv(1 - x)


def _lgamma(x: Any) -> Any:
    return mp.log(abs(mp.gamma(x))) if x < 0 else mp.loggamma(x)


def _zeta(x: Any, q: Any) -> Any:
    """Hurwitz's zeta function by the formula of Euler and Maclaurin; mpmath's has ten digits for large x."""
    near, at = 60, q + 60
    total = sum((q + k) ** -x for k in range(near)) + at ** (1 - x) / (x - 1) + at**-x / 2
    term = x * at ** (-x - 1)
    for k in range(1, 25):
        total += mp.bernoulli(2 * k) / mp.factorial(2 * k) * term
        term *= (x + 2 * k - 1) * (x + 2 * k) / at**2
    return total


def _dawsn(x: Any) -> Any:
    """Dawson's integral, by its asymptotic series where exp(x * x) would be huge."""
    if abs(x) > 30:
        return sum(mp.fac2(2 * k - 1) / (2 ** (k + 1) * x ** (2 * k + 1)) for k in range(25))
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def _half(part: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """x times half of an error function: what GELU is made of."""
    return lambda x: x * part(-x / mp.sqrt(2)) / 2


SELU = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")
REAL, POSITIVE = (-HUGE, HUGE), (TINY, HUGE)
FUNCTIONS = (
    Function("exp", mp.exp, ((-104, 89),), "exp"),
    Function("math.expm1", mp.expm1, ((-104, 89),), "expm1"),
    Function("math.log", mp.log, (POSITIVE,), "log"),
    Function("math.log1p", mp.log1p, ((-0.9999, HUGE),), "log1p"),
    Function("math.sqrt", mp.sqrt, (POSITIVE,), "sqrt"),
    Function("math.rsqrt", lambda x: 1 / mp.sqrt(x), (POSITIVE,), "rsqrt"),
    Function("math.reciprocal", lambda x: 1 / x, (REAL,), "reciprocal"),
    Function("math.sin", mp.sin, ((-1e6, 1e6),), "sin"),
    Function("math.cos", mp.cos, ((-1e6, 1e6),), "cos"),
    Function("math.tan", mp.tan, ((-1e6, 1e6),), "tan"),
    Function("math.asin", mp.asin, ((-1, 1),), "asin"),
    Function("math.acos", mp.acos, ((-1, 1),), "acos"),
    Function("math.atan", mp.atan, (REAL,), "atan"),
    Function("math.sinh", mp.sinh, ((-88, 88),), "sinh"),
    Function("math.cosh", mp.cosh, ((-88, 88),), "cosh"),
    Function("math.tanh", mp.tanh, ((-50, 50),), "tanh"),
    Function("math.asinh", mp.asinh, (REAL,), "asinh"),
    Function("math.acosh", mp.acosh, ((1, HUGE),), "acosh"),
    Function("math.atanh", mp.atanh, ((-0.9999, 0.9999),), "atanh"),
    Function("math.sigmoid", lambda x: 1 / (1 + mp.exp(-x)), ((-87, 87),), "sigmoid"),
    Function("math.log_sigmoid", lambda x: -mp.log1p(mp.exp(-x)), ((-87, 87),), "nn.functional.logsigmoid"),
    Function("math.softplus", lambda x: mp.log1p(mp.exp(x)), ((-87, 87),), "nn.functional.softplus"),
    Function("nn.elu", lambda x: x if x > 0 else mp.expm1(x), ((-80, HUGE),), "nn.functional.elu"),
    Function("nn.selu", lambda x: SELU[0] * (x if x > 0 else SELU[1] * mp.expm1(x)), ((-80, HUGE),), "nn.functional.selu"),
    Function("nn.gelu", _half(mp.erfc), ((-12, HUGE),), "nn.functional.gelu"),
    Function("nn.silu", lambda x: x / (1 + mp.exp(-x)), ((-80, HUGE),), "nn.functional.silu"),
    Function("math.erf", mp.erf, ((-HUGE, HUGE),), "erf"),
    Function("math.erfc", mp.erfc, ((-9, 9),), "erfc"),
    Function("math.erfinv", mp.erfinv, ((-0.9999, 0.9999),), "erfinv", 300),
    Function("math.erfcinv", _erfcinv, ((1e-30, 1.9999),), None, 300),
    Function("math.ndtri", lambda x: -mp.sqrt(2) * _erfcinv(2 * x), ((1e-30, 0.9999),), "special.ndtri", 300),
    Function("math.lgamma", _lgamma, ((-100, HUGE),), "lgamma"),
    Function("math.digamma", lambda x: mp.psi(0, x), ((-100, HUGE),), "digamma"),
    Function("math.special.dawsn", _dawsn, (REAL,), None, 400),
    Function("math.special.expint", mp.ei, ((TINY, 88),), None, 400),
    Function("math.special.fresnel_cos", mp.fresnelc, ((-1e3, 1e3),), None, 400),
    Function("math.special.fresnel_sin", mp.fresnels, ((-1e3, 1e3),), None, 400),
    Function("math.special.spence", lambda x: mp.polylog(2, 1 - x).real, (POSITIVE,), None, 300),
    Function("math.bessel_i0", lambda x: mp.besseli(0, x), ((-85, 85),), "special.i0", 400),
    Function("math.bessel_i1", lambda x: mp.besseli(1, x), ((-85, 85),), "special.i1", 400),
    Function("math.bessel_i0e", _scaled(lambda x: mp.besseli(0, x), -1), ((-1e4, 1e4),), "special.i0e", 400),
    Function("math.bessel_i1e", _scaled(lambda x: mp.besseli(1, x), -1), ((-1e4, 1e4),), "special.i1e", 400),
    Function("math.special.bessel_j0", lambda x: mp.besselj(0, x), ((-1e3, 1e3),), "special.bessel_j0", 400),
    Function("math.special.bessel_j1", lambda x: mp.besselj(1, x), ((-1e3, 1e3),), "special.bessel_j1", 400),
    Function("math.special.bessel_y0", lambda x: mp.bessely(0, x), ((TINY, 1e3),), "special.bessel_y0", 400),
    Function("math.special.bessel_y1", lambda x: mp.bessely(1, x), ((TINY, 1e3),), "special.bessel_y1", 400),
    Function("math.special.bessel_k0", lambda x: mp.besselk(0, x), ((TINY, 85),), "special.modified_bessel_k0", 400),
    Function("math.special.bessel_k1", lambda x: mp.besselk(1, x), ((TINY, 85),), "special.modified_bessel_k1", 400),
    Function("math.special.bessel_k0e", _scaled(lambda x: mp.besselk(0, x), 1), ((TINY, 1e4),), "special.scaled_modified_bessel_k0", 400),
    Function("math.special.bessel_k1e", _scaled(lambda x: mp.besselk(1, x), 1), ((TINY, 1e4),), "special.scaled_modified_bessel_k1", 400),
    Function("math.pow", mp.power, ((1e-4, 1e4), (-9, 9)), "pow"),
    Function("math.atan2", mp.atan2, (REAL, REAL), "atan2"),
    Function("math.xlogy", lambda x, y: x * mp.log(y), ((-1e6, 1e6), POSITIVE), "xlogy"),
    Function("math.xlog1py", lambda x, y: x * mp.log1p(y), ((-1e6, 1e6), (-0.9999, HUGE)), "special.xlog1py"),
    Function("math.igamma", lambda a, x: mp.gammainc(a, 0, x, regularized=True), ((1e-3, 1e3), (1e-3, 1e3)), "special.gammainc", 300),
    Function("math.igammac", lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True), ((1e-3, 1e3), (1e-3, 1e3)), "special.gammaincc", 300),
    Function("math.betainc", lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), ((1e-2, 100), (1e-2, 100), (1e-6, 0.9999)), None, 300),
    Function("math.zeta", _zeta, ((1.01, 50), (1e-2, 1e3)), "special.zeta", 300),
    Function("math.polygamma", lambda n, x: mp.psi(int(n), x), ((1, 10), (1e-2, 1e3)), None, 300, (0,)),
)  # fmt: skip


def exact(function: Function, arguments: list[Any]) -> list[Any]:
    """The function's values, as numbers of mpmath; NaN where there is none."""
    values = []
    for point in zip(*arguments, strict=True):
        try:
            values.append(mpmath.mpf(function.reference(*map(mp.mpf, point)).real))
        except (ValueError, ZeroDivisionError, mpmath.libmp.NoConvergence, TypeError):
            values.append(mp.nan)
    return values
