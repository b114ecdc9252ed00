"""Functions of one array, as NumPy has them: powers, signs, complex parts, tests, rounding, clipping."""

import numpy as np

from penstock._src.api.math import complex_numbers, elementwise
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

from .promotion import (
    inexact,
    is_no_float,
    number,
    over_number,
    promoted,
    to_array,
)
from .weakness import public


@public("cbrt")
def cbrt(x):
    """The cube root.

    Args:
      x: an array-like.

    Returns:
      A tensor of floats, of the shape of `x`.
    """
    x = inexact(x)
    root = raw.Pow(x=raw.Abs(x=x), y=number(1 / 3, x))
    return raw.Sign(x=x) * root


@public("exp2")
def exp2(x):
    """2 ** x.

    Args:
      x: an array-like.

    Returns:
      A tensor of floats, of the shape of `x`.
    """
    x = inexact(x)
    return raw.Pow(x=number(2, x), y=x)


@public("log2")
def log2(x):
    """The logarithm to base 2.

    Args:
      x: an array-like.

    Returns:
      A tensor of floats, of the shape of `x`; NaN below 0.
    """
    x = inexact(x)
    return over_number(raw.Log(x=x), np.log(2))


@public("log10")
def log10(x):
    """The logarithm to base 10.

    Args:
      x: an array-like.

    Returns:
      A tensor of floats, of the shape of `x`; NaN below 0.
    """
    x = inexact(x)
    return over_number(raw.Log(x=x), np.log(10))


@public("deg2rad")
def deg2rad(x):
    """Degrees as radians.

    Args:
      x: angles in degrees.

    Returns:
      A tensor of floats, of the shape of `x`.
    """
    x = inexact(x)
    return x * number(np.pi / 180, x)


@public("rad2deg")
def rad2deg(x):
    """Radians as degrees; numbers and arrays of NumPy stay theirs.

    Args:
      x: angles in radians.

    Returns:
      A tensor of floats of the shape of `x`, or for numbers and arrays of NumPy such.
    """
    if isinstance(x, (int, float, complex, np.ndarray, np.generic)):
        return x * (180.0 / np.pi)
    x, factor = promoted(x, 180 / np.pi)
    return x * factor


@public("fix")
def fix(x):
    """The integer next to `x` towards zero.

    Args:
      x: an array-like.

    Returns:
      A tensor of floats, of the shape of `x`.
    """
    x = inexact(x)
    return raw.SelectV2(condition=x < number(0, x), t=raw.Ceil(x=x), e=raw.Floor(x=x))


@public("positive")
def positive(x):
    """`x`.

    Args:
      x: an array-like.

    Returns:
      A tensor of the shape and dtype of `x`.
    """
    return raw.Identity(input=to_array(x))


@public("signbit")
def signbit(x):
    """True where `x` is negative.

    Args:
      x: an array-like.

    Returns:
      A bool tensor of the shape of `x`; False for -0.0 and NaN.
    """
    x = to_array(x)
    return raw.ZerosLike(x=x) if x.dtype.is_bool else x < number(0, x)


@public("sinc")
def sinc(x):
    """sin(pi x) / (pi x), 1 at 0.

    Args:
      x: an array-like.

    Returns:
      A tensor of floats, of the shape of `x`.
    """
    x = inexact(x)
    angle = x * number(np.pi, x)
    zero = raw.Equal(x=x, y=number(0, x))
    safe = raw.SelectV2(condition=zero, t=number(1, x), e=angle)
    return raw.SelectV2(condition=zero, t=number(1, x), e=raw.Sin(x=safe) / safe)


@public("sign")
def sign(x, out=None, where=None, **kwargs):
    """-1, 0 or 1; of complex numbers the number on the unit circle.

    Args:
      x: an array-like.
      out: must be None.
      where: must be None.
      **kwargs: must be empty.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      ValueError: one of the arguments that are not supported is given.
    """
    if out is not None or where is not None or kwargs:
        raise ValueError("tnp.sign: `out`, `where` and further arguments are not supported.")
    return raw.Sign(x=to_array(x))


