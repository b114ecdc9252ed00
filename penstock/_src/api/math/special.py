"""Special functions: Bessel, gamma and beta families, integrals."""

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


@dispatchable("math.lbeta", v1=["math.lbeta", "lbeta"])
def lbeta(x, name=None):
    """The logarithm of the beta function of each row: sum(lgamma(x)) - lgamma(sum(x)).

    Args:
      x: floats greater than 0, of one axis or more.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `x` without the last axis.
    """
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

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.bessel_i1 math.special.bessel_i1 = BesselI1(x) in bessel_i1
    The modified Bessel function of the first kind, order 1.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.bessel_i1e math.special.bessel_i1e = BesselI1e(x) in bessel_i1e
    exp(-abs(x)) * bessel_i1(x).

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_j0 = BesselJ0(x) in bessel_j0
    The Bessel function of the first kind, order 0.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_j1 = BesselJ1(x) in bessel_j1
    The Bessel function of the first kind, order 1.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_k0 = BesselK0(x) in bessel_k0
    The modified Bessel function of the second kind, order 0.

    Args:
      x: floats; below 0 the result is infinity.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_k0e = BesselK0e(x) in bessel_k0e
    exp(x) * bessel_k0(x).

    Args:
      x: floats; below 0 the result is infinity.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_k1 = BesselK1(x) in bessel_k1
    The modified Bessel function of the second kind, order 1.

    Args:
      x: floats; below 0 the result is infinity.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_k1e = BesselK1e(x) in bessel_k1e
    exp(x) * bessel_k1(x).

    Args:
      x: floats; below 0 the result is infinity.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_y0 = BesselY0(x) in bessel_y0
    The Bessel function of the second kind, order 0.

    Args:
      x: floats; below 0 the result is minus infinity.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.bessel_y1 = BesselY1(x) in bessel_y1
    The Bessel function of the second kind, order 1.

    Args:
      x: floats; below 0 the result is minus infinity.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.dawsn = Dawsn(x) in dawsn
    Dawson's integral, exp(-x**2) times the integral of exp(t**2) from 0 to `x`.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.expint = Expint(x) in expint
    The exponential integral Ei.

    Args:
      x: floats; below 0 the result is NaN.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.fresnel_cos = FresnelCos(x) in fresnel_cos
    Fresnel's integral of cos(pi/2 * t**2).

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.fresnel_sin = FresnelSin(x) in fresnel_sin
    Fresnel's integral of sin(pi/2 * t**2).

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
math.special.spence = Spence(x) in spence
    Spence's integral of log(t) / (1 - t) from 1 to `x`.

    Args:
      x: floats; below 0 the result is NaN.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.
""",
    binary="""
math.igamma +igamma = Igamma(a, x)
    The lower regularized incomplete gamma function P(a, x).

    Args:
      a: floats, greater than 0.
      x: floats of the same dtype, not less than 0. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of numbers from 0 to 1.
math.igammac +igammac = Igammac(a, x)
    The upper regularized incomplete gamma function Q(a, x).

    Args:
      a: floats, greater than 0.
      x: floats of the same dtype, not less than 0. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of numbers from 0 to 1.
math.polygamma +polygamma = Polygamma(a, x)
    The derivative of order `a` of `digamma` at `x`.

    Args:
      a: the orders, as floats: 0, 1, 2 and so on.
      x: floats of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.
math.zeta +zeta = Zeta(x, q)
    The Hurwitz zeta function: the sum of (q + n) ** -x over n = 0, 1, ...

    Args:
      x: floats, greater than 1.
      q: floats of the same dtype, greater than 0. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.
""",
    dispatchable="""
math.betainc +betainc = Betainc(a, b, x)
    The regularized incomplete beta integral I_x(a, b).

    Args:
      a: floats, greater than 0.
      b: floats of the same dtype, greater than 0.
      x: floats of the same dtype, from 0 to 1. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of numbers from 0 to 1.
""",
)
