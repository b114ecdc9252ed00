"""Cumulative sums and products along an axis."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls import deadlines
from penstock._src.core.calls.facts import SLOW, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, INDEX, NARROW, NUMBER
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import Dim
from penstock._src.ops.rules import in_float32, quiet, show, value_of, where

PIECE = 1 << 18  # elements of a scan on the host between looks at the deadline


class _Scan(Op):
    """A scan along an axis; with `exclusive`, each result excludes its own element."""

    signature = "x: T, axis: Tidx -> out: T[x]"
    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    T = NUMBER
    Tidx: INDEX = dtypes.int32
    exclusive: bool = False
    reverse: bool = False
    vectorize = "rows, axis"
    ufunc = None

    @quiet
    def eager(self, x, axis):
        if axis.ndim:
            raise self.invalid(f"ScanOp: axis must be a scalar, not {show(axis.shape)}")
        at = int(axis)
        if not -x.ndim <= at < x.ndim:
            raise self.invalid(
                f"ScanOp: Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got "
                f"{at + x.ndim if at < 0 else at}"
            )
        if not x.size:
            return x
        wide = in_float32(x)
        if self.ufunc is not None and not (self.exclusive or self.reverse):
            total = self.ufunc.accumulate(wide, at, wide.dtype)
            return np.ascontiguousarray(total).astype(x.dtype, copy=False)
        others = [axis for axis in range(x.ndim) if axis != at % x.ndim]
        order = [at % x.ndim, *others]
        wide = wide if x.ndim == 1 else wide.transpose(order)
        wide = wide[::-1] if self.reverse else wide
        if self.exclusive:
            first = np.full_like(wide[:1], self.neutral)
            wide = np.concatenate([first, wide[:-1]])
        total = self.accumulate(wide)
        total = total[::-1] if self.reverse else total
        back = [0 if axis == order[0] else others.index(axis) + 1 for axis in range(x.ndim)]
        total = total if x.ndim == 1 else total.transpose(back)
        return np.ascontiguousarray(total).astype(x.dtype, copy=False)

    def accumulate(self, x):
        """Returns the scan along the first axis."""
        return self.ufunc.accumulate(x, 0, dtype=x.dtype)

    def lowered_axis(self, p, x, axis):
        """The axis, not negative."""
        at = int(value_of(p, axis, "the axis"))
        if not -x.rank <= at < x.rank:
            raise NotLowerable("an axis out of range")
        return at % x.rank

    def lower(self, p, x, axis):
        at = self.lowered_axis(p, x, axis)
        return p.cumulative(x, self.primitive, at, self.exclusive, self.reverse)


class Cumsum(_Scan):
    """The cumulative sum."""

    ufunc, primitive, neutral = np.add, "sum", 0

    def gradient(self, _x, axis, _out, dy):
        return raw.Cumsum(dy, axis, exclusive=self.exclusive, reverse=not self.reverse), None


class Cumprod(_Scan):
    """The cumulative product."""

    ufunc, primitive, neutral = np.multiply, "prod", 1

    def gradient(self, x, axis, out, dy):
        weighted = raw.Cumsum(out * dy, axis, exclusive=self.exclusive, reverse=not self.reverse)
        return raw.DivNoNan(weighted, x), None


class CumulativeLogsumexp(_Scan):
    """The logarithm of the cumulative sum of exponentials."""

    T = FLOAT
    neutral = -np.inf
    # The number of rounds, which follows from the extent, is a constant of the kernel.
    host_kernel = HostKernel(compiles_from=SLOW, opens="none")

    def gradient(self, x, axis, out, dy):
        def part(gradient):
            least = np.array(dy.dtype.min, dy.dtype.as_numpy_dtype)
            positive = raw.Greater(gradient, raw.ZerosLike(gradient))
            logarithm = where(positive, raw.Log(gradient), least)
            total = raw.CumulativeLogsumexp(
                raw.Sub(logarithm, out), axis, exclusive=self.exclusive, reverse=not self.reverse
            )
            return raw.Exp(raw.Add(total, x))

        return raw.Sub(part(dy), part(raw.Neg(dy))), None

    def accumulate(self, x):
        """Returns the scan along the first axis, made in pieces: between them an interrupt or the deadline ends it."""
        total = np.empty_like(x)
        rows = max(1, PIECE // x[0].size)
        for first in range(0, len(x), rows):
            deadlines.check()
            before = max(first - 1, 0)  # the last row that is there, from which the piece goes on
            piece = np.concatenate([total[before:first], x[first : first + rows]])
            total[first : first + rows] = np.logaddexp.accumulate(piece, 0)[first - before :]
        return total

    def lower(self, p, x, axis):
        at = self.lowered_axis(p, x, axis)
        count = x.shape[at]
        if isinstance(count, Dim):
            raise NotLowerable("the number of rounds depends on an extent that is not static")
        if not count or not x.size:
            return x
        y = p.cast(x, dtypes.float32) if x.dtype in NARROW else x
        y = p.reverse(y, at) if self.reverse else y
        y = _later(p, y, at, 1) if self.exclusive else y
        if y.dtype == dtypes.float64:
            total = _by_doubling(p, y, at)
        else:
            total = _in_single_precision(p, y, at)
        return p.cast(p.reverse(total, at) if self.reverse else total, x.dtype)


REACH = 600.0  # exponents of e below the largest, down to which sums in double precision keep the digits of single precision


def _in_single_precision(p, x, axis):
    """Sums in double precision of exponentials below the largest of each line, unless some would vanish."""
    largest = p.reduce_max(x, [axis], keepdims=True)
    below = p.select(p.eq(x, -np.inf), 0.0, p.sub(x, largest))
    fits = p.gt(p.reduce_min(below, list(range(x.rank))), -REACH)
    finite = p.reduce_all(p.is_finite(largest), list(range(x.rank)))

    def quick(x, largest):
        wide, top = (p.cast(t, dtypes.float64) for t in (x, largest))
        total = p.cumulative(p.exp(p.sub(wide, top)), "sum", axis)
        return p.cast(p.add(p.log(total), top), x.dtype)

    branch = p.cast(p.and_(fits, finite), dtypes.int32)
    ways = [lambda x, _: _by_doubling(p, x, axis), quick]
    return p.case(branch, ways, [x, largest])[0]


def _by_doubling(p, x, axis):
    """Rounds; each doubles the number of elements that a partial sum covers."""
    by = 1
    while by < x.shape[axis]:
        x, by = _log_of_sum(p, x, _later(p, x, axis, by)), by * 2
    return x


def _later(p, x, axis, by):
    """Elements moved on by `by` positions; the first ones are those of empty sums."""
    none = p.full([by if a == axis else n for a, n in enumerate(x.shape)], -np.inf, x.dtype)
    return p.concat([none, p.slice_axis(x, axis, 0, x.shape[axis] - by)], axis)


def _log_of_sum(p, x, y):
    """log(exp(x) + exp(y))."""
    high, low = p.maximum(x, y), p.minimum(x, y)
    apart = p.add(high, p.log1p(p.exp(p.sub(low, high))))
    return p.select(p.eq(x, y), p.add(x, math.log(2)), apart)  # equal infinities too
