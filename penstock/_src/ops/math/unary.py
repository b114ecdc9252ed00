"""Plain functions of one argument: sign, powers, rounding, tests of floats, and casts."""

from typing import ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, Elements, HostKernel, Slices, Values
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX, FLOAT, INTEGER, SIGNED
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.meaning.scalars import UNARY, reciprocal_of_root, to_uint64, widened
from penstock._src.ops.indexed_slices import negative
from penstock._src.ops.rules import Binary, Unary, cast, conj, is_float, quiet

ARITHMETIC = FLOAT | SIGNED | COMPLEX


class Abs(Unary):
    """|x|; the lowest integer is unchanged."""

    T, ufunc, primitive = FLOAT | SIGNED, np.abs, "abs"
    values = Values(eager_is_exact=True)

    def gradient(self, x, _y, dy):
        return dy * raw.Sign(x)


class Neg(Unary):
    """-x."""

    T, ufunc, primitive = ARITHMETIC, np.negative, "neg"
    values = Values(eager_is_exact=True)
    slices = Slices(accepted=True)

    def gradient(self, _x, _y, dy):
        return negative(dy)


def sign_of(x):
    """Return -1, 0 or 1; x / |x| for complex numbers. Infinite ones get a finite sign from np.sign."""
    return UNARY["sign"](x)


class Sign(Unary):
    """-1, 0 or 1 by the sign of x; x / |x| for complex numbers."""

    T, ufunc, primitive = ARITHMETIC, staticmethod(sign_of), "sign"
    values = Values(eager_is_exact=True)

    def gradient(self, x, _y, _dy):
        return raw.ZerosLike(x)


class Square(Unary):
    """x * x."""

    T, ufunc, primitive = FLOAT | INTEGER | COMPLEX, np.square, "square"
    values = Values(eager_is_exact=True)

    def gradient(self, x, _y, dy):
        return dy * (conj(x) * 2)


class Sqrt(Unary):
    """The square root; NaN of negative numbers."""

    T, ufunc, primitive = FLOAT | COMPLEX, np.sqrt, "sqrt"
    values = Values(eager_is_exact=True)

    def gradient(self, _x, y, dy):
        return raw.SqrtGrad(y, dy)


