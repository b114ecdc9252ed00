"""Exponentials, logarithms, the logistic function and the error function."""

import math

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX, FLOAT
from penstock._src.ops import special_functions
from penstock._src.ops.rules import HostUnary, Unary, conj

SMOOTH = FLOAT | COMPLEX
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


class Exp(Unary):
    """e ** x."""

    T, ufunc, primitive = SMOOTH, np.exp, "exp"

    def gradient(self, _x, y, dy):
        return dy * conj(y)


class Expm1(Unary):
    """e ** x - 1, exact also near zero."""

    T, ufunc, primitive = SMOOTH, np.expm1, "expm1"

    def gradient(self, x, _y, dy):
        return dy * raw.Exp(conj(x))


class Log(Unary):
    """The natural logarithm."""

    T, ufunc, primitive = SMOOTH, np.log, "log"

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(conj(x))


class Log1p(Unary):
    """The natural logarithm of 1 + x, exact also near zero."""

    T, ufunc, primitive = SMOOTH, np.log1p, "log1p"

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(conj(x) + 1)


def logistic(x):
    """Returns 1 / (1 + e ** -x) without overflow."""
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    one = x.dtype.type(1)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, one, e) / (one + e)


class Sigmoid(Unary):
    """1 / (1 + e ** -x)."""

    T, ufunc, primitive = SMOOTH, staticmethod(logistic), "sigmoid"

    def gradient(self, _x, y, dy):
        return raw.SigmoidGrad(y, dy)


class Tanh(Unary):
    """The hyperbolic tangent."""

    T, ufunc, primitive = SMOOTH, np.tanh, "tanh"

    def gradient(self, _x, y, dy):
        return raw.TanhGrad(y, dy)


class Erf(Unary):
    """The error function."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.erf), "erf"

    def gradient(self, x, _y, dy):
        return dy * (raw.Exp(raw.Neg(raw.Square(x))) * TWO_OVER_ROOT_PI)


class Erfc(Unary):
    """1 - erf(x), exact also where that is small."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.erfc), "erfc"

    def gradient(self, x, _y, dy):
        return dy * (raw.Exp(raw.Neg(raw.Square(x))) * -TWO_OVER_ROOT_PI)


class Erfinv(HostUnary):
    """The inverse of the error function."""

    T, ufunc = FLOAT, staticmethod(special_functions.erfinv)

    def gradient(self, _x, y, dy):
        return dy * (raw.Exp(raw.Square(y)) * (math.sqrt(math.pi) / 2))


class Ndtri(HostUnary):
    """The quantile function of the normal distribution."""

    T, ufunc = FLOAT, staticmethod(special_functions.ndtri)

    def gradient(self, _x, y, dy):
        return dy * (raw.Exp(raw.Square(y) / 2) * math.sqrt(2 * math.pi))


class Lgamma(Unary):
    """The logarithm of |gamma(x)|."""

    T, ufunc, primitive = FLOAT, staticmethod(special_functions.lgamma), "lgamma"

    def gradient(self, x, _y, dy):
        return dy * raw.Digamma(x)


class Digamma(HostUnary):
    """The derivative of Lgamma."""

    T, ufunc = FLOAT, staticmethod(special_functions.digamma)

    def gradient(self, x, _y, dy):
        return dy * raw.Polygamma(raw.OnesLike(x), x)
