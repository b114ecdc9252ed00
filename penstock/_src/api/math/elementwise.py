"""Elementwise functions of one tensor."""

import logging

import numpy as np

from penstock._src.api.extending.dispatch import unary
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


@unary("abs", "math.abs", named="Abs", direct=True)
def abs(x, name=None):
    """Returns the absolute value; for complex numbers, the modulus as a real number.

    The gradient at 0 is 0. The most negative integer has no counterpart and stays as it is.

    Args:
      x: numbers, or a ragged or sparse tensor of them.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `x`, and of its dtype unless that is complex.

    >>> tf.abs([-1.5, 2.0]).numpy()
    array([1.5, 2. ], dtype=float32)
    >>> tf.abs([3.0 + 4.0j]).numpy()
    array([5.])
    """
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        return raw.ComplexAbs(x=x, Tout=x.dtype.real_dtype, name=name)
    return raw.Abs(x=x, name=name)


@unary("sign", "math.sign", direct=True)
def sign(x, name=None):
    """Returns -1, 0 or 1 if `x` is negative, zero or positive; for complex numbers x / |x|.

    Args:
      x: numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN stays NaN.

    >>> tf.sign([-2.0, 0.0, 5.0]).numpy()
    array([-1.,  0.,  1.], dtype=float32)
    """
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        modulus = abs(x)
        # Below the least normal number the quotient is not accurate. NaN is not below it, and stays NaN.
        is_zero = modulus < np.finfo(modulus.dtype.np).tiny
        # The quotient that is not chosen must be finite too: its derivative is multiplied by 0.
        divisor = raw.SelectV2(condition=is_zero, t=raw.OnesLike(x=modulus), e=modulus)
        unit = x / raw.Cast(x=divisor, DstT=x.dtype)
        return raw.SelectV2(condition=is_zero, t=raw.ZerosLike(x=x), e=unit, name=name)
    return raw.Sign(x=x, name=name)


@unary("round", "math.round", direct=True)
def round(x, name=None):
    """Returns the nearest integer as a number of the same dtype; halves go to the even one.

    The gradient is 0 everywhere.

    Args:
      x: real numbers; integers are returned unchanged.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.round([0.5, 1.5, -2.6]).numpy()
    array([ 0.,  2., -3.], dtype=float32)
    """
    x = convert_to_tensor(x)
    return x if x.dtype.is_integer else raw.Round(x=x, name=name)


@unary("cast", "dtypes.cast", direct=True)
def cast(x, dtype, name=None):
    """Returns `x` in another dtype.

    Floats lose their fraction when they become integers; numbers become True unless they are 0;
    complex numbers lose their imaginary part, with a warning. What does not fit an integer dtype
    is not defined: use `tf.saturate_cast` to clip it. The gradient passes between floats and is
    None for integers.

    Args:
      x: a tensor, a ragged or sparse one, an `IndexedSlices` or what converts to one.
      dtype: the dtype of the result.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `x`, or `x` itself if it has that dtype.

    Raises:
      TypeError: `x` does not convert to a tensor, or there is no cast between the dtypes.

    >>> tf.cast([1.8, -1.8], tf.int32).numpy()
    array([ 1, -1], dtype=int32)
    >>> tf.cast([0, 2], tf.bool).numpy()
    array([False,  True])
    """
    wanted = dtypes.as_dtype(dtype).base_dtype
    if isinstance(x, IndexedSlices):
        return IndexedSlices(cast(x.values, wanted, name), x.indices, x.dense_shape)
    if not isinstance(x, Tensor):
        with scope_in_graph(name, "Cast") as scope:
            name = scope or name
            x = convert_to_tensor(x, name="x")
    if x.dtype.is_complex and wanted.is_floating:
        logging.getLogger("tensorflow").warning(
            "You are casting an input of type %s to an incompatible dtype %s.  This will discard "
            "the imaginary part and may not be what you intended.",
            x.dtype.name,
            wanted.name,
        )
    if x.dtype.base_dtype == wanted:
        return x
    return raw.Cast(x=x, DstT=wanted, name=name)


