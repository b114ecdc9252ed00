"""Comparisons and logic."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Values
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.shapes import UNKNOWN, broadcast_shapes
from penstock._src.core.typesets import ANY, FLOAT, INTEGER, NUMBER
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.algorithms.texts import equality
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.rules import Binary, Compare, HostUnary, quiet, show

REAL = FLOAT | INTEGER


def _may_differ(x, y):
    """True if a dimension is unknown and may make the shapes incompatible."""
    if x.rank is None or y.rank is None:
        return True
    pairs = zip(reversed(x.as_list()), reversed(y.as_list()))
    return any((a is None) != (b is None) and 1 not in (a, b) for a, b in pairs)


class _Equality(Compare):
    """Equality of any dtype; an attribute makes incompatible shapes give a single scalar result."""

    values = Values(eager_is_exact=True, has_static_value=True)

    T = ANY
    incompatible_shape_error: bool = True

    def shape(self, x, y):
        if self.incompatible_shape_error:
            return infer.broadcast(x, y)
        try:
            broadcast = broadcast_shapes(x, y)
        except ValueError:
            return infer.SCALAR
        return UNKNOWN if _may_differ(x, y) else broadcast

    def eager(self, x, y):
        if self.T == dtypes.string and runs_native_code():
            equal = equality.equal(x, y)
            if equal is not None:
                return equal if self.ufunc is np.equal else ~equal
        return self._by_numpy(x, y)

    def eager_given(self, constant, x, y):
        if self.T != dtypes.string or constant[0] == constant[1] or not runs_native_code():
            return None
        known = x if constant[0] else y
        # One comparison costs less than a hash.
        return equality.with_constant(known, self.ufunc) if known.size > 1 else None

    @quiet
    def _by_numpy(self, x, y):
        try:
            return np.asarray(self.ufunc(x, y), bool)
        except ValueError:
            if self.incompatible_shape_error:
                raise self.invalid(
                    f"Incompatible shapes: {show(x.shape)} vs. {show(y.shape)}"
                ) from None
            return np.asarray(self.ufunc is np.not_equal)

    def lower(self, p, x, y):
        if not self.T.is_numpy_compatible or self.T == dtypes.string:
            raise NotLowerable(f"elements of type {self.T.name}")
        return getattr(p, self.primitive)(x, y)


class Equal(_Equality):
    """x == y."""

    ufunc, primitive = np.equal, "eq"


class NotEqual(_Equality):
    """x != y."""

    ufunc, primitive = np.not_equal, "ne"


class Less(Compare):
    """x < y."""

    T, ufunc, primitive = REAL, np.less, "lt"
    values = Values(eager_is_exact=True)


class LessEqual(Compare):
    """x <= y."""

    T, ufunc, primitive = REAL, np.less_equal, "le"
    values = Values(eager_is_exact=True)


class Greater(Compare):
    """x > y."""

    T, ufunc, primitive = REAL, np.greater, "gt"
    values = Values(eager_is_exact=True)


class GreaterEqual(Compare):
    """x >= y."""

    T, ufunc, primitive = REAL, np.greater_equal, "ge"
    values = Values(eager_is_exact=True)


class ApproximateEqual(Op):
    """|x - y| < tolerance."""

    signature = "x: T, y: T -> z: bool[x & y]"
    T = NUMBER
    tolerance: float = float(np.float32(1e-5))
    differentiable = False
    vectorize = "rows, rows"

    @quiet
    def eager(self, x, y):
        if x.shape != y.shape:
            raise InvalidArgumentError(
                "ApproximateEqual: x and y must be of the same shape. "
                f"x shape: {show(x.shape)}. y shape: {show(y.shape)}"
            )
        return np.abs(x - y) < self.tolerance

    def lower(self, p, x, y):
        if x.shape != y.shape or not self.T.is_floating:
            raise NotLowerable("operands that are not floats of one shape")
        return p.lt(p.abs(p.sub(x, y)), self.tolerance)


# -- logic -----------------------------------------------------------------------------------------


class LogicalAnd(Binary):
    """x and y."""

    signature = "x: bool, y: bool -> z: bool"
    ufunc, primitive = np.logical_and, "and_"
    differentiable = False
    values = Values(eager_is_exact=True)


class LogicalOr(Binary):
    """x or y."""

    signature = "x: bool, y: bool -> z: bool"
    ufunc, primitive = np.logical_or, "or_"
    differentiable = False
    values = Values(eager_is_exact=True)


class LogicalNot(HostUnary):
    """not x."""

    signature = "x: bool -> y: bool"
    ufunc = np.logical_not
    differentiable = False
    values = Values(eager_is_exact=True)

    def lower(self, p, x):
        return p.not_(x)
