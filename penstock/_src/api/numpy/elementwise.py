"""Elementwise functions of NumPy that are those of tf.math on converted arguments."""

from penstock._src.api.math import arithmetic, elementwise
from penstock._src.core import dtypes

from .promotion import RULES, inexact, is_no_float, numbers, promoted_pair, to_array
from .weakness import public


def _inexact_pair(x1, x2):
    return promoted_pair(x1, x2, inexact=True)


def _numbers_of_int8(x1, x2):
    return numbers(x1, x2, dtypes.int8)


def _numbers_of_int32(x1, x2):
    return numbers(x1, x2, dtypes.int32)


def _quotient_pair(x1, x2):
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool or (x1.dtype.is_integer and not RULES.allow_float64):
        x1, x2 = to_array(x1, float), to_array(x2, float)
    return x1, x2


# {names: (the function of tf.math, what converts the argument, docstring)}
_UNARY = {
    "abs absolute fabs": ("abs", to_array, "The absolute value."),
    "arccos": ("acos", inexact, "The angle whose cosine is `x`."),
    "arccosh": ("acosh", inexact, "The inverse hyperbolic cosine."),
    "arcsin": ("asin", inexact, "The angle whose sine is `x`."),
    "arcsinh": ("asinh", inexact, "The inverse hyperbolic sine."),
    "arctan": ("atan", inexact, "The angle whose tangent is `x`."),
    "arctanh": ("atanh", inexact, "The inverse hyperbolic tangent."),
    "ceil": ("ceil", inexact, "The smallest integer not below `x`."),
    "cos": ("cos", inexact, "The cosine."),
    "cosh": ("cosh", inexact, "The hyperbolic cosine."),
    "exp": ("exp", inexact, "e ** x."),
    "expm1": ("expm1", inexact, "e ** x - 1."),
    "floor": ("floor", inexact, "The largest integer not above `x`."),
    "log": ("log", inexact, "The natural logarithm."),
    "log1p": ("log1p", inexact, "log(1 + x)."),
    "negative": ("negative", to_array, "-x."),
    "reciprocal": ("reciprocal", to_array, "1 / x."),
    "sin": ("sin", inexact, "The sine."),
    "sinh": ("sinh", inexact, "The hyperbolic sine."),
    "sqrt": ("sqrt", inexact, "The square root."),
    "square": ("square", to_array, "x * x."),
    "tan": ("tan", inexact, "The tangent."),
    "tanh": ("tanh", inexact, "The hyperbolic tangent."),
    "conj conjugate": ("conj", to_array, "The complex conjugate."),
    "isfinite": ("is_finite", inexact, "Where `x` is neither infinite nor NaN."),
    "isnan": ("is_nan", inexact, "Where `x` is not a number."),
}

# {names: (the function of tf.math, what converts both arguments, docstring)}
_BINARY = {
    "subtract": ("subtract", promoted_pair, "x1 - x2."),
    "mod remainder": ("floormod", _numbers_of_int8, "The remainder of floor division."),
    "power": ("pow", promoted_pair, "x1 ** x2."),
    "arctan2": ("atan2", _inexact_pair, "The angle of the point (x2, x1)."),
    "nextafter": ("nextafter", _inexact_pair, "The next number after `x1` towards `x2`."),
    "equal": ("equal", promoted_pair, "Where both are equal."),
    "not_equal": ("not_equal", promoted_pair, "Where they differ."),
    "greater": ("greater", _numbers_of_int32, "Where x1 > x2."),
    "greater_equal": ("greater_equal", _numbers_of_int32, "Where x1 >= x2."),
    "less": ("less", _numbers_of_int32, "Where x1 < x2."),
    "less_equal": ("less_equal", _numbers_of_int32, "Where x1 <= x2."),
    "divide true_divide": ("truediv", _quotient_pair, "x1 / x2."),
}


def _unary(function, convert):
    def call(x):
        return getattr(elementwise, function)(convert(x))

    return call


def _binary(function, convert):
    def call(x1, x2):
        return getattr(arithmetic, function)(*convert(x1, x2))

    return call


for _make, _table in ((_unary, _UNARY), (_binary, _BINARY)):
    for _names, (_function, _convert, _documentation) in _table.items():
        for _name in _names.split():
            _call = _make(_function, _convert)
            _call.__name__ = _call.__qualname__ = _name
            _call.__doc__ = _documentation
            globals()[_name] = public(_name)(_call)


@public("isinf")
def isinf(x):
    """Where `x` is infinite."""
    return False if is_no_float(x) else elementwise.is_inf(inexact(x))


@public("add")
def add(x1, x2):
    """x1 + x2."""
    x1, x2 = promoted_pair(x1, x2)
    return arithmetic.logical_or(x1, x2) if x1.dtype.is_bool else arithmetic.add(x1, x2)


@public("bitwise_and")
def bitwise_and(x1, x2):
    """The bits set in both."""
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool:
        return arithmetic.logical_and(x1, x2)
    return arithmetic.bitwise_and(x1, x2)


@public("bitwise_or")
def bitwise_or(x1, x2):
    """The bits set in one of them."""
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool:
        return arithmetic.logical_or(x1, x2)
    return arithmetic.bitwise_or(x1, x2)


@public("bitwise_xor")
def bitwise_xor(x1, x2):
    """The bits set in exactly one of them."""
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool:
        return arithmetic.logical_xor(x1, x2)
    return arithmetic.bitwise_xor(x1, x2)
