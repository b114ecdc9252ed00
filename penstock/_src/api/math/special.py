"""Special functions: Bessel, gamma and beta families, integrals."""

from __future__ import annotations

from penstock._src.api.extending.dispatch import binary, dispatchable, unary
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export("math.bessel_i0", "math.special.bessel_i0")
@unary
def bessel_i0(x, name=None):
    """The modified Bessel function of the first kind, order 0."""
    return raw.BesselI0(x=x, name=name)


@export("math.bessel_i0e", "math.special.bessel_i0e")
@unary
def bessel_i0e(x, name=None):
    """exp(-abs(x)) * bessel_i0(x)."""
    return raw.BesselI0e(x=x, name=name)


@export("math.bessel_i1", "math.special.bessel_i1")
@unary
def bessel_i1(x, name=None):
    """The modified Bessel function of the first kind, order 1."""
    return raw.BesselI1(x=x, name=name)


@export("math.bessel_i1e", "math.special.bessel_i1e")
@unary
def bessel_i1e(x, name=None):
    """exp(-abs(x)) * bessel_i1(x)."""
    return raw.BesselI1e(x=x, name=name)


@export("math.special.bessel_j0")
@unary
def bessel_j0(x, name=None):
    """The Bessel function of the first kind, order 0."""
    return raw.BesselJ0(x=x, name=name)


@export("math.special.bessel_j1")
@unary
def bessel_j1(x, name=None):
    """The Bessel function of the first kind, order 1."""
    return raw.BesselJ1(x=x, name=name)


@export("math.special.bessel_k0")
@unary
def bessel_k0(x, name=None):
    """The modified Bessel function of the second kind, order 0."""
    return raw.BesselK0(x=x, name=name)


@export("math.special.bessel_k0e")
@unary
def bessel_k0e(x, name=None):
    """exp(x) * bessel_k0(x)."""
    return raw.BesselK0e(x=x, name=name)


@export("math.special.bessel_k1")
@unary
def bessel_k1(x, name=None):
    """The modified Bessel function of the second kind, order 1."""
    return raw.BesselK1(x=x, name=name)


@export("math.special.bessel_k1e")
@unary
def bessel_k1e(x, name=None):
    """exp(x) * bessel_k1(x)."""
    return raw.BesselK1e(x=x, name=name)


@export("math.special.bessel_y0")
@unary
def bessel_y0(x, name=None):
    """The Bessel function of the second kind, order 0."""
    return raw.BesselY0(x=x, name=name)


@export("math.special.bessel_y1")
@unary
def bessel_y1(x, name=None):
    """The Bessel function of the second kind, order 1."""
    return raw.BesselY1(x=x, name=name)


@export("math.special.dawsn")
@unary
def dawsn(x, name=None):
    """Dawson's integral, exp(-x**2) times the integral of exp(t**2) from 0 to `x`."""
    return raw.Dawsn(x=x, name=name)


@export("math.special.expint")
@unary
def expint(x, name=None):
    """The exponential integral Ei."""
    return raw.Expint(x=x, name=name)


@export("math.special.fresnel_cos")
@unary
def fresnel_cos(x, name=None):
    """Fresnel's integral of cos(pi/2 * t**2)."""
    return raw.FresnelCos(x=x, name=name)


@export("math.special.fresnel_sin")
@unary
def fresnel_sin(x, name=None):
    """Fresnel's integral of sin(pi/2 * t**2)."""
    return raw.FresnelSin(x=x, name=name)


@export("math.special.spence")
@unary
def spence(x, name=None):
    """Spence's integral of log(t) / (1 - t) from 1 to `x`."""
    return raw.Spence(x=x, name=name)


@export("math.betainc", v1=["math.betainc", "betainc"])
@dispatchable
def betainc(a, b, x, name=None):
    """The regularized incomplete beta integral I_x(a, b)."""
    return raw.Betainc(a=a, b=b, x=x, name=name)


@export("math.igamma", v1=["math.igamma", "igamma"])
@binary
def igamma(a, x, name=None):
    """The lower regularized incomplete gamma function P(a, x)."""
    return raw.Igamma(a=a, x=x, name=name)


@export("math.igammac", v1=["math.igammac", "igammac"])
@binary
def igammac(a, x, name=None):
    """The upper regularized incomplete gamma function Q(a, x)."""
    return raw.Igammac(a=a, x=x, name=name)


@export("math.polygamma", v1=["math.polygamma", "polygamma"])
@binary
def polygamma(a, x, name=None):
    """The derivative of order `a` of `digamma` at `x`."""
    return raw.Polygamma(a=a, x=x, name=name)


@export("math.zeta", v1=["math.zeta", "zeta"])
@binary
def zeta(x, q, name=None):
    """The Hurwitz zeta function: the sum of (q + n) ** -x over n = 0, 1, ..."""
    return raw.Zeta(x=x, q=q, name=name)


@export("math.lbeta", v1=["math.lbeta", "lbeta"])
@dispatchable
def lbeta(x, name=None):
    """The logarithm of the beta function of each row: sum(lgamma(x)) - lgamma(sum(x))."""
    x = convert_to_tensor(x, name="x")
    total = raw.Lgamma(x=raw.Sum(input=x, axis=[-1]))
    return raw.Sub(x=raw.Sum(input=raw.Lgamma(x=x), axis=[-1]), y=total, name=name)