@unary("saturate_cast", "dtypes.saturate_cast", named="saturate_cast")
def saturate_cast(value, dtype, name=None):
    """Returns `value` in another dtype, clipped to the range of that dtype.

    Args:
      value: numbers; of complex ones the real part, if `dtype` is real.
      dtype: the dtype of the result.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `value`.

    Raises:
      TypeError: a bool is to become complex.

    >>> tf.saturate_cast([-5.0, 3.7, 900.0], tf.uint8).numpy()
    array([  0,   3, 255], dtype=uint8)
    """
    wanted = dtypes.as_dtype(dtype)
    value = convert_to_tensor(value, name="value")
    if value.dtype.is_complex and not wanted.is_complex:
        value = raw.Real(input=value, Tout=value.dtype.real_dtype)
    if value.dtype.is_bool and wanted.is_complex:
        raise TypeError(f"Cannot find minimum value of {value.dtype!r} with type {value.dtype!r}.")
    if value.dtype.is_complex and wanted.size < value.dtype.size:
        parts = [part(input=value, Tout=value.dtype.real_dtype) for part in (raw.Real, raw.Imag)]
        real, imag = [saturate_cast(part, wanted.real_dtype) for part in parts]
        return raw.Complex(real=real, imag=imag, Tout=wanted, name=name)
    if not value.dtype.is_complex:
        source, target = _limits(value.dtype), _limits(wanted.real_dtype)
        # Infinities are outside any range.
        if value.dtype.is_floating or source[0] < target[0] or source[1] > target[1]:
            # TensorFlow uses the rounded limits of 64-bit integers.
            exact = not wanted.is_integer or wanted.size < 8
            low = _representable(value.dtype, max(source[0], target[0]), exact, up=True)
            high = _representable(value.dtype, min(source[1], target[1]), exact, up=False)
            value = raw.ClipByValue(t=value, clip_value_min=low, clip_value_max=high)
    return cast(value, wanted, name=name)


def _limits(dtype):
    return dtype.as_numpy_dtype(dtype.min).item(), dtype.as_numpy_dtype(dtype.max).item()


def _representable(dtype, limit, exact, up):
    """`limit` in `dtype`, moved inwards (if `exact`) where rounding would exceed the range."""
    # The scalars of bfloat16 take no integer beyond 64 signed bits. A float64 holds every limit that is `exact`.
    value = dtype.as_numpy_dtype(limit if dtype.is_integer else float(limit))
    if exact and dtype.is_floating and dtype.size >= 2:
        if up and float(value) < limit:
            value = np.nextafter(value, dtype.as_numpy_dtype(np.inf))
        if not up and float(value) > limit:
            value = np.nextafter(value, dtype.as_numpy_dtype(-np.inf))
    return value


@unary("math.erfcinv", scope="erfcinv")
def erfcinv(x, name=None):
    """Returns the inverse of the complementary error function.

    Args:
      x: float32 or float64 between 0 and 2.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN outside the range.

    >>> tf.math.erfcinv([0.5, 1.0]).numpy().round(4)
    array([ 0.4769, -0.    ], dtype=float32)
    """
    x = convert_to_tensor(x, name="start")
    ndtri = raw.Ndtri(x=convert_to_tensor(0.5, x.dtype) * x)
    return raw.Mul(x=ndtri, y=convert_to_tensor(-(0.5**0.5), x.dtype), name=name)


@unary("math.reciprocal_no_nan", named="reciprocal_no_nan")
def reciprocal_no_nan(x, name=None):
    """Returns 1 / x, and 0 wherever `x` is 0.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.reciprocal_no_nan([2.0, 0.0]).numpy()
    array([0.5, 0. ], dtype=float32)
    """
    x = convert_to_tensor(x, name="x")
    return raw.DivNoNan(x=convert_to_tensor(1, x.dtype), y=x, name=name)


