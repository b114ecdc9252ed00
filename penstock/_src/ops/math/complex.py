"""Complex numbers and their parts."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import Binary, quiet, unbroadcast

HALVES = frozenset({dtypes.float32, dtypes.float64})


class Complex(Binary):
    """real + i imag."""

    signature = "real: T, imag: T -> out: Tout[real | imag]"
    T: HALVES = dtypes.float32
    Tout: COMPLEX = dtypes.complex64
    primitive = "complex"

    def gradient(self, real, imag, _out, d_out):
        return (
            unbroadcast(raw.Real(d_out, Tout=self.T), real),
            unbroadcast(raw.Imag(d_out, Tout=self.T), imag),
        )

    def ufunc(self, real, imag):
        out = np.empty(np.broadcast_shapes(real.shape, imag.shape), self.Tout.np)
        out.real, out.imag = real, imag
        return out

    def eager(self, real, imag):
        return super().eager(real, imag)

    def lower(self, p, real, imag):
        if not hasattr(p, "complex"):
            raise NotLowerable("complex numbers")
        return p.complex(real, imag)


class _Part(Op):
    """A real part of each complex number."""

    signature = "input: T -> output: Tout[input]"
    T: COMPLEX = dtypes.complex64
    Tout: HALVES = dtypes.float32
    elements = Elements(is_elementwise=True)

    def check(self):
        """Raises InvalidArgumentError unless the result has the dtype of the parts."""
        if self.T.real_dtype != self.Tout:
            raise self.invalid(
                f"a result of type {self.T.real_dtype.name} is required for {self.T.name}. "
                f"Received Tout={self.Tout.name}"
            )

    def lowered(self, p, name, x):
        """Returns the primitive of that name applied to x, in the result's type."""
        if not hasattr(p, name):
            raise NotLowerable("complex numbers")
        return getattr(p, name)(x)


class Real(_Part):
    """The real part."""

    def gradient(self, _input, _output, dy):
        return raw.Complex(dy, raw.ZerosLike(dy), Tout=self.T)

    def eager(self, input):
        self.check()
        return input.real.copy()

    def lower(self, p, input):
        return self.lowered(p, "real", input)


class Imag(_Part):
    """The imaginary part."""

    def gradient(self, _input, _output, dy):
        return raw.Complex(raw.ZerosLike(dy), dy, Tout=self.T)

    def eager(self, input):
        self.check()
        return input.imag.copy()

    def lower(self, p, input):
        return self.lowered(p, "imag", input)


class Angle(_Part):
    """The angle of each number, in (-pi, pi]."""

    def gradient(self, input, _output, dy):
        z = raw.Reciprocal(
            raw.Complex(
                raw.Imag(input, Tout=self.Tout), raw.Real(input, Tout=self.Tout), Tout=self.T
            )
        )
        return raw.Neg(raw.Complex(dy, raw.ZerosLike(dy), Tout=self.T)) * z

    @quiet
    def eager(self, input):
        self.check()
        return np.angle(input)

    def lower(self, p, input):
        return p.atan2(self.lowered(p, "imag", input), self.lowered(p, "real", input))


class ComplexAbs(_Part):
    """The absolute value."""

    signature = "x: T -> y: Tout[x]"

    def gradient(self, x, y, dy):
        zeros = raw.ZerosLike(y)
        along = raw.Complex(dy, zeros, Tout=self.T) * x
        return raw.DivNoNan(along, raw.Complex(y, zeros, Tout=self.T))

    @quiet
    def eager(self, x):
        self.check()
        return np.abs(x)

    def lower(self, p, x):
        parts = [p.abs(self.lowered(p, name, x)) for name in ("real", "imag")]
        # Scale by powers of two, so that the squares stay in range.
        limit, down, up = (60, -70, 100) if parts[0].dtype.size == 4 else (500, -600, 700)
        larger = p.maximum(*parts)

        def scale(sign):
            one, more = (p.scalar(2.0 ** (sign * by), larger.dtype) for by in (0, up))
            near = p.select(p.lt(larger, 2.0**-limit), more, one)
            return p.select(p.gt(larger, 2.0**limit), 2.0 ** (sign * down), near)

        squares = [p.square(p.mul(part, scale(1))) for part in parts]
        infinite = p.or_(*[p.is_inf(part) for part in parts])
        return p.select(infinite, float("inf"), p.mul(p.sqrt(p.add(*squares)), scale(-1)))


class Conj(Op):
    """The complex conjugate."""

    signature = "input: T -> output: T[input]"
    T: COMPLEX | {dtypes.variant} = dtypes.complex64
    elements = Elements(is_elementwise=True)

    def gradient(self, _input, _output, dy):
        return raw.Conj(dy)

    def eager(self, input):
        return input if self.T == dtypes.variant else np.conj(input)

    def lower(self, p, input):
        if self.T == dtypes.variant or not hasattr(p, "conj"):
            raise NotLowerable("complex numbers")
        return p.conj(input)
