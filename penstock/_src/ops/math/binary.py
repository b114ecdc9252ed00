"""Arithmetic of two tensors that broadcast, sums of many, and clipping."""

import functools
import operator

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, SLOWEST, Elements, HostKernel, Slices, Values
from penstock._src.core.composite import dense
from penstock._src.core.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
)
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import COMPLEX, FLOAT, INTEGER, NUMBER, SIGNED
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.meaning.scalars import log1p, power, without_poles
from penstock._src.ops import infer
from penstock._src.ops.indexed_slices import negative, unbroadcast_slices
from penstock._src.ops.rules import (
    Binary,
    broadcasts,
    combined,
    conj,
    quiet,
    show,
    unbroadcast,
    where,
    zeros_like,
)

SMOOTH = FLOAT | COMPLEX
ALL = FLOAT | INTEGER | COMPLEX


class AddV2(Binary):
    """x + y."""

    T, ufunc, primitive = ALL, np.add, "add"
    values = Values(eager_is_exact=True)
    slices = Slices(accepted=True, kept_past_scalar=True)

    def gradient(self, x, y, _z, dz):
        return unbroadcast_slices(dz, x, y), unbroadcast_slices(dz, y, x)


class Add(AddV2):
    """x + y; strings are joined."""

    T = FLOAT | SIGNED | COMPLEX | {dtypes.uint8, dtypes.string}

    def lower(self, p, x, y):
        if self.T == dtypes.string:
            raise NotLowerable("strings")
        return p.add(x, y)


class Sub(Binary):
    """x - y."""

    T, ufunc, primitive = ALL, np.subtract, "sub"
    values = Values(eager_is_exact=True)
    slices = Slices(accepted=True, kept_past_scalar=True)

    def gradient(self, x, y, _z, dz):
        return unbroadcast_slices(dz, x, y), unbroadcast_slices(negative(dz), y, x)


class Mul(Binary):
    """x * y."""

    T, ufunc, primitive = ALL, np.multiply, "mul"
    values = Values(eager_is_exact=True)

    def gradient(self, x, y, _z, dz):
        return self.input_gradient(0, x, y, None, dz), self.input_gradient(1, x, y, None, dz)

    def input_gradient(self, at, x, y, _z, dz):
        return unbroadcast(conj(x) * dz, y) if at else unbroadcast(dz * conj(y), x)


