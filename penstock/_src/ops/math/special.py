"""Special functions: incomplete gamma and beta, polygamma and zeta, Bessel, Fresnel and others."""

import functools
import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import ONE_BY_ONE, SLOWEST, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops import special_functions as functions
from penstock._src.ops.lowered_special_functions import (
    bessel,
    bessel_jy,
    dawson,
    dilogarithm,
    exponential_integral,
    fresnel,
    incomplete_beta,
    incomplete_gamma,
    incomplete_gamma_slope,
    zeta,
)
from penstock._src.ops.rules import (
    Binary,
    HostUnary,
    quiet,
    show,
    unbroadcast,
    where,
)
from penstock._src.ops.special_functions import special

WIDE = frozenset({dtypes.float32, dtypes.float64})


class _SpecialBinary(Binary):
    """A special function of two numbers, computed on the host."""

    signature = "a: T, x: T -> z: T"

    T = WIDE
    host_kernel = HostKernel(compiles_from=SLOWEST)
    lower = None


def _in_double(function, p, *values):
    """A function of float64 nodes of one shape, of others that broadcast; `narrow` says that single precision will do."""
    wide = p.broadcast_together(*[p.cast(x, dtypes.float64) for x in values])
    dtype = values[0].dtype
    return p.cast(function(p, *wide, narrow=dtype != dtypes.float64), dtype)


class Igamma(_SpecialBinary):
    """The lower regularized incomplete gamma function P(a, x)."""

    T, ufunc = FLOAT, staticmethod(functions.igamma)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def shape(self, a, x):
        return infer.broadcast(a, x)

    def gradient(self, a, x, _z, dz):
        slope = raw.Exp(-x + (a - 1) * raw.Log(x) - raw.Lgamma(a))
        return unbroadcast(raw.IgammaGradA(a, x) * dz, a), unbroadcast(slope * dz, x)

    def eager(self, a, x):
        return super().eager(a, x)

    def lower(self, p, a, x):
        return _in_double(incomplete_gamma.igamma, p, a, x)


class Igammac(_SpecialBinary):
    """The upper regularized incomplete gamma function Q(a, x)."""

    T, ufunc = FLOAT, staticmethod(functions.igammac)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def shape(self, a, x):
        return infer.broadcast(a, x)

    def gradient(self, a, x, _z, dz):
        slope = raw.Exp(-x + (a - 1) * raw.Log(x) - raw.Lgamma(a))
        da = raw.Neg(raw.IgammaGradA(a, x)) * dz
        return unbroadcast(da, a), unbroadcast(raw.Neg(slope) * dz, x)

    def eager(self, a, x):
        return super().eager(a, x)

    def lower(self, p, a, x):
        return _in_double(incomplete_gamma.igammac, p, a, x)


class IgammaGradA(_SpecialBinary):
    """The derivative of Igamma with respect to a."""

    ufunc = staticmethod(functions.igamma_slope)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def shape(self, a, x):
        return infer.broadcast(a, x)

    def eager(self, a, x):
        return super().eager(a, x)

    def lower(self, p, a, x):
        return _in_double(incomplete_gamma_slope.igamma_slope, p, a, x)


class Betainc(Op):
    """The regularized incomplete beta function I_x(a, b)."""

    signature = "a: T, b: T, x: T -> z: T"
    T = WIDE
    elements = Elements(is_elementwise=True)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def shape(self, a, b, x):
        shapes = [a, b, x]
        if any(shape.rank is None for shape in shapes):
            return infer.broadcast(*shapes)
        return infer.merged(*([shape for shape in shapes if shape.rank] or shapes))

    def gradient(self, a, b, x, _z, dz):
        log_beta = raw.Lgamma(a) + raw.Lgamma(b) - raw.Lgamma(a + b)
        slope = raw.Exp(raw.Xlog1py(b - 1, raw.Neg(x)) + raw.Xlogy(a - 1, x) - log_beta)
        return None, None, unbroadcast(slope * dz, x)

    @quiet
    def eager(self, a, b, x):
        self._check_shapes([value.shape for value in (a, b, x)])
        return betainc(a, b, x)

    def _check_shapes(self, shapes):
        arrays = [shape for shape in shapes if len(shape)]
        if any(tuple(shape) != tuple(arrays[0]) for shape in arrays):
            known = " vs. ".join(map(show, arrays))
            raise self.invalid(f"Shapes of a and b are inconsistent: {known}")

    def lower(self, p, a, b, x):
        self._check_shapes([value.shape for value in (a, b, x)])
        return _in_double(incomplete_beta.betainc, p, a, b, x)


def betainc(a, b, x):
    """SciPy's function, NaN of parameters that are not positive, or infinite between its ends."""
    at_ends = np.where(x == 0, 0, np.where(x == 1, 1, np.nan))
    infinite = np.where(np.isinf(a) | np.isinf(b), at_ends, _betainc(a, b, x))
    return np.where((a > 0) & (b > 0), infinite, np.nan).astype(x.dtype)


_betainc = special("betainc")


