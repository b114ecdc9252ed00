"""Operations on the bits of integers."""

import numpy as np

from penstock._src.core.calls.facts import SLOW, HostKernel, Values
from penstock._src.core.typesets import INTEGER
from penstock._src.ops.rules import Binary, Unary


class BitwiseAnd(Binary):
    """x & y."""

    T, ufunc, primitive = INTEGER, np.bitwise_and, "and_"
    differentiable = False
    values = Values(eager_is_exact=True)


class BitwiseOr(Binary):
    """x | y."""

    T, ufunc, primitive = INTEGER, np.bitwise_or, "or_"
    differentiable = False
    values = Values(eager_is_exact=True)


class BitwiseXor(Binary):
    """x ^ y."""

    T, ufunc, primitive = INTEGER, np.bitwise_xor, "xor"
    differentiable = False
    values = Values(eager_is_exact=True)


def in_width(x, amount):
    """Returns shift amounts clipped to [0, width - 1]."""
    return np.clip(amount, 0, x.dtype.itemsize * 8 - 1).astype(x.dtype)


class LeftShift(Binary):
    """x << y, with y clipped to [0, width - 1]."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, primitive = INTEGER, "shift_left"
    differentiable = False

    def ufunc(self, x, y):
        return np.left_shift(x, in_width(x, y))


class RightShift(Binary):
    """x >> y, which keeps the sign, with y clipped to [0, width - 1]."""

    host_kernel = HostKernel(compiles_from=SLOW)
    T, primitive = INTEGER, "shift_right"
    differentiable = False

    def ufunc(self, x, y):
        return np.right_shift(x, in_width(x, y))

    def lower(self, p, x, y):
        return p.shift_right(x, y) if self.T.min < 0 else p.shift_right_logical(x, y)


class Invert(Unary):
    """~x."""

    T, ufunc, primitive = INTEGER, np.invert, "not_"
    differentiable = False


class PopulationCount(Unary):
    """The number of bits of x that are set."""

    signature = "x: T -> y: uint8"
    host_kernel = HostKernel(compiles_from=SLOW)
    T, primitive = INTEGER, "popcount"
    differentiable = False

    def ufunc(self, x):
        return np.bitwise_count(x.view(f"u{x.dtype.itemsize}")).astype(np.uint8)

    def lower(self, p, x):
        from_bits = p.popcount(x)
        return p.cast(from_bits, self.output_dtypes[0])