class MulNoNan(Binary):
    """x * y, and 0 where y is 0, even if x is infinite or NaN."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, primitive = SMOOTH, "mul"

    def gradient(self, x, y, _z, dz):
        return (
            unbroadcast(raw.MulNoNan(dz, y), x),
            unbroadcast(raw.MulNoNan(x, dz), y),
        )

    def ufunc(self, x, y):
        return np.where(y == 0, y.dtype.type(0), np.multiply(x, y))

    def lower(self, p, x, y):
        return p.select(p.eq(y, 0), 0, p.mul(x, y))


class SquaredDifference(Binary):
    """(x - y) ** 2; of complex numbers |x - y| ** 2."""

    T = FLOAT | COMPLEX | {dtypes.int32, dtypes.int64}

    def gradient(self, x, y, _z, dz):
        slope = raw.Mul(dz * 2, raw.Sub(x, y))
        return unbroadcast(slope, x), unbroadcast(raw.Neg(slope), y)

    def input_gradient(self, at, x, y, _z, dz):
        slope = raw.Mul(dz * 2, raw.Sub(x, y))
        return unbroadcast(raw.Neg(slope), y) if at else unbroadcast(slope, x)

    def ufunc(self, x, y):
        difference = np.subtract(x, y)
        if not self.T.is_complex:
            return np.multiply(difference, difference)
        # NumPy rounds the two products of an imaginary part separately, so exactly real results would not be real
        real, imaginary = difference.real, difference.imag
        squared = np.empty_like(difference)
        squared.real = real * real + imaginary * imaginary
        squared.imag = real * imaginary - imaginary * real  # NaN of infinities
        return squared

    def lower(self, p, x, y):
        difference = p.sub(x, y)
        other = p.conj(difference) if self.T.is_complex else difference
        return p.mul(other, difference)


# -- division --------------------------------------------------------------------------------------


class _Division(Binary):
    """Division of floats by IEEE's rules; integers may not be divided by zero."""

    host_kernel = HostKernel(bakes_numbers=True)
    T = ALL

    def shape(self, x, y):
        return infer.broadcast(x, y)

    # The error for integer division by zero.
    refusal = InvalidArgumentError

    def gradient(self, x, y, z, dz):
        return self.input_gradient(0, x, y, z, dz), self.input_gradient(1, x, y, z, dz)

    def input_gradient(self, at, x, y, _z, dz):
        divisor = conj(y)
        if not at:
            return unbroadcast(dz / divisor, x)
        # 1 / y may underflow where x / y / y does not.
        return unbroadcast(dz * (raw.Neg(conj(x)) / divisor / divisor), y)

    @property
    def own_ufunc(self):
        """The NumPy function that divides floats, which need no checks; None where the op does more."""
        if type(self).eager is not _Division.eager or self.ufunc is not truncated_quotient:
            return None
        return np.divide if self.T.is_floating else None

    @quiet
    def eager(self, x, y):
        if self.T.is_integer and not np.all(y):
            broadcasts(self, x, y)
            raise self.refusal(f"{self.op_type}: Integer division by zero")
        return super().eager(x, y)

    def lower(self, p, x, y):
        if self.T.is_integer:
            value = p.numbers(y)
            if value is None:
                fits = p.reduce_all(p.ne(y, 0))
                p.check(fits, f"{self.op_type}: Integer division by zero", [x, y])
            elif any(n == 0 for n in np.ravel(value)):
                raise NotLowerable("an integer divisor that is zero")
        return getattr(p, self.primitive)(x, y)


def truncated_quotient(x, y):
    """Returns x / y; integer division truncates towards zero."""
    if x.dtype.kind not in "iu":
        return without_poles(combined(np.divide, x, y), y)
    quotient = np.floor_divide(x, y)
    return quotient + ((quotient < 0) & (quotient * y != x)).astype(x.dtype)


def floor_quotient(x, y):
    """Returns floor(x / y); for floats, infinite if y is 0."""
    return np.floor_divide(x, y) if x.dtype.kind in "iu" else np.floor(np.divide(x, y))


class Div(_Division):
    """x / y; integer division truncates towards zero."""

    primitive = "truncdiv"
    ufunc = staticmethod(truncated_quotient)

    def lower(self, p, x, y):
        return super().lower(p, x, y) if self.T.is_integer else p.div(x, y)


class RealDiv(Div):
    """x / y; integer division truncates towards zero."""

    values = Values(eager_is_exact=True)


class TruncateDiv(Div):
    """x / y, truncated towards zero."""

    refusal = InternalError

    def gradient(self, _x, _y, _z, _dz):
        return None, None

    @quiet
    def eager(self, x, y):
        result = super().eager(x, y)
        return result if self.T.is_integer or self.T.is_complex else np.trunc(result)

    def lower(self, p, x, y):
        if self.T.is_integer:
            return super().lower(p, x, y)
        if self.T.is_complex:
            return p.div(x, y)
        quotient = p.div(x, y)
        return p.select(p.lt(quotient, 0), p.ceil(quotient), p.floor(quotient))


class FloorDiv(_Division):
    """floor(x / y)."""

    primitive = "floordiv"
    ufunc = staticmethod(floor_quotient)

    def gradient(self, _x, _y, _z, _dz):
        return None, None

    def lower(self, p, x, y):
        return super().lower(p, x, y) if self.T.is_integer else p.floor(p.div(x, y))