class Rsqrt(Unary):
    """1 / sqrt(x)."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, ufunc, primitive = FLOAT | COMPLEX, staticmethod(reciprocal_of_root), "rsqrt"

    def gradient(self, _x, y, dy):
        return raw.RsqrtGrad(y, dy)


class Reciprocal(Unary):
    """1 / x; of integers, truncated, and -1 for 0 as in XLA."""

    T, ufunc, primitive = ARITHMETIC, np.reciprocal, "reciprocal"

    @quiet
    def eager(self, x):
        if x.dtype.kind not in "iu":
            return self.ufunc(x)
        return np.where(x == 0, x.dtype.type(-1), self.ufunc(x))

    def lower(self, p, x):
        if not self.T.is_integer:
            return p.reciprocal(x)
        is_unit = p.or_(p.eq(x, 1), p.eq(x, -1))
        return p.select(p.eq(x, 0), -1, p.select(is_unit, x, 0))

    def gradient(self, _x, y, dy):
        return raw.ReciprocalGrad(y, dy)


class Inv(Reciprocal):
    """1 / x; the older name of Reciprocal."""

    def gradient(self, _x, y, dy):
        return raw.ReciprocalGrad(y, dy)


class _GradientOp(Binary):
    """A gradient as a function of the output y and its gradient dy: dy * h(conj(y))."""

    signature = "y: T, dy: T -> z: T"
    T = FLOAT | COMPLEX
    vectorize = "rows, rows"  # shapes are equal, not broadcast
    # False: the caller conjugates y, as in TensorFlow for two of these ops.
    conjugates: ClassVar[bool] = True
    # True: a gradient of 0 stays 0 even where the derivative is infinite.
    vanishes: ClassVar[bool] = False

    def shape(self, y, dy):
        return y.merge_with(dy) if y.is_compatible_with(dy) else y

    @quiet
    def eager(self, y, dy):
        if y.size != dy.size:
            raise self.invalid(f"y has {y.size} elements, its gradient {dy.size}")
        dy = dy.reshape(y.shape)
        y = np.conj(y) if self.conjugates else y
        gradient = self.of(y, dy)
        gradient = np.where(dy == 0, dy.dtype.type(0), gradient) if self.vanishes else gradient
        return np.asarray(gradient).astype(y.dtype, copy=False)

    def lower(self, p, y, dy):
        if y.shape != dy.shape:
            raise NotLowerable("a gradient of another shape")
        gradient = self.of(p.conj(y) if self.conjugates and y.dtype.is_complex else y, dy)
        return p.select(p.eq(dy, 0), 0, gradient) if self.vanishes else gradient


class SqrtGrad(_GradientOp):
    """The gradient of Sqrt: dy / (2 y)."""

    vanishes = True
    host_kernel = HostKernel(compiles_from=SLOW)

    def gradient(self, y, dy, _z, dz):
        half = dz / (y * 2)
        return raw.Neg(dy) * conj(half) / conj(y), half

    def of(self, y, dy):
        return dy * 0.5 / y


class RsqrtGrad(_GradientOp):
    """The gradient of Rsqrt: dy * y**3 / -2."""

    vanishes = True
    host_kernel = HostKernel(compiles_from=SLOW)

    def gradient(self, y, dy, _z, dz):
        y = conj(y)
        return conj(dz) * dy * raw.Square(y) * -1.5, raw.RsqrtGrad(y, dz)

    def of(self, y, dy):
        return dy * -0.5 * y * y * y


class ReciprocalGrad(_GradientOp):
    """The gradient of Reciprocal: -dy * y**2."""

    vanishes = True
    host_kernel = HostKernel(compiles_from=SLOW)

    def gradient(self, y, dy, _z, dz):
        y = conj(y)
        return conj(dz) * dy * y * -2, raw.ReciprocalGrad(y, dz)

    def of(self, y, dy):
        return -dy * y * y


class InvGrad(ReciprocalGrad):
    """The gradient of Inv: -dy * y**2."""


class SigmoidGrad(_GradientOp):
    """The gradient of Sigmoid: dy * y * (1 - y)."""

    host_kernel = HostKernel(compiles_from=SLOW)
    conjugates = False

    def gradient(self, y, dy, _z, dz):
        y, scaled = conj(y), dz * conj(dy)
        return scaled - scaled * y * 2, raw.SigmoidGrad(y, dz)

    def of(self, y, dy):
        return dy * y * (1 - y)


class TanhGrad(_GradientOp):
    """The gradient of Tanh: dy * (1 - y**2)."""

    host_kernel = HostKernel(compiles_from=SLOW)
    conjugates = False

    def gradient(self, y, dy, _z, dz):
        y = conj(y)
        return dz * conj(dy) * y * -2, raw.TanhGrad(y, dz)

    def of(self, y, dy):
        return dy * (1 - y * y)


# -- rounding --------------------------------------------------------------------------------------


class _Rounding(Unary):
    """A step function without a gradient."""

    T = FLOAT

    def gradient(self, _x, _y, _dy):
        return None


class Floor(_Rounding):
    """The largest integer not above x."""

    ufunc, primitive = np.floor, "floor"
    values = Values(eager_is_exact=True)


class Ceil(_Rounding):
    """The least integer not below x."""

    ufunc, primitive = np.ceil, "ceil"
    values = Values(eager_is_exact=True)


class Rint(_Rounding):
    """The nearest integer, with ties to even."""

    ufunc, primitive = np.rint, "round"


class Round(_Rounding):
    """The nearest integer, with ties to even. Integers are unchanged."""

    T = FLOAT | SIGNED | COMPLEX

    def eager(self, x):
        return x if x.dtype.kind in "iu" else np.rint(x)

    def lower(self, p, x):
        if self.T.is_complex:
            raise NotLowerable("rounding of complex numbers")
        return x if self.T.is_integer else p.round(x)


# -- tests of floats -------------------------------------------------------------------------------


class _FloatTest(Unary):
    """An elementwise test of floats."""

    signature = "x: T -> y: bool"
    T = FLOAT


class IsFinite(_FloatTest):
    """True where x is neither infinite nor NaN."""

    ufunc, primitive = np.isfinite, "is_finite"


class IsInf(_FloatTest):
    """True where x is infinite."""

    ufunc, primitive = np.isinf, "is_inf"


class IsNan(_FloatTest):
    """True where x is NaN."""

    ufunc, primitive = np.isnan, "is_nan"


# -- casts -----------------------------------------------------------------------------------------


# Enum values of the dtypes that are not numeric.
_HOLD_OTHERS = frozenset(d._enum for d in (dtypes.string, dtypes.resource, dtypes.variant))


class Cast(Op):
    """The values in another dtype: floats to integers truncate, complex to real drops the imaginary part, non-zero is
    True.

    Floats that do not fit an integer: with XLA's rules the nearest end of the range. Else the low bits, as in TensorFlow for scalars;
    its kernels saturate whole vectors of 8 to 32 numbers and keep the low bits of what is left of each thread's part, which no rule for
    single elements can equal.
    """

    signature = "x: SrcT -> y: DstT[x]"
    DstT: DType
    Truncate: bool = False
    slices = Slices(accepted=True)
    elements = Elements(is_elementwise=True)
    values = Values(eager_is_exact=True, has_static_value=True)

    def gradient(self, _x, _y, dy):
        source = self.SrcT
        if not all(t.is_floating or t.is_complex for t in (source, self.DstT)):
            return None
        if isinstance(dy, IndexedSlices):
            return IndexedSlices(cast(dy.values, source), dy.indices, dy.dense_shape)
        return cast(dy, source)

    def eager(self, x):
        source, target = self.SrcT, self.DstT
        if source is target:
            return x
        if source._enum in _HOLD_OTHERS or target._enum in _HOLD_OTHERS:
            raise UnimplementedError(f"Cast: Cast {source.name} to {target.name} is not supported.")
        return convert(x, target.np, self.Truncate)

    def lower(self, p, x):
        if self.SrcT == self.DstT:
            return x
        if self.Truncate and self.DstT.is_floating:
            raise NotLowerable("a cast that truncates floats")
        if self.SrcT.is_complex and not self.DstT.is_complex:
            x = p.real(x)
        if x.dtype.is_floating and self.DstT.is_integer:
            if p.is_for_xla:
                return p.saturated_cast(x, self.DstT)
            # Like the eager kernel: via a wider integer, keeping the low bits.
            if self.DstT.size < 4:
                x = p.cast(x, dtypes.int32)
            elif self.DstT == dtypes.uint32:
                x = p.cast(x, dtypes.int64)
        return p.cast(x, self.DstT)


@quiet
def convert(x: np.ndarray, target: np.dtype, truncate: bool = False) -> np.ndarray:
    """Returns the array in another NumPy type, by TensorFlow's rules."""
    if np.iscomplexobj(x) and target.kind != "c":
        x = x.real
    if truncate and target.itemsize == 2 and is_float(x) and x.dtype.itemsize > 2:
        return _cut_to_16_bits(x, target)
    x = widened(x)
    if target.kind in "iu" and target.itemsize < 4 and is_float(x):
        # Like x86: via int32, keeping the low bits.
        return x.astype(np.float64).astype(np.int32).astype(target)
    if target == np.uint32 and is_float(x):
        return x.astype(np.float64).astype(np.int64).astype(target)
    if target == np.uint64 and is_float(x):
        return to_uint64(x)
    if target == np.float16 and x.dtype == np.float64:
        x = x.astype(np.float32)  # rounded twice, as in TensorFlow and in compiled programs
    return np.asarray(x).astype(target)


def _cut_to_16_bits(x: np.ndarray, target: np.dtype) -> np.ndarray:
    """Returns floats rounded towards zero to 16 bits."""
    if target.kind == "f":
        near = x.astype(target)
        towards_zero = np.nextafter(near, target.type(0))
        return np.where(np.abs(near.astype(x.dtype)) > np.abs(x), towards_zero, near)
    bits = x.astype(np.float32).view(np.uint32) >> np.uint32(16)
    return bits.astype(np.uint16).view(target)
