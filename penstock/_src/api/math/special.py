"""Special functions: Bessel, gamma and beta families, integrals."""

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


@dispatchable("math.lbeta", v1=["math.lbeta", "lbeta"])
def lbeta(x, name=None):
    """The logarithm of the beta function of each row: sum(lgamma(x)) - lgamma(sum(x))."""
    x = convert_to_tensor(x, name="x")
    total = raw.Lgamma(x=raw.Sum(input=x, axis=[-1]))
    return raw.Sub(x=raw.Sum(input=raw.Lgamma(x=x), axis=[-1]), y=total, name=name)


__getattr__ = op_functions(
    globals(),
    unary="""
math.bessel_i0 math.special.bessel_i0 = BesselI0(x) in bessel_i0
    Returns the modified Bessel function of the first kind, of order 0.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.bessel_i0([0.0, 1.0]).numpy().round(4)
    array([1.    , 1.2661], dtype=float32)
math.bessel_i0e math.special.bessel_i0e = BesselI0e(x) in bessel_i0e
    exp(-abs(x)) * bessel_i0(x).
math.bessel_i1 math.special.bessel_i1 = BesselI1(x) in bessel_i1
    The modified Bessel function of the first kind, order 1.
math.bessel_i1e math.special.bessel_i1e = BesselI1e(x) in bessel_i1e
    exp(-abs(x)) * bessel_i1(x).
math.special.bessel_j0 = BesselJ0(x) in bessel_j0
    The Bessel function of the first kind, order 0.
math.special.bessel_j1 = BesselJ1(x) in bessel_j1
    The Bessel function of the first kind, order 1.
math.special.bessel_k0 = BesselK0(x) in bessel_k0
    The modified Bessel function of the second kind, order 0.
math.special.bessel_k0e = BesselK0e(x) in bessel_k0e
    exp(x) * bessel_k0(x).
math.special.bessel_k1 = BesselK1(x) in bessel_k1
    The modified Bessel function of the second kind, order 1.
math.special.bessel_k1e = BesselK1e(x) in bessel_k1e
    exp(x) * bessel_k1(x).
math.special.bessel_y0 = BesselY0(x) in bessel_y0
    The Bessel function of the second kind, order 0.
math.special.bessel_y1 = BesselY1(x) in bessel_y1
    The Bessel function of the second kind, order 1.
math.special.dawsn = Dawsn(x) in dawsn
    Dawson's integral, exp(-x**2) times the integral of exp(t**2) from 0 to `x`.
math.special.expint = Expint(x) in expint
    The exponential integral Ei.
math.special.fresnel_cos = FresnelCos(x) in fresnel_cos
    Fresnel's integral of cos(pi/2 * t**2).
math.special.fresnel_sin = FresnelSin(x) in fresnel_sin
    Fresnel's integral of sin(pi/2 * t**2).
math.special.spence = Spence(x) in spence
    Spence's integral of log(t) / (1 - t) from 1 to `x`.
""",
    binary="""
math.igamma +igamma = Igamma(a, x)
    The lower regularized incomplete gamma function P(a, x).
math.igammac +igammac = Igammac(a, x)
    The upper regularized incomplete gamma function Q(a, x).
math.polygamma +polygamma = Polygamma(a, x)
    The derivative of order `a` of `digamma` at `x`.
math.zeta +zeta = Zeta(x, q)
    The Hurwitz zeta function: the sum of (q + n) ** -x over n = 0, 1, ...
""",
    dispatchable="""
math.betainc +betainc = Betainc(a, b, x)
    The regularized incomplete beta integral I_x(a, b).
""",
)
