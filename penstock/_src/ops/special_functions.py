"""Special functions on NumPy arrays, from SciPy, which is loaded on first use.

16-bit floats are computed in float32. SciPy is optional: without it, erf, erfc and lgamma use the slower functions of the
standard library, and the others raise an error.
"""

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.meaning.scalars import log_gamma
from penstock._src.util.process.installing import pip_install
from penstock._src.util.process.quiet import quiet

# In float32 SciPy's result has no correct digit if it is small.
WIDER = {"betainc": np.float64}
FRESNEL = {"fresnel_sin": 0, "fresnel_cos": 1}


def _erfc(library: Any, x: np.ndarray) -> np.ndarray:
    """1 - erf(x); in float64 above 1 from its scaled form, since SciPy's own loses three digits there."""
    plain = library.erfc(x)
    if x.dtype != np.float64:
        return plain
    far = (x > 1) & np.isfinite(x)
    if not far.any():
        return plain
    # exp(-x * x) of the square in two parts: the first has half of the digits, so that its square is exact
    first = (x.view(np.int64) & ~np.int64((1 << 27) - 1)).view(np.float64)
    scale = np.exp(-first * first) * np.exp(-(x - first) * (x + first))
    return np.where(far, scale * library.erfcx(x), plain)


def _expi(library: Any, x: np.ndarray) -> np.ndarray:
    """The exponential integral; in float64 between 1 and 88 as Shi + Chi, since SciPy's own loses two digits there."""
    plain = library.expi(x)
    if x.dtype != np.float64:
        return plain
    middle = (x > 1) & (x < 88)
    if not middle.any():
        return plain
    return np.where(middle, np.add(*library.shichi(np.where(middle, x, 1.0))), plain)


MENDED = {"erfc": _erfc, "expi": _expi}
WITHOUT_SCIPY = {"erf": math.erf, "erfc": math.erfc, "gammaln": log_gamma}


@functools.cache
def _find(name: str) -> Callable[..., Any]:
    try:
        library = importlib.import_module("scipy.special")
    except ImportError:
        if name in WITHOUT_SCIPY:
            return np.vectorize(WITHOUT_SCIPY[name], otypes=[np.float64])
        raise UnimplementedError(
            f"The special function '{name}' is computed by SciPy, which is not installed: "
            f"{pip_install('scipy')}."
        ) from None
    if name in MENDED:
        return functools.partial(MENDED[name], library)
    if name in FRESNEL:
        return lambda x: library.fresnel(x)[FRESNEL[name]]
    return getattr(library, name)


def special(name: str) -> Callable[..., np.ndarray]:
    """Returns the function of scipy.special with that name, for arrays of any float type.

    Raises:
      UnimplementedError (when called): SciPy is needed and not installed.
    """

    @quiet
    def function(*arrays: Any) -> np.ndarray:
        dtype = arrays[-1].dtype
        if dtype.itemsize == 2 or name in WIDER:
            arrays = tuple(a.astype(WIDER.get(name, np.float32)) for a in arrays)
        return np.asarray(_find(name)(*arrays)).astype(dtype, copy=False)

    function.__name__ = name
    function.__doc__ = f"scipy.special.{name} in the type of its last argument."
    return function


erf, erfc, erfinv, ndtri = special("erf"), special("erfc"), special("erfinv"), special("ndtri")