class FloorMod(_Division):
    """The remainder of FloorDiv: x - floor(x / y) * y, with the sign of y."""

    host_kernel = HostKernel(compiles_from=SLOWEST, bakes_numbers=True)
    T = FLOAT | INTEGER
    primitive = "mod"
    ufunc = np.mod
    slices = Slices(accepted=True)

    def gradient(self, x, y, _z, dz):
        slope = raw.Neg(raw.FloorDiv(x, y))
        return unbroadcast_slices(dz, x, y), unbroadcast(dense(dz) * slope, y)


class TruncateMod(_Division):
    """The remainder of TruncateDiv, with the sign of x."""

    T = FLOAT | {dtypes.int32, dtypes.int64}
    primitive = "truncmod"
    refusal = InternalError
    ufunc = np.fmod
    gradient = None


class Mod(TruncateMod):
    """The older name of TruncateMod."""

    refusal = InvalidArgumentError


class DivNoNan(Binary):
    """x / y, and 0 where y is 0."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T = SMOOTH

    def gradient(self, x, y, _z, dz):
        y_ = conj(y)
        dx = raw.DivNoNan(dz, y_)
        slope = raw.DivNoNan(raw.DivNoNan(raw.Neg(conj(x)), y_), y_)
        return unbroadcast(dx, x), unbroadcast(dz * slope, y)

    def ufunc(self, x, y):
        return np.where(y == 0, y.dtype.type(0), np.divide(x, y))

    def lower(self, p, x, y):
        zero = p.eq(y, 0)
        return p.select(zero, 0, p.div(x, p.select(zero, 1, y)))


# -- powers, extremes, products with logarithms ----------------------------------------------------


class Pow(Binary):
    """x ** y; integers wrap around and do not allow negative exponents."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    T, primitive = FLOAT | SIGNED | COMPLEX, "pow"

    def gradient(self, x, y, z, dz):
        if not (x.dtype.is_floating or x.dtype.is_complex):
            return None, None
        return self.input_gradient(0, x, y, z, dz), self.input_gradient(1, x, y, z, dz)

    def input_gradient(self, at, x, y, z, dz):
        x_ = conj(x)
        if not at:
            y_ = conj(y)
            return unbroadcast(dz * y_ * raw.Pow(x_, y_ - 1), x)
        # Avoid log(0), since 0 * -inf is NaN; for complex x only zero has no logarithm.
        usable = raw.NotEqual(x_, raw.ZerosLike(x_)) if x.dtype.is_complex else x_ > 0
        safe = where(usable, x_, raw.OnesLike(x_))
        log = where(usable, raw.Log(safe), raw.ZerosLike(x_))
        return unbroadcast(dz * conj(z) * log, y)

    def ufunc(self, x, y):
        if x.dtype.kind not in "iu":
            return power(x, y)
        if np.any(y < 0):
            raise self.invalid("Integers to negative integer powers are not allowed")
        return np.power(x, y)

    def lower(self, p, x, y):
        if self.T.is_integer:
            value = p.numbers(y)
            if value is None:
                message = "Pow: Integers to negative integer powers are not allowed"
                p.check(p.reduce_all(p.ge(y, 0)), message)
            elif any(n < 0 for n in np.ravel(value)):
                raise NotLowerable("an integer power that is negative")
        return p.pow(x, y)


class _Extreme(Binary):
    """The larger or smaller of two; nan if either is nan."""

    values = Values(keeps_finite=True, eager_is_exact=True)

    T = FLOAT | INTEGER

    def gradient(self, x, y, _z, dz):
        first = self.is_first(x, y)
        zeros = zeros_like(dz)
        return unbroadcast(where(first, dz, zeros), x), unbroadcast(where(first, zeros, dz), y)

    def input_gradient(self, at, x, y, _z, dz):
        first, zeros = self.is_first(x, y), zeros_like(dz)
        chosen = where(first, zeros, dz) if at else where(first, dz, zeros)
        return unbroadcast(chosen, y if at else x)


class Maximum(_Extreme):
    """The larger of x and y, nan if either is."""

    ufunc, primitive = np.maximum, "maximum"

    def is_first(self, x, y):
        return raw.GreaterEqual(x, y)


