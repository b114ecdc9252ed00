"""Trigonometric and hyperbolic functions and their inverses."""

import numpy as np

from penstock._src.core.calls.facts import SLOW, SLOWEST, HostKernel
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX, FLOAT
from penstock._src.ops.rules import Binary, Unary, conj, unbroadcast

SMOOTH = FLOAT | COMPLEX


class Sin(Unary):
    """The sine."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = SMOOTH, np.sin, "sin"

    def gradient(self, x, _y, dy):
        return dy * raw.Cos(conj(x))


class Cos(Unary):
    """The cosine."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = SMOOTH, np.cos, "cos"

    def gradient(self, x, _y, dy):
        return raw.Neg(dy) * raw.Sin(conj(x))


class Tan(Unary):
    """The tangent."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.tan, "tan"

    def gradient(self, x, _y, dy):
        return dy * raw.Square(raw.Reciprocal(raw.Cos(conj(x))))


class Asin(Unary):
    """The inverse of the sine."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.arcsin, "asin"

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(raw.Sqrt(1 - raw.Square(conj(x))))


class Acos(Unary):
    """The inverse of the cosine."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.arccos, "acos"

    def gradient(self, x, _y, dy):
        return raw.Neg(dy) * raw.Reciprocal(raw.Sqrt(1 - raw.Square(conj(x))))


class Atan(Unary):
    """The inverse of the tangent."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.arctan, "atan"

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(raw.Square(conj(x)) + 1)


class Sinh(Unary):
    """The hyperbolic sine."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.sinh, "sinh"

    def gradient(self, x, _y, dy):
        return dy * raw.Cosh(conj(x))


class Cosh(Unary):
    """The hyperbolic cosine."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.cosh, "cosh"

    def gradient(self, x, _y, dy):
        return dy * raw.Sinh(conj(x))


class Asinh(Unary):
    """The inverse of the hyperbolic sine."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.arcsinh, "asinh"

    def gradient(self, _x, y, dy):
        return dy / raw.Cosh(conj(y))


class Acosh(Unary):
    """The inverse of the hyperbolic cosine."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.arccosh, "acosh"

    def gradient(self, _x, y, dy):
        return dy / raw.Sinh(conj(y))


class Atanh(Unary):
    """The inverse of the hyperbolic tangent."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = SMOOTH, np.arctanh, "atanh"

    def gradient(self, x, _y, dy):
        return dy * raw.Reciprocal(1 - raw.Square(conj(x)))


class Atan2(Binary):
    """The angle of the point (x, y), in (-pi, pi]."""

    signature = "y: T, x: T -> z: T"
    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, ufunc, primitive = FLOAT, np.arctan2, "atan2"

    def shape(self, y, x):
        return super().shape(y, x)

    def gradient(self, y, x, _z, dz):
        scaled = dz / (raw.Square(x) + raw.Square(y))
        return unbroadcast(x * scaled, y), unbroadcast(raw.Neg(y) * scaled, x)

    def eager(self, y, x):
        return super().eager(y, x)

    def lower(self, p, y, x):
        return p.atan2(y, x)
