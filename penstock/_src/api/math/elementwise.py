"""Elementwise functions of one tensor."""

import logging

import numpy as np

from penstock._src.api.extending.dispatch import binary, unary
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


@unary("abs", "math.abs", named="Abs")
def abs(x, name=None):
    """The absolute value; for complex numbers, the modulus as a real number."""
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        return raw.ComplexAbs(x=x, Tout=x.dtype.real_dtype, name=name)
    return raw.Abs(x=x, name=name)


@unary("sign", "math.sign")
def sign(x, name=None):
    """-1, 0 or 1 if `x` is negative, zero or positive; for complex numbers x / |x|."""
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        modulus = abs(x)
        unit = x / raw.Cast(x=raw.Maximum(x=modulus, y=modulus.dtype.min), DstT=x.dtype)
        return raw.SelectV2(condition=modulus > 0, t=unit, e=raw.ZerosLike(x=x), name=name)
    return raw.Sign(x=x, name=name)


@unary("round", "math.round")
def round(x, name=None):
    """The nearest integer in `x`'s dtype, with ties to even."""
    x = convert_to_tensor(x)
    return x if x.dtype.is_integer else raw.Round(x=x, name=name)


@unary("cast", "dtypes.cast")
def cast(x, dtype, name=None):
    """`x` in another dtype; float to integer truncates.

    Args:
      x: a tensor, a composite tensor or a convertible value.
      dtype: the target dtype.
      name: a name for the operation.
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
    """`value` in another dtype, clipped to its range."""
    wanted = dtypes.as_dtype(dtype)
    value = convert_to_tensor(value, name="value")
    if value.dtype.is_complex and not wanted.is_complex:
        value = raw.Real(input=value, Tout=value.dtype.real_dtype)
    if value.dtype.is_bool and wanted.is_complex:
        raise TypeError(f"Cannot find minimum value of {value.dtype!r} with type {value.dtype!r}.")
    if not value.dtype.is_complex:
        source, target = _limits(value.dtype), _limits(wanted.real_dtype)
        # Infinities are outside any range.
        if value.dtype.is_floating or source[0] < target[0] or source[1] > target[1]:
            # TensorFlow uses the rounded limits of 64-bit integers.
            exact = not wanted.is_integer or wanted.size < 8
            low = _representable(value.dtype, max(source[0], target[0]), exact, up=True)
            high = _representable(value.dtype, min(source[1], target[1]), exact, up=False)
            value = raw.Maximum(x=raw.Minimum(x=value, y=high), y=low)
    return cast(value, wanted, name=name)


def _limits(dtype):
    return dtype.as_numpy_dtype(dtype.min).item(), dtype.as_numpy_dtype(dtype.max).item()


def _representable(dtype, limit, exact, up):
    """`limit` in `dtype`, moved inwards (if `exact`) where rounding would exceed the range."""
    value = dtype.as_numpy_dtype(limit)
    if exact and dtype.is_floating and dtype.size >= 2:
        if up and float(value) < limit:
            value = np.nextafter(value, dtype.as_numpy_dtype(np.inf))
        if not up and float(value) > limit:
            value = np.nextafter(value, dtype.as_numpy_dtype(-np.inf))
    return value


@binary("complex", "dtypes.complex")
def complex(real, imag, name=None):
    """The complex numbers with these real and imaginary parts, both float32 or both float64."""
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    wide = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
    if real.dtype not in wide or imag.dtype != real.dtype:
        raise TypeError(
            "The `real` and `imag` components have incorrect types: "
            f"{real.dtype.name} {imag.dtype.name}. They must be consistent, and one of "
            f"{[dtypes.float32, dtypes.float64]}"
        )
    return raw.Complex(real=real, imag=imag, Tout=wide[real.dtype], name=name)


@unary("math.real")
def real(input, name=None):
    """The real part; a real tensor is returned unchanged."""
    input = convert_to_tensor(input, name="input")
    if not input.dtype.is_complex:
        if not input.dtype.is_numeric:
            raise TypeError(
                f"`tf.math.real` does not accept non-numeric dtypes. Received {input.dtype!r}"
            )
        return input
    return raw.Real(input=input, Tout=input.dtype.real_dtype, name=name)


@unary("math.imag", scope="Imag")
def imag(input, name=None):
    """The imaginary part; zeros for a real tensor."""
    input = convert_to_tensor(input, name="input")
    if input.dtype.is_complex:
        return raw.Imag(input=input, Tout=input.dtype.real_dtype, name=name)
    return raw.ZerosLike(x=input, name=name)


@unary("math.angle", scope="Angle")
def angle(input, name=None):
    """The argument of a complex number; 0 or pi for a real one."""
    input = convert_to_tensor(input, name="input")
    if input.dtype.is_complex:
        return raw.Angle(input=input, Tout=input.dtype.real_dtype, name=name)
    zero = convert_to_tensor(0, input.dtype)
    pi = convert_to_tensor(np.pi, input.dtype)
    return raw.SelectV2(condition=input < zero, t=pi, e=raw.ZerosLike(x=input), name=name)


@unary("math.conj")
def conj(x, name=None):
    """The complex conjugate; a real tensor is returned unchanged."""
    x = convert_to_tensor(x)
    if x.dtype.is_complex or x.dtype == dtypes.variant:
        return raw.Conj(input=x, name=name)
    if x.dtype.is_floating or x.dtype.is_integer:
        return x
    raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")


@unary("math.erfcinv", scope="erfcinv")
def erfcinv(x, name=None):
    """The inverse of `erfc`."""
    x = convert_to_tensor(x, name="start")
    ndtri = raw.Ndtri(x=convert_to_tensor(0.5, x.dtype) * x)
    return raw.Mul(x=ndtri, y=convert_to_tensor(-(0.5**0.5), x.dtype), name=name)


@unary("math.log_sigmoid", named="LogSigmoid")
def log_sigmoid(x, name=None):
    """log(sigmoid(x)), which is -softplus(-x)."""
    return raw.Neg(x=raw.Softplus(features=-convert_to_tensor(x, name="x")), name=name)


@unary("math.reciprocal_no_nan", named="reciprocal_no_nan")
def reciprocal_no_nan(x, name=None):
    """1 / x, and 0 where `x` is 0."""
    x = convert_to_tensor(x, name="x")
    return raw.DivNoNan(x=convert_to_tensor(1, x.dtype), y=x, name=name)


__getattr__ = op_functions(
    globals(),
    unary="""
