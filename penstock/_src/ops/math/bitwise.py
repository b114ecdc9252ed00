"""Operations on the bits of integers."""

import numpy as np

from penstock._src.core.typesets import INTEGER
from penstock._src.ops.rules import Binary, Unary


class BitwiseAnd(Binary):
    """The bits that both x and y have."""

    T, ufunc, primitive = INTEGER, np.bitwise_and, "and_"
    differentiable = False
    eager_is_exact = True


class BitwiseOr(Binary):
    """The bits that x or y has."""

    T, ufunc, primitive = INTEGER, np.bitwise_or, "or_"
    differentiable = False
    eager_is_exact = True


class BitwiseXor(Binary):
    """The bits that just one of x and y has."""

    T, ufunc, primitive = INTEGER, np.bitwise_xor, "xor"
    differentiable = False
    eager_is_exact = True


def in_width(x, amount):
    """Returns shift amounts cut to what the type's width allows."""
    return np.clip(amount, 0, x.dtype.itemsize * 8 - 1).astype(x.dtype)


class LeftShift(Binary):
    """x with its bits moved y places up; y is cut to [0, width - 1]."""

    T, primitive = INTEGER, "shift_left"
    differentiable = False

    def ufunc(self, x, y):
        return np.left_shift(x, in_width(x, y))


class RightShift(Binary):
    """x with its bits moved y places down, keeping the sign; y is cut to [0, width - 1]."""

    T, primitive = INTEGER, "shift_right"
    differentiable = False

    def ufunc(self, x, y):
        return np.right_shift(x, in_width(x, y))

    def lower(self, p, x, y):
        return p.shift_right(x, y) if self.T.min < 0 else p.shift_right_logical(x, y)


class Invert(Unary):
    """All bits of x changed."""

    T, ufunc, primitive = INTEGER, np.invert, "not_"
    differentiable = False


class PopulationCount(Unary):
    """The number of bits of x that are set."""

    signature = "x: T -> y: uint8"
    T, primitive = INTEGER, "popcount"
    differentiable = False

    def ufunc(self, x):
        return np.bitwise_count(x.view(f"u{x.dtype.itemsize}")).astype(np.uint8)

    def lower(self, p, x):
        from_bits = p.popcount(x)
        return p.cast(from_bits, self.output_dtypes[0])
