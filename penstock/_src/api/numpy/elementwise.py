"""Elementwise functions of NumPy."""

from penstock._src.api.math import arithmetic, elementwise
from penstock._src.core import dtypes
from penstock._src.util.export import export

from .promotion import default_float, inexact, is_no_float, numbers, promoted, to_array


@export("experimental.numpy.abs", v1=[])
def abs(x):
    """The absolute value."""
    return elementwise.abs(to_array(x))


@export("experimental.numpy.absolute", v1=[])
def absolute(x):
    """The absolute value."""
    return elementwise.abs(to_array(x))


@export("experimental.numpy.arccos", v1=[])
def arccos(x):
    """The angle whose cosine is `x`."""
    return elementwise.acos(inexact(x))


@export("experimental.numpy.arccosh", v1=[])
def arccosh(x):
    """The inverse hyperbolic cosine."""
    return elementwise.acosh(inexact(x))


@export("experimental.numpy.arcsin", v1=[])
def arcsin(x):
    """The angle whose sine is `x`."""
    return elementwise.asin(inexact(x))


@export("experimental.numpy.arcsinh", v1=[])
def arcsinh(x):
    """The inverse hyperbolic sine."""
    return elementwise.asinh(inexact(x))


@export("experimental.numpy.arctan", v1=[])
def arctan(x):
    """The angle whose tangent is `x`."""
    return elementwise.atan(inexact(x))


@export("experimental.numpy.arctanh", v1=[])
def arctanh(x):
    """The inverse hyperbolic tangent."""
    return elementwise.atanh(inexact(x))


@export("experimental.numpy.ceil", v1=[])
def ceil(x):
    """The smallest integer not below `x`."""
    return elementwise.ceil(inexact(x))


@export("experimental.numpy.cos", v1=[])
def cos(x):
    """The cosine."""
    return elementwise.cos(inexact(x))


@export("experimental.numpy.cosh", v1=[])
def cosh(x):
    """The hyperbolic cosine."""
    return elementwise.cosh(inexact(x))


@export("experimental.numpy.exp", v1=[])
def exp(x):
    """e ** x."""
    return elementwise.exp(inexact(x))


@export("experimental.numpy.expm1", v1=[])
def expm1(x):
    """e ** x - 1."""
    return elementwise.expm1(inexact(x))


@export("experimental.numpy.fabs", v1=[])
def fabs(x):
    """The absolute value."""
    return elementwise.abs(to_array(x))


@export("experimental.numpy.floor", v1=[])
def floor(x):
    """The largest integer not above `x`."""
    return elementwise.floor(inexact(x))


@export("experimental.numpy.log", v1=[])
def log(x):
    """The natural logarithm."""
    return elementwise.log(inexact(x))


@export("experimental.numpy.log1p", v1=[])
def log1p(x):
    """log(1 + x)."""
    return elementwise.log1p(inexact(x))


@export("experimental.numpy.negative", v1=[])
def negative(x):
    """-x."""
    return elementwise.negative(to_array(x))


@export("experimental.numpy.reciprocal", v1=[])
def reciprocal(x):
    """1 / x."""
    return elementwise.reciprocal(to_array(x))


@export("experimental.numpy.sin", v1=[])
def sin(x):
    """The sine."""
    return elementwise.sin(inexact(x))


@export("experimental.numpy.sinh", v1=[])
def sinh(x):
    """The hyperbolic sine."""
    return elementwise.sinh(inexact(x))


@export("experimental.numpy.sqrt", v1=[])
def sqrt(x):
    """The square root."""
    return elementwise.sqrt(inexact(x))


@export("experimental.numpy.square", v1=[])
def square(x):
    """x * x."""
    return elementwise.square(to_array(x))


@export("experimental.numpy.tan", v1=[])
def tan(x):
    """The tangent."""
    return elementwise.tan(inexact(x))


@export("experimental.numpy.tanh", v1=[])
def tanh(x):
    """The hyperbolic tangent."""
    return elementwise.tanh(inexact(x))


@export("experimental.numpy.conj", v1=[])
def conj(x):
    """The complex conjugate."""
    return elementwise.conj(to_array(x))


@export("experimental.numpy.conjugate", v1=[])
def conjugate(x):
    """The complex conjugate."""
    return elementwise.conj(to_array(x))


@export("experimental.numpy.isfinite", v1=[])
def isfinite(x):
    """Where `x` is neither infinite nor NaN."""
    return elementwise.is_finite(inexact(x))