__getattr__ = op_functions(
    globals(),
    unary="""
math.ceil = Ceil(x)
    Returns the smallest integer that is not below `x`, as a number of its dtype.

    The gradient is 0 everywhere.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.ceil([-1.5, 0.2, 2.0]).numpy()
    array([-1.,  1.,  2.], dtype=float32)
floor math.floor = Floor(x)
    Returns the largest integer that is not above `x`, as a number of its dtype.

    The gradient is 0 everywhere.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.floor([-1.5, 0.2, 2.0]).numpy()
    array([-2.,  0.,  2.], dtype=float32)
math.rint = Rint(x)
    Returns the nearest integer as a number of the same dtype; halves go to the even one.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.rint([0.5, 1.5, -2.6]).numpy()
    array([ 0.,  2., -3.], dtype=float32)
math.digamma = Digamma(x)
    Returns the derivative of the logarithm of the Gamma function.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN at 0 and the negative integers.

    >>> tf.math.digamma([1.0, 2.0]).numpy().round(4)
    array([-0.5772,  0.4228], dtype=float32)
math.erf = Erf(x)
    Returns the error function: 2/sqrt(pi) times the integral of exp(-t*t) from 0 to `x`.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`, between -1 and 1.

    >>> tf.math.erf([-1.0, 0.0, 3.0]).numpy().round(5)
    array([-0.8427 ,  0.     ,  0.99998], dtype=float32)
math.erfc = Erfc(x)
    Returns 1 - erf(x), accurate where that is close to 0.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`, between 0 and 2.

    >>> tf.math.erfc([0.0, 1.0]).numpy().round(5)
    array([1.    , 0.1573], dtype=float32)
math.erfinv = Erfinv(x) in erfinv
    Returns the number whose error function is `x`.

    Args:
      x: float32 or float64.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; infinite at -1 and 1, NaN beyond them.

    >>> tf.math.erfinv([0.0, 0.5, 1.0]).numpy().round(5)
    array([0.     , 0.47694,     inf], dtype=float32)
exp math.exp = Exp(x)
    Returns e ** x.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; infinite where it overflows.

    >>> tf.exp([0.0, 1.0, 1000.0]).numpy().round(4)
    array([1.    , 2.7183,    inf], dtype=float32)
math.expm1 = Expm1(x)
    Returns e ** x - 1, accurate for `x` close to 0.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.expm1([0.0, 1e-10]).numpy()
    array([0.e+00, 1.e-10], dtype=float32)
math.log = Log(x)
    Returns the natural logarithm.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`: minus infinity for 0, NaN for negative real numbers.

    >>> tf.math.log([1.0, 0.0, -1.0]).numpy()
    array([  0., -inf,  nan], dtype=float32)
math.log1p = Log1p(x)
    Returns log(1 + x), accurate for `x` close to 0.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`: minus infinity for -1, NaN for real numbers below.

    >>> tf.math.log1p([0.0, 1e-10, -1.0]).numpy()
    array([0.e+00, 1.e-10,   -inf], dtype=float32)
math.lgamma = Lgamma(x)
    Returns the logarithm of the absolute value of the Gamma function.

    For a whole number n above 0 this is log((n - 1)!).

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`: infinite at 0 and the negative integers.

    >>> tf.math.lgamma([1.0, 5.0, 0.0]).numpy().round(5)
    array([0.     , 3.17805,     inf], dtype=float32)
math.is_finite = IsFinite(x)
    Returns True where `x` is neither infinite nor NaN.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A bool tensor of the shape of `x`.

    >>> tf.math.is_finite([1.0, float("inf"), float("nan")]).numpy()
    array([ True, False, False])
math.is_inf = IsInf(x)
    Returns True where `x` is plus or minus infinity.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A bool tensor of the shape of `x`.

    >>> tf.math.is_inf([1.0, float("-inf"), float("nan")]).numpy()
    array([False,  True, False])
math.is_nan = IsNan(x)
    Returns True where `x` is NaN, "not a number".

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A bool tensor of the shape of `x`.

    >>> tf.math.is_nan([1.0, float("inf"), float("nan")]).numpy()
    array([False, False,  True])
logical_not math.logical_not = LogicalNot(x)
    Returns True where `x` is False, and False where it is True.

    Args:
      x: bool.
      name: a name for the operation.

    Returns:
      A bool tensor of the shape of `x`.

    >>> tf.math.logical_not([True, False]).numpy()
    array([False,  True])
negative math.negative = Neg(x)
    Returns -x; the most negative integer stays as it is.

    Args:
      x: numbers of a signed dtype.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.negative([1.0, -2.0]).numpy()
    array([-1.,  2.], dtype=float32)
math.reciprocal = Reciprocal(x)
    Returns 1 / x, which is infinite for 0.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.reciprocal([2.0, 0.0]).numpy()
    array([0.5, inf], dtype=float32)
math.rsqrt = Rsqrt(x)
    Returns 1 / sqrt(x).

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`: infinite for 0, NaN for negative real numbers.

    >>> tf.math.rsqrt([4.0, 0.0, -1.0]).numpy()
    array([0.5, inf, nan], dtype=float32)
sqrt math.sqrt = Sqrt(x)
    Returns the square root.

    The gradient at 0 is infinite; where that is multiplied by 0, as in the norm of a zero vector,
    it becomes NaN.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`: NaN for negative real numbers.

    >>> tf.sqrt([4.0, 0.0, -1.0]).numpy()
    array([ 2.,  0., nan], dtype=float32)
square math.square = Square(x)
    Returns x * x.

    Args:
      x: numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.square([-3, 2]).numpy()
    array([9, 4], dtype=int32)
bitwise.invert = Invert(x)
    Returns `x` with every bit flipped: -x - 1 for signed integers.

    Args:
      x: integers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.bitwise.invert([0, 5, -1]).numpy()
    array([-1, -6,  0], dtype=int32)
math.ndtri = Ndtri(x) in ndtri
    Returns the quantile of the standard normal distribution.

    Args:
      x: float32 or float64 between 0 and 1.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`: infinite at 0 and 1, NaN outside.

    >>> tf.math.ndtri([0.5, 0.975]).numpy().round(4)
    array([0.  , 1.96], dtype=float32)
""",
)
