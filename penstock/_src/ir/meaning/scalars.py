"""The scalar functions of the unary, binary and compare kinds, in NumPy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes


def _scalarwise(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of Python floats, element by element, in the array's own dtype."""

    def apply(x: Any) -> Any:
        return np.array([function(float(v)) for v in np.ravel(x)], x.dtype).reshape(np.shape(x))

    return apply


def log_gamma(x: float) -> float:
    """The logarithm of |gamma(x)|; infinite at poles and beyond the largest float64."""
    if x == -math.inf or (x <= 0 and x == math.floor(x)):
        return math.inf  # a pole
    return math.lgamma(x) if x < 2.5e305 else x * math.inf


def widened(x: np.ndarray) -> np.ndarray:
    """Floats of ml_dtypes as float32 and integers of 4 bits as int8, whose conversions are TensorFlow's; others as they are.

    ml_dtypes converts by the compiler it was built with: numbers that do not fit an integer differ from release to release.
    """
    kind = x.dtype
    is_plain = kind.itemsize > 2 or kind.kind not in "fV" or kind.fields is not None
    if is_plain or kind == np.float16:
        return x
    return x.astype(np.float32 if dtypes.as_dtype(kind).is_floating else np.int8)


def to_uint64(x: np.ndarray) -> np.ndarray:
    """Floats as uint64, as x86 converts them: numbers that do not fit, and NaN, have the highest bit only."""
    fits = np.abs(x.astype(np.float64)) < 2.0**64
    return np.where(fits, x.astype(np.uint64), np.uint64(1 << 63))


def _sigmoid(x: Any) -> Any:
    if x.dtype.kind == "c":
        e = np.exp(np.where(x.real < 0, x, -x))
        return np.where(x.real < 0, e, 1) / (1 + e)
    e = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def _bits(x: Any) -> Any:
    return x.view(np.dtype(f"u{x.dtype.itemsize}"))


def _popcount(x: Any) -> Any:
    return np.bitwise_count(_bits(np.asarray(x, order="C"))).astype(x.dtype)


def _unless_zero(x: Any, y: Any, compute: Callable[[Any, Any], Any]) -> Any:
    """An integer division whose divisor may be 0 (the result is then 0)."""
    if x.dtype.kind in "fc":
        return compute(x, y)
    zero = y == 0
    return np.where(zero, 0, compute(x, np.where(zero, 1, y))).astype(x.dtype)


