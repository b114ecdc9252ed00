"""Exponentials, logarithms, the logistic function and the error function."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import ONE_BY_ONE, SLOW, SLOWEST, HostKernel
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX, FLOAT
from penstock._src.core.values.numpy_loops import BETWEEN, INPUT, RESULT, Loop
from penstock._src.ir.meaning.scalars import log1p
from penstock._src.ops import special_functions
from penstock._src.ops.rules import HostUnary, Unary, conj, in_float32

SMOOTH = FLOAT | COMPLEX
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


class Exp(Unary):
    """e ** x."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = SMOOTH, np.exp, "exp"

    def gradient(self, _x, y, dy):
        return dy * conj(y)


class Expm1(Unary):
    """e ** x - 1, accurate near zero."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.expm1, "expm1"

    def gradient(self, x, _y, dy):
        return dy * raw.Exp(conj(x))


class Log(Unary):
    """The natural logarithm."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = SMOOTH, np.log, "log"

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(conj(x))


class Log1p(Unary):
    """The natural logarithm of 1 + x, accurate near zero."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, primitive = SMOOTH, "log1p"

    @property
    def ufunc(self):
        """The function of arrays; of real ones NumPy's own, which is called without detours."""
        return log1p if self.T.is_complex else np.log1p

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(conj(x) + 1)


def logistic(x):
    """Returns 1 / (1 + e ** -x) without overflow, rounded once in types of 16 bits."""
    if x.dtype.kind == "c":
        left = x.real < 0
        e = np.exp(np.where(left, x, -x))
        return np.where(left, e, 1) / (1 + e)
    wide = in_float32(x)
    one = wide.dtype.type(1)
    e = np.exp(-np.abs(wide))
    # 1 where x >= 0, else e
    above = np.exp(np.minimum(wide, wide.dtype.type(0)))
    return (above / (one + e)).astype(x.dtype, copy=False)


class Sigmoid(Unary):
    """1 / (1 + e ** -x)."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = SMOOTH, staticmethod(logistic), "sigmoid"
    numpy_loops = (
        Loop(np.absolute, BETWEEN, (INPUT,)), Loop(np.negative, BETWEEN, (BETWEEN,)), Loop(np.exp, BETWEEN, (BETWEEN,)),
        Loop(np.add, BETWEEN, (1.0, BETWEEN)), Loop(np.minimum, RESULT, (INPUT, 0.0)), Loop(np.exp, RESULT, (RESULT,)),
        Loop(np.divide, RESULT, (RESULT, BETWEEN)),
    )  # fmt: skip

    def gradient(self, _x, y, dy):
        return raw.SigmoidGrad(conj(y), dy)


class Tanh(Unary):
    """The hyperbolic tangent."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = SMOOTH, np.tanh, "tanh"

    def gradient(self, _x, y, dy):
        return raw.TanhGrad(conj(y), dy)


class Erf(Unary):
    """The error function."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.erf), "erf"
    host_kernel = HostKernel(compiles_from=SLOWEST)

    def gradient(self, x, _y, dy):
        return dy * (raw.Exp(raw.Neg(raw.Square(x))) * TWO_OVER_ROOT_PI)


class Erfc(Unary):
    """1 - erf(x), accurate where it is small."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.erfc), "erfc"
    host_kernel = HostKernel(compiles_from=SLOWEST)

    def gradient(self, x, _y, dy):
        return dy * (raw.Exp(raw.Neg(raw.Square(x))) * -TWO_OVER_ROOT_PI)


# Coefficients of Wichura 1988, algorithm AS 241, constant first: central region, tails, far tails.
_MEDIAN = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip


def _ratio(p, coefficients, r):
    """A rational function by Horner's rule."""
    parts = []
    for series in coefficients:
        value = p.full(r.shape, series[-1], r.dtype)
        for coefficient in series[-2::-1]:
            value = value * r + coefficient
        parts.append(value)
    return parts[0] / parts[1]


def _normal_quantile(p, q, tail):
    """The quantile of the normal distribution at 0.5 + q, in float64; `tail` is the probability beyond it."""
    middle = q * _ratio(p, _MEDIAN, 0.180625 - q * q)
    r = p.sqrt(-p.log(tail))
    outer = p.select(p.le(r, 5.0), _ratio(p, _TAIL, r - 1.6), _ratio(p, _FAR_TAIL, r - 5.0))
    outer = p.select(p.eq(tail, 0), math.inf, outer)
    return p.select(p.le(p.abs(q), 0.425), middle, p.sign(q) * outer)


class Erfinv(HostUnary):
    """The inverse of the error function."""

    T, ufunc = FLOAT, staticmethod(special_functions.erfinv)
    host_kernel = HostKernel(compiles_from=SLOWEST)

    def lower(self, p, x):
        wide = p.cast(x, dtypes.float64)
        quantile = _normal_quantile(p, wide / 2, (1 - p.abs(wide)) / 2)
        return p.cast(quantile * math.sqrt(0.5), x.dtype)

    def gradient(self, _x, y, dy):
        return dy * (raw.Exp(raw.Square(y)) * (math.sqrt(math.pi) / 2))


class Ndtri(HostUnary):
    """The quantile function of the normal distribution."""

    T, ufunc = FLOAT, staticmethod(special_functions.ndtri)
    host_kernel = HostKernel(compiles_from=SLOWEST)

    def lower(self, p, x):
        wide = p.cast(x, dtypes.float64)
        return p.cast(_normal_quantile(p, wide - 0.5, p.minimum(wide, 1 - wide)), x.dtype)

    def gradient(self, _x, y, dy):
        return dy * (raw.Exp(raw.Square(y) / 2) * math.sqrt(2 * math.pi))


class Lgamma(Unary):
    """The logarithm of |gamma(x)|."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.lgamma), "lgamma"
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def gradient(self, x, _y, dy):
        return dy * raw.Digamma(x)


class Digamma(Unary):
    """The derivative of Lgamma."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.digamma), "digamma"
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def gradient(self, x, _y, dy):
        return dy * raw.Polygamma(raw.OnesLike(x), x)
