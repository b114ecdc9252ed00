"""Ranges, and counts of values: bincount, histograms, buckets."""

import math
import sys

import ml_dtypes
import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, Elements, HostKernel, Values
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op
from penstock._src.core.typesets import FLOAT, INDEX, SIGNED
from penstock._src.core.values import memory_limit
from penstock._src.core.values.arrays import empty_pooled
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import ceil_divide, is_symbolic, maximum, range_length
from penstock._src.ir.extents.dims import shape_key as dims_key
from penstock._src.native.algorithms.grouping.counting import counts_of
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.rules import is_float, number_of, numbers_of, quiet, show

MOST_STEPS = 2**63 - 1
FIRST = 1 << 14  # elements of long ranges to which others are added: they stay in the cache
COUNTED = frozenset({dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64})


class Range(Op):
    """start, start + delta, start + 2 delta, ... up to but excluding limit."""

    signature = "start: Tidx, limit: Tidx, delta: Tidx -> output: Tidx"
    ranks = {"start": (0,), "limit": (0,), "delta": (0,)}
    Tidx: FLOAT | SIGNED | {dtypes.uint16, dtypes.uint32, dtypes.uint64} = dtypes.int32
    differentiable = False
    elements = Elements(is_movement=True)
    values = Values(has_static_value=True)

    @quiet
    def shape(self, start, limit, delta):
        values = [v.value for v in (start, limit, delta)]
        if any(v is None for v in values):
            return [None]
        try:
            return [self.count(*(v.item() for v in values))]
        except RefusedValue as error:
            raise RefusedValue(f"Range: {error}") from None

    def count(self, start, limit, delta):
        """Returns the number of elements; raises RefusedValue if delta has the wrong sign."""
        if self.Tidx.is_floating:
            count = self.count_of_sizes(start, limit, delta)
            if count is not None:
                return count
            start, limit, delta = float(start), float(limit), float(delta)
        if delta == 0:
            raise RefusedValue(f"Requires delta != 0: {delta}")
        if delta > 0 and not start <= limit:  # or one of them is NaN
            raise RefusedValue(f"Requires start <= limit when delta > 0: {start}/{limit}")
        if not delta > 0 and not start >= limit:
            raise RefusedValue(f"Requires start >= limit when delta < 0: {start}/{limit}")
        if self.Tidx.is_floating:
            # Divide in the range's own dtype: float32(1.0) / float32(0.1) is exactly 10.
            kind = self.Tidx.np.type
            steps = abs((kind(limit) - kind(start)) / kind(delta))
        else:
            steps = maximum(0, ceil_divide(limit - start, delta))
        if not steps <= MOST_STEPS:
            raise RefusedValue(f"Requires ((limit - start) / delta) <= {MOST_STEPS}")
        return math.ceil(steps) if self.Tidx.is_floating else steps

    def count_of_sizes(self, start, limit, delta):
        """Returns the number of elements of a range of floats whose ends are unknown sizes, without fixing these; None if others are needed.

        The ends are fractions with one denominator. Up to 2**(nmant + 1) their difference is exact, and up to 2**nmant its quotient by the
        step is rounded to an integer only if it is one.
        """
        if is_symbolic(delta) or not (is_symbolic(start) or is_symbolic(limit)):
            return None
        fractions = [_fraction(n) for n in (start, limit, delta)]
        if None in fractions:
            return None
        scale = math.lcm(*[by for _, by in fractions])
        first, last, step = (n * (scale // by) for n, by in fractions)
        bits, reached = ml_dtypes.finfo(self.Tidx.np).nmant + (abs(step) == 1), last - first
        most = 2**bits
        if not (-most <= first <= most and -most <= reached <= most):
            return None
        if not step or (reached < 0 if step > 0 else reached > 0):
            return None
        return range_length(first, last, step)

    @quiet
    def eager(self, start, limit, delta):
        for name, value in (("start", start), ("limit", limit), ("delta", delta)):
            if value.size != 1:
                raise self.invalid(f"{name} must be a scalar, not shape {show(value.shape)}")
        first, last, step = (v.reshape(()).item() for v in (start, limit, delta))
        try:
            count = self.count(first, last, step)
        except RefusedValue as error:
            raise self.invalid(str(error)) from None
        # numpy.arange makes none of too many.
        if count * self.Tidx.np.itemsize > memory_limit.limit():
            raise memory_limit.exhausted((count,), self.Tidx.np, self.op_type)
        if not self.Tidx.is_floating:
            return self._whole_numbers(first, count, step)
        wide = np.dtype(np.float32) if self.Tidx.size < 4 else self.Tidx.np
        numbers = _counted(count, wide)
        if step != 1:
            numbers *= wide.type(step)
        if first or step < 0:  # 0 * step is -0.0
            numbers += wide.type(first)
        return numbers.astype(self.Tidx.np, copy=False)

    def _whole_numbers(self, first, count, step):
        if self.Tidx.size < 4:  # a step may be beyond the type
            return (np.arange(count) * step + first).astype(self.Tidx.np)
        numbers = _counted(count, self.Tidx.np)
        if step != 1:
            numbers *= self.Tidx.np.type(step)
        if first:
            numbers += self.Tidx.np.type(first)
        return numbers

    def lower(self, p, start, limit, delta):
        known = [p.dims(v) for v in (start, limit, delta)] if self.Tidx.is_integer else [None]
        if None not in known:
            first, last, step = (v[0] for v in known)
            if dims_key((first, step)) == (0, 1):
                return p.iota((maximum(last, 0),), 0, self.Tidx)
            if step == 0 or (last < first if step > 0 else last > first):
                raise NotLowerable("an invalid range")
            steps = p.iota((range_length(first, last, step),), 0, self.Tidx)
            return p.add(p.mul(steps, p.scalar(step, self.Tidx)), p.scalar(first, self.Tidx))
        values = [
            numbers_of(p, v, name).item()
            for v, name in ((start, "start"), (limit, "limit"), (delta, "delta"))
        ]
        first, _, step = (p.scalar(n, self.Tidx) for n in values)
        steps = p.iota((self.count(*values),), 0, self.Tidx)
        return p.add(p.mul(steps, step), first)


def _counted(count, dtype):
    """Returns 0 to count - 1 as an array of a dtype; many by adding to the first of them, by vectors."""
    is_exact = dtype.kind != "f" or count <= 2 ** (np.finfo(dtype).nmant + 1)
    if count <= FIRST or not is_exact:
        return np.arange(count).astype(dtype, copy=False)
    numbers, first = empty_pooled((count,), dtype), np.arange(FIRST).astype(dtype)
    for start in range(0, count, FIRST):
        part = numbers[start : start + FIRST]
        np.add(first[: len(part)], dtype.type(start), out=part)
    return numbers


def _fraction(number):
    """Returns a number as (numerator, denominator); None if it is not finite."""
    if is_symbolic(number):
        return number, 1
    return float(number).as_integer_ratio() if math.isfinite(number) else None


class LinSpace(Op):
    """`num` numbers at equal distances from start to stop, both included."""

    signature = "start: T, stop: T, num: Tidx -> output: T"
    ranks = {"start": (0,), "stop": (0,), "num": (0,)}
    T = FLOAT
    Tidx: INDEX = dtypes.int32
    differentiable = False

    def shape(self, start, stop, num):
        count = num.value
        if count is not None and count <= 0:
            raise ValueError(f"LinSpace: Requires num > 0: {count}")
        return [None if count is None else np.asarray(count).item()]

    @quiet
    def eager(self, start, stop, num):
        for name, value in (("start", start), ("stop", stop), ("num", num)):
            if value.ndim:
                raise self.invalid(f"{name} must be a scalar, not shape {show(value.shape)}")
        count = int(num)
        if count <= 0:
            raise self.invalid(f"Requires num > 0: {count}")
        first, last = float(start), float(stop)
        wide = np.linspace(first, last, count, dtype=np.float64)
        if self.T == dtypes.float32 and count > 1:
            step = np.float32((np.float32(last) - np.float32(first)) / np.float32(count - 1))
            wide = np.float32(first) + step * np.arange(count, dtype=np.float32)
            wide[-1] = last
        wide[0] = first  # also for infinite ends
        return wide.astype(self.T.np)

    def lower(self, p, start, stop, num):
        if start.rank or stop.rank or num.rank:
            raise NotLowerable("ends that are not scalars")
        count = number_of(p, num, "num")
        if count <= 0:
            raise NotLowerable("a number of points that is not positive")
        if count == 1:
            return p.broadcast_to(start, (1,))
        step = p.div(p.sub(stop, start), p.scalar(count - 1, self.T))
        places = p.iota((count,), 0, dtypes.int32)
        line = p.add(start, p.mul(step, p.cast(places, self.T)))
        line = p.select(p.eq(places, 0), start, line)
        return p.select(p.eq(places, count - 1), stop, line)


# -- counts ----------------------------------------------------------------------------------------


def count_values(values, size, weights, dtype, binary):
    """Returns the count of each number below `size` in a vector of values that are not negative, or the sum of its weights."""
    if runs_native_code():
        return counts_of(values, size, weights, dtype, binary)
    kept = values < size
    chosen = values[kept].astype(np.int64)
    if binary:
        out = np.zeros(size, dtype)
        out[chosen] = 1
        return out
    if not weights.size:
        return np.bincount(chosen, minlength=size)[:size].astype(dtype)
    out = np.zeros(size, dtype)
    np.add.at(out, chosen, weights[kept])
    return out


def count_in_rows(rows, values, shape, weights, dtype, binary):
    """Returns `count_values` of each row, [rows, size], from the values of all and their rows."""
    size = shape[1]
    places = np.where(values < size, rows * size + values, shape[0] * size)
    return count_values(places, shape[0] * size, weights, dtype, binary).reshape(shape)


def check_scalar(op, size):
    """Raises InvalidArgumentError unless the size is a scalar."""
    if size.ndim:
        raise op.invalid(f"Shape must be rank 0 but is rank {size.ndim}")


def bins_of(size):
    """Returns the number of bins if it is known; raises ValueError if it is negative."""
    count = size.with_rank(0).value
    if count is not None and count < 0:
        raise ValueError(f"size ({int(count)}) must be non-negative")
    return None if count is None else np.asarray(count).item()


def check_counts(op, values, size, weights):
    """Raises InvalidArgumentError unless values, size and weights are compatible."""
    _check_weights(op, values, size, weights)
    if values.size and values.min() < 0:
        raise op.invalid("Input arr must be non-negative!")


def _check_weights(op, values, size, weights):
    """Raises InvalidArgumentError of a negative size, or weights of another shape."""
    if size < 0:
        raise op.invalid(f"size ({size}) must be non-negative")
    if weights.size and weights.shape != values.shape:
        raise op.invalid(
            "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it "
            f"acts as all weights equal to 1. Received {show(weights.shape)}"
        )


def lower_counts(op, p, values, size, weights, binary):
    """Lowers counts of a vector, or of each row of a matrix, to a scatter."""
    count = number_of(p, size, "size")
    if count < 0 or len(values.shape) not in (1, 2):
        raise NotLowerable("values that are neither a vector nor a matrix")
    weighted = all(weights.shape)
    if weighted and tuple(weights.shape) != tuple(values.shape):
        raise NotLowerable("weights of another shape")
    # The scatter drops values past the end.
    p.check(p.reduce_all(p.ge(values, 0)), f"{op.op_type}: Input arr must be non-negative!")
    updates = weights if weighted and not binary else p.full(values.shape, 1, op.T)
    start = p.full((*values.shape[:-1], count), 0, op.T)
    how = "max" if binary else "add"
    if len(values.shape) == 1:
        return p.scatter(start, p.expand_dims(values, 1), updates, op=how)
    total = values.shape[0] * count
    if max(count, total) > np.iinfo(np.int32).max:
        places = p.cast(values, dtypes.int64)
        rows = p.iota(values.shape, 0, dtypes.int64)
        where = p.concat([p.expand_dims(rows, 2), p.expand_dims(places, 2)], 2)
        return p.scatter(start, where, updates, op=how)
    # Numbers of bins in all rows are a fourth of the bytes of pairs; that of a value past the end is the total.
    first = p.iota(values.shape, 0, dtypes.int32) * count
    within = p.cast(p.minimum(values, count), dtypes.int32)
    bins = p.select(p.lt(values, count), first + within, total)
    flat = p.scatter(
        p.reshape(start, (-1,)), p.reshape(bins, (-1, 1)), p.reshape(updates, (-1,)), op=how
    )
    return p.reshape(flat, start.shape)


class Bincount(Op):
    """The count of each number below `size` in `arr`, or the sum of its weights."""

    host_kernel = HostKernel(compiles_from=sys.maxsize)
    signature = "arr: int32, size: int32, weights: T -> bins: T"
    T = COUNTED

    def shape(self, arr, size, weights):
        return [bins_of(size)]

    @quiet
    def eager(self, arr, size, weights):
        check_scalar(self, size)
        check_counts(self, arr, int(size), weights)
        return count_values(arr.ravel(), int(size), weights.ravel(), self.T.np, False)

    def lower(self, p, arr, size, weights):
        if weights.size and weights.shape != arr.shape:
            raise NotLowerable("weights that are not those of the numbers")
        flat = p.reshape(arr, (-1,)) if len(arr.shape) != 1 else arr
        weighted = len(weights.shape) > 1 and all(weights.shape)
        return lower_counts(
            self, p, flat, size, p.reshape(weights, (-1,)) if weighted else weights, False
        )


class DenseBincount(Op):
    """The count of each number below `size` in a vector, or in each row of a matrix."""

    host_kernel = HostKernel(
        compiles_from=sys.maxsize
    )  # native code counts as fast as compiled kernels
    signature = "input: Tidx, size: Tidx, weights: T -> output: T"
    Tidx = INDEX
    T = COUNTED
    binary_output: bool = False

    def shape(self, input, size, weights):
        bins = bins_of(size)
        if input.with_rank_at_most(2).rank is None:
            return None
        return [input[0], bins] if input.rank == 2 else [bins]

    @quiet
    def eager(self, input, size, weights):
        if input.ndim > 2:
            raise self.invalid(f"Shape must be at most rank 2 but is rank {input.ndim}")
        check_scalar(self, size)
        count, dtype = int(size), self.T.np
        if runs_native_code():
            _check_weights(self, input, count, weights)
            numbers = input.reshape(1) if not input.ndim else input
            counts = counts_of(numbers, count, weights, dtype, self.binary_output)
            if counts is None:
                raise self.invalid("Input arr must be non-negative!")
            return counts
        check_counts(self, input, count, weights)
        if input.ndim < 2:
            return count_values(input.ravel(), count, weights.ravel(), dtype, self.binary_output)
        rows = np.repeat(np.arange(len(input)), input.shape[1])
        return count_in_rows(
            rows, input.ravel(), (len(input), count), weights.ravel(), dtype, self.binary_output
        )

    def lower(self, p, input, size, weights):
        return lower_counts(self, p, input, size, weights, self.binary_output)


class SparseBincount(Op):
    """DenseBincount of the values of a sparse tensor."""

    signature = """indices: int64, values: Tidx, dense_shape: int64, size: Tidx, weights: T
        -> output: T"""
    Tidx = INDEX
    T = COUNTED
    binary_output: bool = False

    def shape(self, indices, values, dense_shape, size, weights):
        bins = bins_of(size)
        rank = infer.vector_length(dense_shape)
        if rank is None:
            return None
        rows = dense_shape.as_shape()
        return [bins] if rank == 1 else [None if rows is None else rows[0], bins]

    @quiet
    def eager(self, indices, values, dense_shape, size, weights):
        check_scalar(self, size)
        check_counts(self, values, int(size), weights)
        count, dtype, binary = int(size), self.T.np, self.binary_output
        outside = np.flatnonzero(((indices < 0) | (indices >= dense_shape)).any(1))
        if outside.size:
            at = outside[0]
            raise self.invalid(
                f"Sparse index tuple indices[{at}, :] = {indices[at].tolist()} is out of bounds"
            )
        if dense_shape.size == 1:
            return count_values(values, count, weights, dtype, binary)
        shape = int(dense_shape[0]), count
        return count_in_rows(indices[:, 0], values, shape, weights, dtype, binary)


class RaggedBincount(Op):
    """DenseBincount of the rows of a ragged tensor."""

    signature = "splits: int64, values: Tidx, size: Tidx, weights: T -> output: T"
    Tidx = INDEX
    T = COUNTED
    binary_output: bool = False

    def shape(self, splits, values, size, weights):
        rows = infer.vector_length(splits)
        return [None if rows in (None, 0) else rows - 1, bins_of(size)]

    @quiet
    def eager(self, splits, values, size, weights):
        check_scalar(self, size)
        if not splits.size:
            raise self.invalid("Splits must be non-empty")
        if splits[0] != 0:
            raise self.invalid(f"Splits must start with 0, not with {splits[0]}")
        if splits[-1] != values.size:
            raise self.invalid(
                f"Splits must end with the number of values, got {splits[-1]} instead of "
                f"{values.size}"
            )
        count, dtype, binary = int(size), self.T.np, self.binary_output
        weights = weights.reshape(-1)  # of any shape: TensorFlow takes them in order
        if weights.size and weights.size != values.size:
            weights = np.resize(np.pad(weights, (0, values.size)), values.size)
        check_counts(self, values.reshape(-1), count, weights)
        ends = np.maximum.accumulate(splits)  # TensorFlow goes on from a split that is less
        rows = np.searchsorted(ends, np.arange(values.size), "right") - 1
        shape = splits.size - 1, count
        return count_in_rows(rows, values.ravel(), shape, weights, dtype, binary)


class HistogramFixedWidth(Op):
    """Counts of values in nbins equal bins of a range; outliers are counted in the end bins."""

    signature = "values: T, value_range: T, nbins: int32 -> out: dtype"
    extents = {"value_range": "2"}
    T = COUNTED
    dtype: INDEX = dtypes.int32

    def shape(self, values, value_range, nbins):
        count = nbins.with_rank(0).value
        return [None if count is None else np.asarray(count).item()]

    @quiet
    def eager(self, values, value_range, nbins):
        if value_range.shape != (2,):
            raise self.invalid(
                f"value_range should be a vector of 2 elements. Received {show(value_range.shape)}"
            )
        low, high, count = value_range[0], value_range[1], int(nbins)
        if not low < high:
            raise self.invalid(
                "value_range should satisfy value_range[0] < value_range[1], but got "
                f"'[{low:g}, {high:g}]'"
            )
        if count <= 0:
            raise self.invalid(f"nbins should be a positive number, but got '{count}'")
        if is_float(values) and np.isnan(values).any():
            raise self.invalid("Histogram values must not contain NaN")
        step = (float(high) - float(low)) / count
        places = np.floor((values.astype(np.float64) - float(low)) / step)
        places = np.clip(places, 0, count - 1).astype(np.int64)
        return np.bincount(places.ravel(), minlength=count).astype(self.dtype.np)

    def lower(self, p, values, value_range, nbins):
        count = number_of(p, nbins, "nbins")
        if count <= 0 or tuple(value_range.shape) != (2,) or not self.T.is_floating:
            raise NotLowerable("an invalid range, or integers")
        p.check(p.reduce_all(p.eq(values, values)), "HistogramFixedWidth: values contain NaN")
        wide = p.cast(p.reshape(values, (-1,)), dtypes.float64)
        ends = p.cast(value_range, dtypes.float64)
        low, high = p.take_index(ends, 0, 0), p.take_index(ends, 0, 1)
        p.check(p.lt(low, high), "HistogramFixedWidth: value_range must ascend")
        width = p.div(p.sub(high, low), p.scalar(count, dtypes.float64))
        places = p.floor(p.div(p.sub(wide, low), width))
        inside = p.minimum(p.maximum(places, 0.0), p.scalar(count - 1, dtypes.float64))
        start, ones = p.full((count,), 0, self.dtype), p.full(wide.shape, 1, self.dtype)
        return p.scatter(start, p.expand_dims(p.cast(inside, dtypes.int64), 1), ones, op="add")


class Bucketize(Op):
    """For each value, the number of boundaries less than or equal to it."""

    signature = "input: T -> output: int32[input]"
    T = COUNTED
    boundaries: list[float]
    elements = Elements(is_elementwise=True)
    host_kernel = HostKernel(compiles_from=SLOW)

    def eager(self, input):
        edges = np.array(self.boundaries, np.float32)
        if np.any(np.diff(edges) < 0):
            raise self.invalid("Expected sorted boundaries")
        # Neither boundaries nor values that are NaN are above anything, which searchsorted takes otherwise.
        sorted_edges = edges[~np.isnan(edges)]
        if not self.T.is_floating:  # TensorFlow compares integers as float32
            input = input.astype(np.float32)
        buckets = (
            np.searchsorted(sorted_edges, input, side="right") + edges.size - sorted_edges.size
        )
        return buckets.astype(np.int32)

    def lower(self, p, input):
        if any(b < a for a, b in zip(self.boundaries, self.boundaries[1:])):
            raise NotLowerable("boundaries out of order")
        if len(self.boundaries) > 32:
            raise NotLowerable("many boundaries")
        if not self.T.is_floating:
            input = p.cast(input, dtypes.float32)
        total = p.full(input.shape, 0, dtypes.int32)
        for edge in self.boundaries:
            # NaN is above all boundaries
            before = p.lt(input, float(np.float32(edge)))
            total = p.add(total, p.cast(p.not_(before), dtypes.int32))
        return total