def _truncdiv(x: Any, y: Any) -> Any:
    if x.dtype.kind == "f":
        return np.trunc(x / y)
    return _unless_zero(x, y, lambda a, b: (a - np.fmod(a, b)) // b)


def _shift(kind: str) -> Callable[[Any, Any], Any]:
    def apply(x: Any, y: Any) -> Any:
        bits = x.dtype.itemsize * 8
        amount = np.clip(y, 0, bits - 1).astype(x.dtype)
        if kind == "left":
            return np.left_shift(x, amount)
        if kind == "right":
            return np.right_shift(x, amount)
        x, amount = np.asarray(x, order="C"), np.asarray(amount, order="C")
        return np.asarray(np.right_shift(_bits(x), _bits(amount))).view(x.dtype)

    return apply


def power(x: Any, y: Any) -> Any:
    """x ** y in NumPy, but infinite for -inf ** 0.5: if the exponent is repeated, NumPy's is a square root, and NaN."""
    if y.size and not any(y.strides) and y.flat[0] == 0.5:
        y = np.full(np.broadcast_shapes(x.shape, y.shape), y.flat[0])
    return np.power(x, y)


def _integer_power(x: Any, y: Any) -> Any:
    """x ** y; for integers also with negative y, truncated towards zero."""
    if x.dtype.kind in "fc":
        return power(x, y)
    negative = y < 0
    whole = np.power(x, np.where(negative, 0, y))
    odd = np.where(y & 1, x, 1)
    return np.where(negative, np.where(x == 1, 1, np.where(x == -1, odd, 0)), whole).astype(x.dtype)


def _complex(x: Any, y: Any) -> Any:
    result = np.empty(np.shape(x), np.complex64 if x.dtype == np.float32 else np.complex128)
    result.real, result.imag = x, y
    return result


def _sign(x: Any) -> Any:
    if x.dtype.kind == "c":
        size = np.abs(x)
        size = np.where(size == 0, 1, size)
        # NumPy's quotient of complex numbers loses a part to an infinite other one.
        return _complex(x.real / size, x.imag / size)
    sign = np.sign(x)
    # The sign of -0 is 0 in NumPy's own types, and -0 in those of ml_dtypes.
    return sign + sign.dtype.type(0) if x.dtype.kind == "V" else sign


def without_poles(quotient: Any, divisor: Any) -> Any:
    """A quotient that is NaN where a complex divisor is 0, as the formulas of Smith and others give; in NumPy it is infinite."""
    if divisor.dtype.kind != "c" or np.all(divisor):
        return quotient
    return np.where(divisor == 0, quotient.dtype.type(complex(math.nan, math.nan)), quotient)


def reciprocal_of_root(x: Any) -> Any:
    """1 / sqrt(x), in float32 if x has 16 bits; of complex numbers 0 if a part is infinite, and infinite for 0, as in TensorFlow."""
    root = np.sqrt(widened(x) if x.dtype != np.float16 else x.astype(np.float32))
    found = np.reciprocal(root)
    if x.dtype.kind == "c":
        endless = np.isinf(x.real) | np.isinf(x.imag)
        found = np.where(x == 0, complex(math.inf, math.nan), np.where(endless, 0, found))
    return found.astype(x.dtype, copy=False)


def log1p(x: Any) -> Any:
    """log(1 + x); NumPy adds 1 to complex numbers, which loses the bits of small ones."""
    if x.dtype.kind != "c":
        return np.log1p(x)
    result, near = np.array(np.log1p(x)), np.maximum(np.abs(x.real), np.abs(x.imag)) < 0.5
    size = np.where(near, x.real * (x.real + 2) + x.imag * x.imag, 0)  # |1 + x|^2 - 1
    result.real = np.where(near, np.log1p(size) / 2, result.real)
    return result


UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda x: np.subtract(x.dtype.type(0), x) if x.dtype.kind == "u" else np.negative(x),
    "abs": np.abs,
    "sign": _sign,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": log1p,
    "sqrt": np.sqrt,
    "rsqrt": reciprocal_of_root,
    "cbrt": np.cbrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "sigmoid": _sigmoid,
    "erf": _scalarwise(math.erf),
    "erfc": _scalarwise(math.erfc),
    "lgamma": _scalarwise(log_gamma),
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "not": lambda x: np.logical_not(x) if x.dtype.kind == "b" else np.invert(x),
    "is_finite": np.isfinite,
    "is_nan": np.isnan,
    "is_inf": np.isinf,
    "reciprocal": lambda x: (
        _truncdiv(np.ones_like(x), x) if x.dtype.kind in "iu" else np.reciprocal(x)
    ),
    "square": np.square,
    "popcount": _popcount,
    "real": np.real,
    "imag": np.imag,
    "conj": np.conj,
}

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: np.logical_or(x, y) if x.dtype.kind == "b" else np.add(x, y),
    "sub": np.subtract,
    "mul": lambda x, y: np.logical_and(x, y) if x.dtype.kind == "b" else np.multiply(x, y),
    "div": lambda x, y: without_poles(np.true_divide(x, y), y),
    "floordiv": lambda x, y: (
        np.floor(x / y) if x.dtype.kind == "f" else _unless_zero(x, y, np.floor_divide)
    ),
    "mod": lambda x, y: _unless_zero(x, y, np.mod),
    "truncdiv": _truncdiv,
    "truncmod": lambda x, y: _unless_zero(x, y, np.fmod),
    "pow": _integer_power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "atan2": np.arctan2,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "shift_left": _shift("left"),
    "shift_right": _shift("right"),
    "shift_right_logical": _shift("logical"),
    "complex": _complex,
}

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