@export("experimental.numpy.isinf", v1=[])
def isinf(x):
    """Where `x` is infinite."""
    return False if is_no_float(x) else elementwise.is_inf(inexact(x))


@export("experimental.numpy.isnan", v1=[])
def isnan(x):
    """Where `x` is not a number."""
    return elementwise.is_nan(inexact(x))


@export("experimental.numpy.add", v1=[])
def add(x1, x2):
    """x1 + x2."""
    x1, x2 = promoted(x1, x2)
    return arithmetic.logical_or(x1, x2) if x1.dtype.is_bool else arithmetic.add(x1, x2)


@export("experimental.numpy.subtract", v1=[])
def subtract(x1, x2):
    """x1 - x2."""
    return arithmetic.subtract(*promoted(x1, x2))


def _quotient(x1, x2):
    x1, x2 = promoted(x1, x2)
    if x1.dtype.is_bool or (x1.dtype.is_integer and default_float() == dtypes.float32):
        x1, x2 = to_array(x1, float), to_array(x2, float)
    return arithmetic.truediv(x1, x2)


@export("experimental.numpy.divide", v1=[])
def divide(x1, x2):
    """x1 / x2."""
    return _quotient(x1, x2)


@export("experimental.numpy.true_divide", v1=[])
def true_divide(x1, x2):
    """x1 / x2."""
    return _quotient(x1, x2)


@export("experimental.numpy.mod", v1=[])
def mod(x1, x2):
    """The remainder of floor division."""
    return arithmetic.floormod(*numbers(x1, x2, dtypes.int8))


@export("experimental.numpy.remainder", v1=[])
def remainder(x1, x2):
    """The remainder of floor division."""
    return arithmetic.floormod(*numbers(x1, x2, dtypes.int8))


@export("experimental.numpy.power", v1=[])
def power(x1, x2):
    """x1 ** x2."""
    return arithmetic.pow(*promoted(x1, x2))


@export("experimental.numpy.arctan2", v1=[])
def arctan2(x1, x2):
    """The angle of the point (x2, x1)."""
    return arithmetic.atan2(*promoted(x1, x2, inexact=True))


@export("experimental.numpy.nextafter", v1=[])
def nextafter(x1, x2):
    """The next number after `x1` towards `x2`."""
    return arithmetic.nextafter(*promoted(x1, x2, inexact=True))


@export("experimental.numpy.equal", v1=[])
def equal(x1, x2):
    """Where both are equal."""
    return arithmetic.equal(*promoted(x1, x2))


@export("experimental.numpy.not_equal", v1=[])
def not_equal(x1, x2):
    """Where they differ."""
    return arithmetic.not_equal(*promoted(x1, x2))


@export("experimental.numpy.greater", v1=[])
def greater(x1, x2):
    """Where x1 > x2."""
    return arithmetic.greater(*numbers(x1, x2, dtypes.int32))


@export("experimental.numpy.greater_equal", v1=[])
def greater_equal(x1, x2):
    """Where x1 >= x2."""
    return arithmetic.greater_equal(*numbers(x1, x2, dtypes.int32))


@export("experimental.numpy.less", v1=[])
def less(x1, x2):
    """Where x1 < x2."""
    return arithmetic.less(*numbers(x1, x2, dtypes.int32))


@export("experimental.numpy.less_equal", v1=[])
def less_equal(x1, x2):
    """Where x1 <= x2."""
    return arithmetic.less_equal(*numbers(x1, x2, dtypes.int32))


@export("experimental.numpy.bitwise_and", v1=[])
def bitwise_and(x1, x2):
    """The bits set in both."""
    x1, x2 = promoted(x1, x2)
    if x1.dtype.is_bool:
        return arithmetic.logical_and(x1, x2)
    return arithmetic.bitwise_and(x1, x2)


@export("experimental.numpy.bitwise_or", v1=[])
def bitwise_or(x1, x2):
    """The bits set in one of them."""
    x1, x2 = promoted(x1, x2)
    if x1.dtype.is_bool:
        return arithmetic.logical_or(x1, x2)
    return arithmetic.bitwise_or(x1, x2)


@export("experimental.numpy.bitwise_xor", v1=[])
def bitwise_xor(x1, x2):
    """The bits set in exactly one of them."""
    x1, x2 = promoted(x1, x2)
    if x1.dtype.is_bool:
        return arithmetic.logical_xor(x1, x2)
    return arithmetic.bitwise_xor(x1, x2)