class Zeta(_SpecialBinary):
    """The Hurwitz zeta function: the sum of (q + n) ** -x."""

    signature = "x: T, q: T -> z: T[x | q]"
    ufunc = staticmethod(functions.zeta)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def gradient(self, x, q, _z, dz):
        slope = raw.Neg(x) * raw.Zeta(x + 1, q)
        return None, unbroadcast(slope * dz, q)

    def eager(self, x, q):
        return super().eager(x, q)

    def lower(self, p, x, q):
        return _in_double(zeta.zeta, p, x, q)


class Polygamma(_SpecialBinary):
    """The a-th derivative of digamma."""

    ufunc = staticmethod(functions.polygamma)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def shape(self, a, x):
        return infer.broadcast(a, x)

    def gradient(self, a, x, _z, dz):
        return None, unbroadcast(raw.Polygamma(a + 1, x) * dz, x)

    def eager(self, a, x):
        return super().eager(a, x)

    def lower(self, p, a, x):
        return _in_double(zeta.polygamma, p, a, x)


# -- functions of one number -----------------------------------------------------------------------


class _SpecialUnary(HostUnary):
    """A special function of one number."""

    T = FLOAT
    host_kernel = HostKernel(compiles_from=SLOWEST)


class Dawsn(_SpecialUnary):
    """Dawson's integral."""

    ufunc = staticmethod(special("dawsn"))

    def gradient(self, x, y, dy):
        return dy * (1 - x * y * 2)

    def lower(self, p, x):
        return _in_double(dawson.dawson, p, x)


class Expint(_SpecialUnary):
    """The exponential integral Ei."""

    ufunc = staticmethod(functions.expint)

    def gradient(self, x, _y, dy):
        return dy * raw.Exp(x) / x

    def lower(self, p, x):
        return _in_double(exponential_integral.expint, p, x)


class _Fresnel(_SpecialUnary):
    which = ""

    def ufunc(self, x):
        return functions.fresnel(f"fresnel_{self.which}")(x)

    def lower(self, p, x):
        if x.dtype == dtypes.float64:
            raise NotLowerable("SciPy's functions of double precision are used")
        return p.cast(fresnel.fresnel(p, p.cast(x, dtypes.float64), self.which), x.dtype)


class FresnelCos(_Fresnel):
    """The Fresnel cosine integral."""

    which = "cos"

    def gradient(self, x, _y, dy):
        return dy * raw.Cos(raw.Square(x) * (math.pi / 2))


class FresnelSin(_Fresnel):
    """The Fresnel sine integral."""

    which = "sin"

    def gradient(self, x, _y, dy):
        return dy * raw.Sin(raw.Square(x) * (math.pi / 2))


class Spence(_SpecialUnary):
    """Spence's integral, the dilogarithm of 1 - x."""

    ufunc = staticmethod(functions.spence)

    def gradient(self, x, _y, dy):
        # 0/0 at 1, where the limit is -1.
        slope = raw.Log(x) / (1 - x)
        return dy * where(raw.Equal(x, raw.OnesLike(x)), raw.Neg(raw.OnesLike(x)), slope)

    def lower(self, p, x):
        return p.cast(dilogarithm.spence(p, p.cast(x, dtypes.float64)), x.dtype)


def _bessel_i(p, x, order, scaled):
    function = functools.partial(bessel.bessel_i, order=order, scaled=scaled)
    return _in_double(function, p, x)


class BesselI0(_SpecialUnary):
    """The modified Bessel function of the first kind of order 0."""

    ufunc = staticmethod(special("i0"))

    def gradient(self, x, _y, dy):
        return dy * raw.BesselI1(x)

    def lower(self, p, x):
        return _bessel_i(p, x, 0, scaled=False)


class BesselI0e(_SpecialUnary):
    """BesselI0 times exp(-|x|)."""

    ufunc = staticmethod(special("i0e"))

    def gradient(self, x, y, dy):
        return dy * (raw.BesselI1e(x) - raw.Sign(x) * y)

    def lower(self, p, x):
        return _bessel_i(p, x, 0, scaled=True)


def first_order(dy, x, y, order_zero, e_part, at_zero):
    """Returns the gradient of a Bessel function of order 1 from the one of order 0."""
    zero = raw.Equal(x, raw.ZerosLike(x))
    # 0 in the branch that is not taken would make NaN of its own gradient.
    safe = where(zero, raw.OnesLike(x), x)
    # The reciprocal of a subnormal number would be infinite.
    slope = order_zero - y * e_part - y / safe
    return dy * where(zero, raw.ZerosLike(x) + at_zero, slope)


class BesselI1(_SpecialUnary):
    """The modified Bessel function of the first kind of order 1."""

    ufunc = staticmethod(special("i1"))

    def gradient(self, x, y, dy):
        # At zero TensorFlow's 1, though the limit is 1/2.
        return first_order(dy, x, y, raw.BesselI0(x), 0.0, 1.0)

    def lower(self, p, x):
        return _bessel_i(p, x, 1, scaled=False)