def instead(name: str, value: float, where: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """Returns SciPy's function with TensorFlow's value where they differ."""
    function = special(name)

    def replaced(*arrays: Any) -> np.ndarray:
        result = function(*arrays)
        return np.where(where(*arrays), result.dtype.type(value), result)

    replaced.__name__, replaced.__doc__ = name, function.__doc__
    return replaced


expint = instead("expi", math.nan, lambda x: (x < 0) | np.isposinf(x))
bessel_k0 = instead("k0", math.inf, lambda x: x < 0)
bessel_k0e = instead("k0e", math.inf, lambda x: x < 0)
bessel_k1 = instead("k1", math.inf, lambda x: x < 0)
bessel_k1e = instead("k1e", math.inf, lambda x: x < 0)


_spence_of = special("spence")


def spence(x: np.ndarray) -> np.ndarray:
    """scipy.special.spence, also of numbers whose reciprocals, which it takes, are denormal."""
    result = _spence_of(x)
    if x.dtype == np.float64 and (huge := x > 1e300).any():
        result = np.where(huge & (x < np.inf), -(np.log(x) ** 2) / 2 - math.pi**2 / 6, result)
    return result


FEW_LOGARITHMS = 32  # numbers that take less time one by one
_log_gamma_of = instead("gammaln", math.inf, np.isneginf)


def lgamma(x: np.ndarray) -> np.ndarray:
    """Returns log |gamma(x)|; around its zeros at 1 and 2 by a series, since SciPy loses digits there."""
    # The standard library's is right in single precision.
    if x.size <= FEW_LOGARITHMS and x.dtype.itemsize < 8:
        numbers = [log_gamma(number) for number in x.astype(np.float64).ravel().tolist()]
        return np.array(numbers, np.float64).astype(x.dtype).reshape(x.shape)
    values = _log_gamma_of(x)
    near = np.abs(x.astype(np.float64) - 1.5) < 0.8
    if near.any():
        at = x[near].astype(np.float64)
        below = at < 1.5
        step = np.where(below, at - 1, at - 2)  # log gamma(1 + z) = log gamma(2 + z) - log(1 + z)
        series = step * np.polynomial.polynomial.polyval(step, _slopes_at_2(45))
        values[near] = series - np.where(below, np.log1p(step), 0)
    return values


@functools.cache
def _slopes_at_2(count: int) -> np.ndarray:
    """Coefficients of log gamma(2 + z) / z: 1 minus Euler's constant, and (zeta(n) - 1) / n with alternating signs."""
    zeta_less_1 = [
        math.fsum(k**-n for k in range(200, 1, -1)) + _rest_of_zeta(n, 200)
        for n in range(2, count + 1)
    ]
    rest = [(-1) ** n * zeta / n for n, zeta in enumerate(zeta_less_1, 2)]
    return np.array([1 - np.euler_gamma, *rest])


def _rest_of_zeta(n: int, last: int) -> float:
    """The sum of k ** -n beyond `last`, by the formula of Euler and Maclaurin."""
    at = last + 1.0
    terms = 1 / (n - 1) * at ** (1 - n), at**-n / 2, n * at ** (-n - 1) / 12
    return math.fsum((*terms, -n * (n + 1) * (n + 2) * at ** (-n - 3) / 720))


_psi, _gamma, _zeta = special("psi"), special("gamma"), special("zeta")
_gammainc, _gammaincc = special("gammainc"), special("gammaincc")


def digamma(x: np.ndarray) -> np.ndarray:
    """Returns the derivative of lgamma; below 0 by reflection about the nearest integer, which is accurate near it."""
    values = _psi(x)
    if (x > 0).all():
        return values
    values = np.where(x == 0, x.dtype.type(math.nan), values)
    left = (x < 0) & np.isfinite(x)
    if left.any():
        wide = np.where(left, x, -0.5).astype(np.float64)
        with np.errstate(all="ignore"):
            reflected = _psi(1 - wide) - np.pi / np.tan(np.pi * (wide - np.rint(wide)))
        whole = wide == np.rint(wide)
        values = np.where(left, np.where(whole, np.nan, reflected), values).astype(x.dtype)
    return values


def fresnel(which: str) -> Callable[..., np.ndarray]:
    """Returns a Fresnel integral, which is 1/2 for large arguments, where SciPy gives NaN."""
    function = special(which)

    def completed(x: np.ndarray) -> np.ndarray:
        return np.where(np.abs(x) > 1e150, np.copysign(x.dtype.type(0.5), x), function(x))

    completed.__name__, completed.__doc__ = which, function.__doc__
    return completed


FAR_PHASE = 1e4  # from here on, four terms of the series for large numbers have double precision


def _with_exact_phase(name: str, along: tuple[int, int]) -> Callable[..., np.ndarray]:
    """Returns a Bessel function; that of large numbers is computed from sin(x) and cos(x), since SciPy rounds x minus a constant.

    Source: DLMF 10.17.3, 10.17.4.

    Args:
      name: of SciPy's function, which ends with its order.
      along: the factors of sin(x) and cos(x) in the leading term.
    """
    function = special(name)
    mu = 4 * int(name[-1]) ** 2

    def mended(x: np.ndarray) -> np.ndarray:
        values = function(x)
        far = (np.abs(x) > FAR_PHASE) & np.isfinite(x)
        if not far.any():
            return values
        at = np.abs(x[far].astype(np.float64))
        sin, cos, inverse = np.sin(at), np.cos(at), 1 / (8 * at)
        even = 1 - (mu - 1) * (mu - 9) / 2 * inverse**2
        odd = (mu - 1) * inverse * (1 - (mu - 9) * (mu - 25) / 6 * inverse**2)
        first, second = along
        wave = even * (first * sin + second * cos) + odd * (first * cos - second * sin)
        values = np.array(values)
        values[far] = wave / np.sqrt(at * np.pi) * np.where((x[far] < 0) & (name == "j1"), -1, 1)
        return values

    mended.__name__, mended.__doc__ = name, function.__doc__
    return quiet(mended)


bessel_j0, bessel_j1 = _with_exact_phase("j0", (1, 1)), _with_exact_phase("j1", (1, -1))
_bessel_y0, _bessel_y1 = _with_exact_phase("y0", (1, -1)), _with_exact_phase("y1", (-1, -1))


def bessel_y0(x: np.ndarray) -> np.ndarray:
    """Returns the Bessel function of the second kind of order 0; -inf below 0."""
    values = _bessel_y0(x)
    return np.where(x < 0, values.dtype.type(-math.inf), values)


def bessel_y1(x: np.ndarray) -> np.ndarray:
    """Returns the Bessel function of the second kind of order 1; at 0, NaN or, in float64, -inf."""
    values = _bessel_y1(x)
    at_zero = -math.inf if x.dtype == np.float64 else math.nan
    values = np.where(x == 0, values.dtype.type(at_zero), values)
    return np.where(x < 0, values.dtype.type(-math.inf), values)


def igamma(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the lower regularized incomplete gamma function P(a, x)."""
    if _is_ordinary(a, x):
        return _gammainc(a, x)
    inside = np.where((a <= 0) & (x != 0), x.dtype.type(math.nan), _gammainc(a, x))
    inside = np.where((a > _HUGE) & (x >= 0) & (x < a / 2), x.dtype.type(0), inside)
    return np.where((x == 0) | (np.isposinf(a) & np.isposinf(x)), x.dtype.type(0), inside)


_HUGE = 1e30  # from here on the function is a step at x = a


def _is_ordinary(a: np.ndarray, x: np.ndarray) -> bool:
    """True if SciPy's incomplete gamma functions are TensorFlow's for all these."""
    return bool(((a > 0) & (a <= _HUGE) & (x > 0) & (x < math.inf)).all())


def igammac(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the upper regularized incomplete gamma function Q(a, x)."""
    if _is_ordinary(a, x):
        return _gammaincc(a, x)
    inside = np.where((a <= 0) & (x > 0), x.dtype.type(math.nan), _gammaincc(a, x))
    inside = np.where((a > _HUGE) & (x >= 0) & (x < a / 2), x.dtype.type(1), inside)
    return np.where(np.isposinf(a) & np.isposinf(x), x.dtype.type(0), inside)


def zeta(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Returns the Hurwitz zeta function: the sum of (q + n) ** -x.

    At a pole (q is an integer <= 0) it is infinite for even x and NaN otherwise.
    """
    if ((x > 1) & (x <= 1e4) & (q > 0) & (q < math.inf)).all():
        return _zeta(x, q).astype(x.dtype, copy=False)
    whole_x, whole_q = x == np.floor(x), q == np.floor(q)
    # for large x only the first term matters
    with np.errstate(all="ignore"):
        value = np.where((x > 1e4) & (q > 0), np.power(q, -x), _zeta(x, q))
    value = np.where(np.isposinf(x) & (q > 1), 0, value)
    value = np.where((q <= 0) & (~whole_q & ~whole_x), np.nan, value)
    at_pole = np.where(whole_x & (np.mod(x, 2) == 0), np.inf, np.nan)
    value = np.where((q <= 0) & whole_q, np.where(np.isposinf(x), np.inf, at_pole), value)
    value = np.where(x == 1, np.inf, np.where(x < 1, np.nan, value))
    return np.where(np.isnan(x) | np.isnan(q), np.nan, value).astype(x.dtype)


def polygamma(n: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the n-th derivative of digamma: (-1) ** (n + 1) * n! * zeta(n + 1, x)."""
    order = np.where((n >= 0) & (np.floor(n) == n), n, np.nan)
    sign = np.where(np.mod(order, 2) == 1, 1.0, -1.0)
    wide = order.astype(np.float64) + 1
    value = sign * _gamma(wide) * zeta(wide, x.astype(np.float64))
    if (order == 0).any():
        value = np.where(order == 0, digamma(x), value)
    if np.isposinf(n).any():
        value = np.where(np.isposinf(n), np.inf * zeta(n, x), value)
    return value.astype(x.dtype)


def igamma_slope(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the derivative of the lower regularized incomplete gamma function P(a, x) with respect to a.

    With P = x**a e**-x sum_n x**n / gamma(a + n + 1), the terms are differentiated for small x; for large x, the continued
    fraction of Q (Lentz) and its derivative are evaluated together.
    """
    return _one_by_one(_igamma_slope, a, x)


def gamma_number_slope(alpha: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Returns the derivative of a gamma number by alpha: minus `igamma_slope` over the density of the number."""
    return _one_by_one(_gamma_number_slope, alpha, sample)


def _one_by_one(function: Callable[[float, float], float], a: Any, x: Any) -> np.ndarray:
    a_, x_ = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    out = np.empty(a_.shape)
    with np.errstate(all="ignore"):
        for at in np.ndindex(a_.shape):
            out[at] = function(float(a_[at]), float(x_[at]))
    return out.astype(a.dtype)


def _igamma_slope(a: float, x: float) -> float:
    if x == 0 or (a > 0 and x > 0 and math.inf in (a, x)):
        return 0.0
    if not (a > 0 and x >= 0):
        return math.nan
    if max(a, x) > 1e30:  # a step at x = a
        return 0.0
    return math.exp(a * math.log(x) - x - math.lgamma(a + 1)) * _slope_of_front(a, x)


def _gamma_number_slope(a: float, x: float) -> float:
    if not (a > 0 and x > 0 and max(a, x) <= 1e30):
        return math.nan
    return -x / a * _slope_of_front(a, x)


def _slope_of_front(a: float, x: float) -> float:
    """The derivative of P over x**a e**-x / gamma(a + 1)."""
    digamma_a = float(_find("psi")(a))
    return (
        _slope_by_series(a, x, digamma_a)
        if x <= max(1.0, a)
        else _slope_by_fraction(a, x, digamma_a)
    )


def _slope_by_series(a: float, x: float, digamma_a: float) -> float:
    # P = front * sum of c_n with c_0 = 1, c_n = c_(n-1) * x / (a + n); d holds dc_n / da.
    c, d, total, slope, n = 1.0, 0.0, 1.0, 0.0, 0
    while n < 2000:
        n += 1
        d = d * x / (a + n) - c * x / (a + n) ** 2
        c *= x / (a + n)
        total, slope = total + c, slope + d
        if abs(d) <= 1e-17 * abs(slope) and c <= 1e-17 * total:
            break
    return (math.log(x) - digamma_a - 1 / a) * total + slope


def _slope_by_fraction(a: float, x: float, digamma_a: float) -> float:
    # Q = front * (1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...))), by the three-term recurrence.
    b = x + 1 - a
    p0, p1, q0, q1 = 0.0, 1.0, 1.0, b
    dp0, dp1, dq0, dq1 = 0.0, 0.0, 0.0, -1.0
    value, slope = p1 / q1, (dp1 * q1 - p1 * dq1) / q1**2
    for n in range(1, 2000):
        an, dan = -n * (n - a), float(n)
        b += 2
        p0, p1, dp0, dp1 = p1, b * p1 + an * p0, dp1, b * dp1 - p1 + an * dp0 + dan * p0
        q0, q1, dq0, dq1 = q1, b * q1 + an * q0, dq1, b * dq1 - q1 + an * dq0 + dan * q0
        new = p1 / q1
        new_slope = (dp1 * q1 - p1 * dq1) / q1**2
        done = abs(new - value) <= 1e-16 * abs(new) and abs(new_slope - slope) <= 1e-15 * abs(
            new_slope
        )
        value, slope = new, new_slope
        if done:
            break
        scale = 1 / max(abs(q1), 1e-300)
        if scale < 1e-100:
            p0, p1, q0, q1 = p0 * scale, p1 * scale, q0 * scale, q1 * scale
            dp0, dp1, dq0, dq1 = dp0 * scale, dp1 * scale, dq0 * scale, dq1 * scale
    return -a * ((math.log(x) - digamma_a) * value + slope)


NEAR = 1 << 16  # points that SciPy skips one by one
FEW = 512  # points that take less time here than SciPy takes to begin
SOBOL_BITS = 30


def sobol_points(dimensions: int, count: int, skip: int) -> np.ndarray:
    """Returns `count` points of the Sobol sequence, after the origin and `skip` more.

    Raises:
      UnimplementedError: SciPy is not installed.
    """
    if FEW < count and skip < NEAR:
        sequence = _sobol(dimensions)
        sequence.fast_forward(skip + 1)
        return sequence.random(count)
    if skip + count >= 1 << SOBOL_BITS:
        raise ValueError(f"At most 2**{SOBOL_BITS} - 1 points can be generated")
    # A point is the sum, modulo 2, of the direction numbers at the bits of its Gray code.
    at = np.arange(skip + 1, skip + 1 + count, dtype=np.int64)
    code = (at ^ at >> 1)[:, None]
    points = np.zeros((count, dimensions), np.int64)
    for bit in range(int(at[-1]).bit_length()):
        points ^= (code >> bit & 1) * _directions(dimensions)[bit]
    return points / (1 << SOBOL_BITS)


def _sobol(dimensions: int) -> Any:
    try:
        library = importlib.import_module("scipy.stats.qmc")
    except ImportError:
        raise UnimplementedError(
            f"The Sobol sequence comes from SciPy, which is not installed: {pip_install('scipy')}."
        ) from None
    return library.Sobol(dimensions, scramble=False)


@functools.lru_cache(64)
def _directions(dimensions: int) -> np.ndarray:
    """The direction numbers: int64[bits, dimensions]."""
    return np.ascontiguousarray(_sobol(dimensions)._sv.T.astype(np.int64))