class Minimum(_Extreme):
    """The smaller of x and y, nan if either is."""

    ufunc, primitive = np.minimum, "minimum"

    def is_first(self, x, y):
        return raw.LessEqual(x, y)


class _ZeroTimes(Binary):
    """A product with x that is 0 where x is 0, even if the other factor is infinite or NaN.

    As in TensorFlow, gradients of complex numbers are not conjugated.
    """

    host_kernel = HostKernel(compiles_from=SLOW)
    T = SMOOTH

    def ufunc(self, x, y):
        return np.where(x == 0, x.dtype.type(0), self.product(np, x, y))

    def lower(self, p, x, y):
        return p.select(p.eq(x, 0), 0, self.product(p, x, y))

    def not_zero(self, x):
        """Returns 1 where x is not zero, else 0."""
        return raw.Cast(raw.NotEqual(x, raw.ZerosLike(x)), DstT=x.dtype)


class Xlogy(_ZeroTimes):
    """x * log(y), and 0 where x is 0."""

    def gradient(self, x, y, _z, dz):
        dx = raw.Xlogy(self.not_zero(x), y) * dz
        return unbroadcast(dx, x), unbroadcast(raw.Xdivy(x, y) * dz, y)

    def product(self, library, x, y):
        return x * library.log(y)


class Xlog1py(_ZeroTimes):
    """x * log(1 + y), and 0 where x is 0."""

    def gradient(self, x, y, _z, dz):
        dx = raw.Xlog1py(self.not_zero(x), y) * dz
        return unbroadcast(dx, x), unbroadcast(raw.Xdivy(x, y + 1) * dz, y)

    def product(self, library, x, y):
        return x * (log1p(y) if library is np else library.log1p(y))


class Xdivy(_ZeroTimes):
    """x / y, and 0 where x is 0."""

    def gradient(self, x, y, _z, dz):
        dx = raw.Xdivy(self.not_zero(x), y) * dz
        slope = raw.Xdivy(raw.Neg(x), raw.Square(y))
        return unbroadcast(dx, x), unbroadcast(slope * dz, y)

    def product(self, library, x, y):
        return without_poles(x / y, y) if library is np else x / y


class NextAfter(Binary):
    """The next float after x1 in the direction of x2."""

    signature = "x1: T, x2: T -> output: T[x1 | x2]"
    host_kernel = HostKernel(compiles_from=SLOW)
    T: {dtypes.float32, dtypes.float64} = dtypes.float32
    primitive = "next_after"
    ufunc = np.nextafter

    def gradient(self, x1, x2, _output, d_output):
        return unbroadcast(d_output, x1), unbroadcast(zeros_like(d_output), x2)

    def eager(self, x1, x2):
        return super().eager(x1, x2)


# -- sums of many, clipping, cross products --------------------------------------------------------


class AddN(Op):
    """The sum of tensors of one shape."""

    signature = "inputs: N * T -> sum: T"
    minimum = {"N": 1}
    T = NUMBER | {dtypes.variant}
    slices = Slices(accepted=True)
    vectorize = "rows"

    def shape(self, inputs):
        return infer.merged(*inputs)

    def held(self, *inputs):
        return inputs[0].handle_data

    def gradient(self, _inputs, _sum, d_sum):
        return [d_sum] * self.N

    @quiet
    def eager(self, inputs):
        if self.T == dtypes.variant:
            return functools.reduce(operator.add, inputs)
        total = inputs[0]
        for i, term in enumerate(inputs[1:], 1):
            if term.shape != total.shape:
                raise InvalidArgumentError(
                    "AddN: Inputs to operation AddN of type AddN must have the same size and shape.  "
                    f"Input 0: {show(total.shape)} != input {i}: {show(term.shape)}"
                )
            total = np.add(total, term)
        return total

    def lower(self, p, inputs):
        if self.T == dtypes.variant:
            raise NotLowerable("a sum of variants")
        if any(term.shape != inputs[0].shape for term in inputs):
            raise NotLowerable("terms of different shapes")
        total = inputs[0]
        for term in inputs[1:]:
            total = p.add(total, term)
        return total


