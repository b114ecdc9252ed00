"""Elementwise functions of NumPy that are those of tf.math on converted arguments."""

from penstock._src.api.math import arithmetic, complex_numbers, elementwise, logic, trigonometry
from penstock._src.core import dtypes
from penstock._src.util.signatures import with_sections

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


_MODULES = {
    "arithmetic": arithmetic,
    "complex_numbers": complex_numbers,
    "elementwise": elementwise,
    "logic": logic,
    "trigonometry": trigonometry,
}

# {names: (the module and function of api/math, what converts the argument, docstring)}
_UNARY = {
    "abs absolute fabs": ("elementwise.abs", to_array, "The absolute value."),
    "arccos": ("trigonometry.acos", inexact, "The angle whose cosine is `x`."),
    "arccosh": ("trigonometry.acosh", inexact, "The inverse hyperbolic cosine."),
    "arcsin": ("trigonometry.asin", inexact, "The angle whose sine is `x`."),
    "arcsinh": ("trigonometry.asinh", inexact, "The inverse hyperbolic sine."),
    "arctan": ("trigonometry.atan", inexact, "The angle whose tangent is `x`."),
    "arctanh": ("trigonometry.atanh", inexact, "The inverse hyperbolic tangent."),
    "ceil": ("elementwise.ceil", inexact, "The smallest integer not below `x`."),
    "cos": ("trigonometry.cos", inexact, "The cosine."),
    "cosh": ("trigonometry.cosh", inexact, "The hyperbolic cosine."),
    "exp": (
        "elementwise.exp",
        inexact,
        "e ** x.\n\n>>> tf.experimental.numpy.exp([0.0, 1.0]).numpy()\narray([1. , 2.71828183])",
    ),
    "expm1": ("elementwise.expm1", inexact, "e ** x - 1."),
    "floor": ("elementwise.floor", inexact, "The largest integer not above `x`."),
    "log": ("elementwise.log", inexact, "The natural logarithm."),
    "log1p": ("elementwise.log1p", inexact, "log(1 + x)."),
    "negative": ("elementwise.negative", to_array, "-x."),
    "reciprocal": ("elementwise.reciprocal", to_array, "1 / x."),
    "sin": ("trigonometry.sin", inexact, "The sine."),
    "sinh": ("trigonometry.sinh", inexact, "The hyperbolic sine."),
    "sqrt": (
        "elementwise.sqrt",
        inexact,
        "The square root.\n\n>>> tf.experimental.numpy.sqrt([4, 9]).numpy()\narray([2., 3.])",
    ),
    "square": (
        "elementwise.square",
        to_array,
        "x * x.\n\n>>> tf.experimental.numpy.square([2, 3]).numpy()\narray([4, 9])",
    ),
    "tan": ("trigonometry.tan", inexact, "The tangent."),
    "tanh": ("trigonometry.tanh", inexact, "The hyperbolic tangent."),
    "conj conjugate": ("complex_numbers.conj", to_array, "The complex conjugate."),
    "isfinite": ("elementwise.is_finite", inexact, "True where `x` is neither infinite nor NaN."),
    "isnan": ("elementwise.is_nan", inexact, "True where `x` is not a number."),
}

# {names: (the module and function of api/math, what converts both arguments, docstring)}
_BINARY = {
    "subtract": ("arithmetic.subtract", promoted_pair, "x1 - x2."),
    "mod remainder": ("arithmetic.floormod", _numbers_of_int8, "The remainder of floor division."),
    "power": ("arithmetic.pow", promoted_pair, "x1 ** x2."),
    "arctan2": ("arithmetic.atan2", _inexact_pair, "The angle of the point (x2, x1)."),
    "nextafter": (
        "arithmetic.nextafter",
        _inexact_pair,
        "The next number after `x1` towards `x2`.",
    ),
    "equal": ("logic.equal", promoted_pair, "True where both are equal."),
    "not_equal": ("logic.not_equal", promoted_pair, "True where they differ."),
    "greater": ("logic.greater", _numbers_of_int32, "True where x1 > x2."),
    "greater_equal": ("logic.greater_equal", _numbers_of_int32, "True where x1 >= x2."),
    "less": ("logic.less", _numbers_of_int32, "True where x1 < x2."),
    "less_equal": ("logic.less_equal", _numbers_of_int32, "True where x1 <= x2."),
    "divide true_divide": ("arithmetic.truediv", _quotient_pair, "x1 / x2."),
}


def _unary(function, convert):
    module, name = function.split(".")

    def call(x):
        return getattr(_MODULES[module], name)(convert(x))

    return call


def _binary(function, convert):
    module, name = function.split(".")

    def call(x1, x2):
        return getattr(_MODULES[module], name)(*convert(x1, x2))

    return call


# The common part of the docstrings of the functions in a table.
_PARAMETERS = {
    _unary: """
Args:
  x: an array or what converts to one.

Returns:
  A tensor of the shape of `x`.
""",
    _binary: """
Args:
  x1: an array or what converts to one.
  x2: an array or what converts to one. The shapes broadcast.

Returns:
  A tensor of the broadcast shape.
""",
}

for _make, _table in ((_unary, _UNARY), (_binary, _BINARY)):
    for _names, (_function, _convert, _documentation) in _table.items():
        for _name in _names.split():
            _call = _make(_function, _convert)
            _call.__name__ = _call.__qualname__ = _name
            _call.__doc__ = _documentation
            globals()[_name] = public(_name)(with_sections(_PARAMETERS[_make])(_call))


@public("isinf")
def isinf(x):
    """True where `x` is infinite.

    Args:
      x: an array or what converts to one.

    Returns:
      A bool tensor of its shape.
    """
    return False if is_no_float(x) else elementwise.is_inf(inexact(x))


@public("add")
def add(x1, x2):
    """Returns x1 + x2 by NumPy's rules of promotion; for bool, whether one is True.

    Args:
      x1: an array or what converts to one.
      x2: an array or what converts to one. The shapes broadcast.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.experimental.numpy.add([1, 2], 0.5).numpy()
    array([1.5, 2.5])
    """
    x1, x2 = promoted_pair(x1, x2)
    return logic.logical_or(x1, x2) if x1.dtype.is_bool else arithmetic.add(x1, x2)


@public("bitwise_and")
def bitwise_and(x1, x2):
    """The bits set in both.

    Args:
      x1, x2: arrays of integers or bools; their shapes broadcast.

    Returns:
      A tensor of the promoted dtype.
    """
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool:
        return logic.logical_and(x1, x2)
    return logic.bitwise_and(x1, x2)


@public("bitwise_or")
def bitwise_or(x1, x2):
    """The bits set in one of them.

    Args:
      x1, x2: arrays of integers or bools; their shapes broadcast.

    Returns:
      A tensor of the promoted dtype.
    """
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool:
        return logic.logical_or(x1, x2)
    return logic.bitwise_or(x1, x2)


@public("bitwise_xor")
def bitwise_xor(x1, x2):
    """The bits set in exactly one of them.

    Args:
      x1, x2: arrays of integers or bools; their shapes broadcast.

    Returns:
      A tensor of the promoted dtype.
    """
    x1, x2 = promoted_pair(x1, x2)
    if x1.dtype.is_bool:
        return logic.logical_xor(x1, x2)
    return logic.bitwise_xor(x1, x2)