@public("angle")
def angle(z, deg=False):
    """The argument of complex numbers.

    Args:
      z: an array-like.
      deg: whether the angles are in degrees, not radians.

    Returns:
      A tensor of the shape of `z`: float64 for complex128, else float32.
    """
    z = inexact(z)
    kind = dtypes.float64 if z.dtype == dtypes.complex128 else dtypes.float32
    result = elementwise.cast(complex_numbers.angle(z), kind)
    return rad2deg(result) if deg else result


@public("real")
def real(val):
    """The real part.

    Args:
      val: an array-like.

    Returns:
      A tensor of the shape of `val`; of real numbers it is the same.
    """
    return complex_numbers.real(to_array(val))


@public("imag")
def imag(val):
    """The imaginary part.

    Args:
      val: an array-like.

    Returns:
      A tensor of the shape of `val`; zeros of real numbers.
    """
    return complex_numbers.imag(to_array(val))


@public("iscomplex")
def iscomplex(x):
    """True where the imaginary part is not zero.

    Args:
      x: an array-like.

    Returns:
      A bool tensor of the shape of `x`.
    """
    part = complex_numbers.imag(to_array(x))
    return raw.NotEqual(x=part, y=number(0, part))


@public("isreal")
def isreal(x):
    """True where the imaginary part is zero.

    Args:
      x: an array-like.

    Returns:
      A bool tensor of the shape of `x`.
    """
    return raw.LogicalNot(x=iscomplex(x))


@public("iscomplexobj")
def iscomplexobj(x):
    """True if the type is complex.

    Args:
      x: an array-like.

    Returns:
      A bool of Python.
    """
    return to_array(x).dtype.is_complex


@public("isrealobj")
def isrealobj(x):
    """True if the type is not complex.

    Args:
      x: an array-like.

    Returns:
      A bool of Python.
    """
    return not iscomplexobj(x)


@public("isneginf")
def isneginf(x):
    """True where `x` is minus infinity.

    Args:
      x: an array-like.

    Returns:
      A bool tensor of the shape of `x`; all False of integers and bools.
    """
    return False if is_no_float(x) else _equals(inexact(x), -np.inf)


@public("isposinf")
def isposinf(x):
    """True where `x` is infinity.

    Args:
      x: an array-like.

    Returns:
      A bool tensor of the shape of `x`; all False of integers and bools.
    """
    return False if is_no_float(x) else _equals(inexact(x), np.inf)


def _equals(x, value):
    return raw.Equal(x=x, y=number(value, x))


@public("clip")
def clip(a, a_min, a_max):
    """`a` limited to [a_min, a_max].

    Args:
      a: an array-like.
      a_min: the least value, an array that broadcasts, or None for no limit.
      a_max: the greatest, likewise.

    Returns:
      A tensor of the broadcast shape, in the dtype to which all are promoted.

    Raises:
      ValueError: both limits are None.
    """
    if a_min is None and a_max is None:
        raise ValueError("Not more than one of `a_min` and `a_max` may be `None`.")
    limits = [b for b in (a_min, a_max) if b is not None]
    a, *bounds = promoted(a, *limits)
    if a_max is not None:
        a = raw.Minimum(x=a, y=bounds[-1])
    if a_min is not None:
        a = raw.Maximum(x=a, y=bounds[0])
    return a


def _rounded(a, decimals):
    a = to_array(a)
    kind = a.dtype
    x = inexact(a)
    factor = number(10.0**decimals, x)
    return elementwise.cast(raw.Rint(x=x * factor) / factor, kind)


@public("around")
def around(a, decimals=0):
    """Rounded to this many decimals, halves to even.

    Args:
      a: an array-like.
      decimals: how many; with negative ones to tens, hundreds and so on.

    Returns:
      A tensor of the shape and dtype of `a`.
    """
    return _rounded(a, decimals)


@public("round")
def round(a, decimals=0):
    """Rounded to this many decimals, halves to even.

    Args:
      a: an array-like.
      decimals: how many; with negative ones to tens, hundreds and so on.

    Returns:
      A tensor of the shape and dtype of `a`.
    """
    return _rounded(a, decimals)


@public("isscalar")
def isscalar(num):
    """True if `num` is a scalar.

    Args:
      num: anything.

    Returns:
      A bool of Python: whether it is a number or a string, or a tensor or array without axes.
    """
    if hasattr(num, "shape"):
        return len(num.shape) == 0
    return np.isscalar(num)