acos math.acos = Acos(x)
    The angle in [0, pi] whose cosine is `x`.
acosh math.acosh = Acosh(x)
    The non-negative number whose hyperbolic cosine is `x`.
asin math.asin = Asin(x)
    The angle in [-pi/2, pi/2] whose sine is `x`.
asinh math.asinh = Asinh(x)
    The number whose hyperbolic sine is `x`.
atan math.atan = Atan(x)
    The angle in (-pi/2, pi/2) whose tangent is `x`.
atanh math.atanh = Atanh(x)
    The number whose hyperbolic tangent is `x`.
cos math.cos = Cos(x)
    The cosine of `x` radians.
cosh math.cosh = Cosh(x)
    The hyperbolic cosine, (e**x + e**-x) / 2.
sin math.sin = Sin(x)
    The sine of `x` radians.
sinh math.sinh = Sinh(x)
    The hyperbolic sine, (e**x - e**-x) / 2.
tan math.tan = Tan(x)
    The tangent of `x` radians.
tanh math.tanh nn.tanh = Tanh(x)
    The hyperbolic tangent, between -1 and 1.
math.ceil = Ceil(x)
    The smallest integer not below `x`, in `x`'s type.
floor math.floor = Floor(x)
    The largest integer not above `x`, in `x`'s type.
math.rint = Rint(x)
    The nearest integer in `x`'s type; halves go to the even one.
math.digamma = Digamma(x)
    The derivative of `lgamma`.
math.erf = Erf(x)
    The error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to `x`.
math.erfc = Erfc(x)
    1 - erf(x), accurate for large `x`.
math.erfinv = Erfinv(x) in erfinv
    The inverse of `erf`.
exp math.exp = Exp(x)
    e ** x.
math.expm1 = Expm1(x)
    e ** x - 1, accurate near 0.
math.log = Log(x)
    The natural logarithm.
math.log1p = Log1p(x)
    log(1 + x), accurate near 0.
math.lgamma = Lgamma(x)
    The logarithm of the absolute value of the Gamma function.
math.is_finite = IsFinite(x)
    Where `x` is neither infinite nor NaN.
math.is_inf = IsInf(x)
    Where `x` is positive or negative infinity.
math.is_nan = IsNan(x)
    Where `x` is not a number.
logical_not math.logical_not = LogicalNot(x)
    The truth value of NOT `x`.
negative math.negative = Neg(x)
    -x.
math.reciprocal = Reciprocal(x)
    1 / x.
math.rsqrt = Rsqrt(x)
    1 / sqrt(x).
sqrt math.sqrt = Sqrt(x)
    The square root.
square math.square = Square(x)
    x * x.
sigmoid math.sigmoid nn.sigmoid = Sigmoid(x)
    1 / (1 + exp(-x)).
bitwise.invert = Invert(x)
    All bits of `x` flipped.
nn.relu = Relu(features)
    max(features, 0).
nn.relu6 = Relu6(features)
    min(max(features, 0), 6).
nn.elu = Elu(features)
    `features` where positive, exp(features) - 1 elsewhere.
nn.selu = Selu(features)
    The scaled ELU, whose constants keep mean 0 and variance 1.
math.softplus nn.softplus = Softplus(features)
    log(exp(features) + 1).
nn.softsign math.softsign = Softsign(features)
    features / (|features| + 1).
math.ndtri = Ndtri(x) in ndtri
    The quantile of the standard normal distribution.
""",
)