class BesselI1e(_SpecialUnary):
    """BesselI1 times exp(-|x|)."""

    ufunc = staticmethod(special("i1e"))

    def gradient(self, x, y, dy):
        return first_order(dy, x, y, raw.BesselI0e(x), raw.Sign(x), 0.5)

    def lower(self, p, x):
        return _bessel_i(p, x, 1, scaled=True)


class BesselJ0(_SpecialUnary):
    """The Bessel function of the first kind of order 0."""

    ufunc = staticmethod(functions.bessel_j0)

    def gradient(self, x, _y, dy):
        return raw.Neg(dy) * raw.BesselJ1(x)

    def lower(self, p, x):
        return p.cast(bessel_jy.bessel_j(p, p.cast(x, dtypes.float64), 0), x.dtype)


class BesselJ1(_SpecialUnary):
    """The Bessel function of the first kind of order 1."""

    ufunc = staticmethod(functions.bessel_j1)

    def gradient(self, x, y, dy):
        return first_order(dy, x, y, raw.BesselJ0(x), 0.0, 0.5)

    def lower(self, p, x):
        return p.cast(bessel_jy.bessel_j(p, p.cast(x, dtypes.float64), 1), x.dtype)


class _BesselK(_SpecialUnary):
    order, scaled = 0, False

    def lower(self, p, x):
        if x.dtype == dtypes.float64:
            raise NotLowerable("SciPy's functions of double precision are used")
        result = bessel.bessel_k(p, p.cast(x, dtypes.float64), self.order, self.scaled)
        return p.cast(result, x.dtype)


class BesselK0(_BesselK):
    """The modified Bessel function of the second kind of order 0."""

    ufunc, order, scaled = staticmethod(functions.bessel_k0), 0, False

    def gradient(self, x, _y, dy):
        return raw.Neg(dy) * raw.BesselK1(x)


class BesselK0e(_BesselK):
    """BesselK0 times exp(x)."""

    ufunc, order, scaled = staticmethod(functions.bessel_k0e), 0, True

    def gradient(self, x, y, dy):
        return dy * (y - raw.BesselK1e(x))


class BesselK1(_BesselK):
    """The modified Bessel function of the second kind of order 1."""

    ufunc, order, scaled = staticmethod(functions.bessel_k1), 1, False

    def gradient(self, x, y, dy):
        return dy * (raw.Neg(raw.BesselK0(x)) - y / x)


class BesselK1e(_BesselK):
    """BesselK1 times exp(x)."""

    ufunc, order, scaled = staticmethod(functions.bessel_k1e), 1, True

    def gradient(self, x, y, dy):
        return dy * (y * (1 - raw.Reciprocal(x)) - raw.BesselK0e(x))


class BesselY0(_SpecialUnary):
    """The Bessel function of the second kind of order 0."""

    ufunc = staticmethod(functions.bessel_y0)

    def gradient(self, x, _y, dy):
        return raw.Neg(dy) * raw.BesselY1(x)

    def lower(self, p, x):
        return p.cast(bessel_jy.bessel_y(p, p.cast(x, dtypes.float64), 0, -math.inf), x.dtype)


class BesselY1(_SpecialUnary):
    """The Bessel function of the second kind of order 1."""

    ufunc = staticmethod(functions.bessel_y1)

    def gradient(self, x, y, dy):
        return dy * (raw.BesselY0(x) - y / x)

    def lower(self, p, x):
        at_zero = -math.inf if x.dtype == dtypes.float64 else math.nan
        return p.cast(bessel_jy.bessel_y(p, p.cast(x, dtypes.float64), 1, at_zero), x.dtype)


# -- low-discrepancy points ------------------------------------------------------------------------

MOST_DIMENSIONS = 1111  # the number of TensorFlow's direction numbers


MOST_SAMPLES = 2**31 - 1


class SobolSample(Op):
    """Points of the Sobol sequence in the unit cube, in the order of Gray codes, without the origin.

    Source of the direction numbers: Joe and Kuo 2008, as SciPy carries them.
    """

    signature = "dim: int32[], num_results: int32[], skip: int32[] -> samples: dtype"
    dtype: WIDE = dtypes.float32

    def shape(self, dim, num_results, skip):
        sizes = [v.value for v in (num_results, dim)]
        return [None if v is None else int(v) for v in sizes]

    def eager(self, dim, num_results, skip):
        size, count, first = int(dim), int(num_results), int(skip)
        if size * count > MOST_SAMPLES:
            raise self.invalid(f"num_results*dim must be less than {MOST_SAMPLES}")
        if not 1 <= size <= MOST_DIMENSIONS:
            raise self.invalid(f"dim must be between one and {MOST_DIMENSIONS}. Received {size}")
        if count < 1 or first < 0:
            raise self.invalid(
                f"num_results must be at least one and skip not negative. Received {count}, {first}"
            )
        if first + count >= MOST_SAMPLES:
            raise self.invalid(f"num_results+skip must be less than {MOST_SAMPLES}")
        return functions.sobol_points(size, count, first).astype(self.dtype.np)