class AccumulateNV2(Op):
    """The sum of tensors of one shape, which is an attribute."""

    signature = "inputs: N * T -> sum: T"
    minimum = {"N": 1}
    T = NUMBER
    slices = Slices(accepted=True)
    shape: TensorShape
    gradient, eager, lower = AddN.gradient, AddN.eager, AddN.lower

    def output_shape(self, inputs):
        return infer.merged(self.shape, *inputs)


class ClipByValue(Op):
    """t, at least clip_value_min and at most clip_value_max."""

    signature = "t: T, clip_value_min: T, clip_value_max: T -> output: T[t]"
    T = NUMBER
    elements = Elements(is_elementwise=True)

    def gradient(self, t, clip_value_min, clip_value_max, _output, dy):
        below, above = raw.Less(t, clip_value_min), raw.Greater(t, clip_value_max)
        zeros = zeros_like(dy)
        inside = where(raw.LogicalOr(below, above), zeros, dy)
        return (
            inside,
            unbroadcast(where(below, dy, zeros), clip_value_min),
            unbroadcast(where(above, dy, zeros), clip_value_max),
        )

    @quiet
    def eager(self, t, clip_value_min, clip_value_max):
        for bound in (clip_value_min, clip_value_max):
            if bound.ndim and bound.shape != t.shape:
                raise self.invalid(
                    "clip_value_min and clip_value_max must be either of the same shape as input, "
                    f"or a scalar. input shape: {show(t.shape)}, clip_value_min shape: "
                    f"{show(clip_value_min.shape)}, clip_value_max shape: "
                    f"{show(clip_value_max.shape)}"
                )
        return np.maximum(np.minimum(t, clip_value_max), clip_value_min)

    def lower(self, p, t, clip_value_min, clip_value_max):
        for bound in (clip_value_min, clip_value_max):
            if bound.shape and bound.shape != t.shape:
                raise NotLowerable("bounds of another shape")
        return p.maximum(p.minimum(t, clip_value_max), clip_value_min)


class Cross(Op):
    """The vector product of pairs of 3-vectors along the last axis."""

    signature = "a: T, b: T -> product: T"
    T = FLOAT | INTEGER
    vectorize = "rows, rows"

    def shape(self, a, b):
        merged = infer.merged(a, b).with_rank_at_least(1)
        if merged.rank and merged[-1] not in (3, None):
            raise ValueError(
                f"Cross-products are only defined for 3-element vectors, not for shape {merged}."
            )
        return merged

    def gradient(self, a, b, _product, dy):
        return raw.Cross(b, dy), raw.Cross(dy, a)

    @quiet
    def eager(self, a, b):
        if a.shape != b.shape:
            raise self.invalid(
                f"Both inputs must be of same shape: {show(a.shape)} vs. {show(b.shape)}"
            )
        if not a.ndim:
            raise self.invalid("Input must be at least 1D, not a scalar")
        if a.shape[-1] != 3:
            raise FailedPreconditionError(
                "Cross: Cross-products are only defined for 3-element vectors."
            )
        out = np.empty(a.shape, a.dtype)
        for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
            np.subtract(a[..., j] * b[..., k], a[..., k] * b[..., j], out=out[..., i])
        return out

    def lower(self, p, a, b):
        if a.shape != b.shape or not a.shape or a.shape[-1] != 3:
            raise NotLowerable("vectors that are not of three elements")
        rank = len(a.shape)

        def part(x, i):
            return p.slice(x, [0] * (rank - 1) + [i], [*x.shape[:-1], i + 1])

        (a0, a1, a2), (b0, b1, b2) = ([part(x, i) for i in range(3)] for x in (a, b))
        return p.concat([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], rank - 1)
