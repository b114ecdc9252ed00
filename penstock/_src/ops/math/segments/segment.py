"""Segment reductions: rows of a tensor combined by segment ids."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX, INTEGER, NUMBER
from penstock._src.core.values.arrays import name_of
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.algorithms.grouping import segments
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.math.binary import truncated_quotient
from penstock._src.ops.rules import (
    cast,
    dims_of,
    in_float32,
    quiet,
    reshape,
    show,
    where,
    zeros_like,
)

REAL = FLOAT | INTEGER
LONG_ROW = 256  # elements
STRETCH = segments.STRETCH  # rows that one running sum adds up
FEWEST_COLUMNS = 8  # of rows that native code combines
NATIVE = dict(zip((np.add, np.multiply, np.maximum, np.minimum), segments.OPERATIONS, strict=True))


def checked_count(op, data, segment_ids):
    """Returns the number of segments if the ids ascend; raises InvalidArgumentError unless they are a vector as long as the data."""
    if segment_ids.ndim != 1:
        raise op.invalid("segment_ids should be a vector.")
    if data.ndim < 1:
        raise op.invalid("input must be at least rank 1")
    if data.shape[0] != segment_ids.shape[0]:
        raise op.invalid("segment_ids should be the same size as dimension 0 of input.")
    if segment_ids.size and segment_ids[-1] < 0:
        raise op.invalid("segment ids must be >= 0")
    return int(segment_ids[-1]) + 1 if segment_ids.size else 0


def check_order(op, segment_ids, count):
    """Raises InvalidArgumentError of the first id that is followed by a lower one, or that no segment has."""
    ends = segment_ids[:1], segment_ids[-1:] + 1
    if (
        (segment_ids[1:] >= segment_ids[:-1]).all()
        and (ends[0] >= 0).all()
        and (ends[1] <= count).all()
    ):
        return
    lower = np.flatnonzero(np.diff(segment_ids) < 0)
    outside = np.flatnonzero((segment_ids < 0) | (segment_ids >= count))
    if lower.size and not (outside.size and outside[0] < lower[0]):
        raise op.invalid("segment ids are not increasing")
    if outside.size:
        raise op.invalid(
            f"Segment id {segment_ids[outside[0]]} out of range [0, {count}), possibly because "
            "'segment_ids' input is not sorted."
        )


def combine(ufunc, data, ids, count, start):
    """Returns `count` rows initialized with `start`, each combined with the rows of data with its id."""
    out = np.full((count, *data.shape[1:]), start, data.dtype)
    if not data.size:
        return out
    if _is_native(data) and (data.size < SLOWEST or _has_short_sums(ufunc, data, ids)):
        rows, numbers = np.ascontiguousarray(data), np.ascontiguousarray(ids, np.int64)
        scatter = segments.segments(name_of(data.dtype), NATIVE[ufunc]).scattered
        scatter(rows, data.size // len(data), numbers, len(numbers), count, out)
        return out
    if data.ndim == 1 and data.dtype.kind in "fiu":
        if ufunc is np.add and data.dtype.kind == "f" and data.size > STRETCH:
            # in float64: the error of a running sum grows with its steps; a short one has TensorFlow's bits
            return out + np.bincount(ids, data, count).astype(data.dtype, copy=False)
        ufunc.at(out, ids, data)
        return out
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        ids, data = ids[order], data[order]
    firsts = np.concatenate(([0], (ids[1:] != ids[:-1]).nonzero()[0] + 1))
    at = ids[firsts]
    out[at] = ufunc(out[at], _reduced_runs(ufunc, data, firsts))
    return out


def _has_short_sums(ufunc, data, ids):
    """True if rows combined one after the other lose no accuracy: none of the running results is long, or they do not round."""
    if data.ndim == 1 or ids.min() < 0:
        return False
    rounds = data.dtype.kind == "f" and ufunc in (np.add, np.multiply)
    return not rounds or np.bincount(ids).max() <= STRETCH


def _reduced_runs(ufunc, data, firsts):
    """Returns the combined rows of each run that begins at one of `firsts`. NumPy goes through a run column by column, so runs of
    long rows are combined one by one."""
    width = data.size // len(data)
    if width >= FEWEST_COLUMNS and _is_native(data):
        begins = np.append(firsts, len(data)).astype(np.int64)
        parts = np.empty((firsts.size, *data.shape[1:]), data.dtype)
        rows = np.ascontiguousarray(data)
        combine_natively = segments.segments(name_of(data.dtype), NATIVE[ufunc]).combine
        combine_natively(rows, width, begins, firsts.size, parts)
        return parts
    if width < LONG_ROW:
        return ufunc.reduceat(data, firsts, axis=0, dtype=data.dtype)
    parts = np.empty((firsts.size, *data.shape[1:]), data.dtype)
    for part, first, end in zip(parts, firsts, [*firsts[1:], len(data)], strict=True):
        rows = data[first:end]
        while len(rows) > STRETCH:  # the error of one running sum grows with its steps
            starts = range(0, len(rows), STRETCH)
            rows = np.stack(
                [ufunc.reduce(rows[i : i + STRETCH], axis=0, dtype=data.dtype) for i in starts]
            )
        ufunc.reduce(rows, axis=0, dtype=data.dtype, out=part)
    return parts


def _is_native(data):
    return name_of(data.dtype) in segments.TYPES and runs_native_code()


def combine_ascending(op, ufunc, data, ids, count, indices=None):
    """Returns the combined rows of each of `count` segments, empty ones as TensorFlow fills them, and the numbers of rows.

    Args:
      indices: the row of the data for each id, within the data; None for all rows in order.

    Raises:
      InvalidArgumentError: the ids do not ascend, or no segment has one.
    """
    if indices is not None and len(data) <= indices.size:
        data = in_float32(data)  # fewer rows than are chosen
    if indices is not None and not (_is_native(data) and indices.size):
        data, indices = data.take(indices, 0), None
    wide = in_float32(data)
    empty = 1 if ufunc is np.multiply else 0
    if not _is_native(wide) or not wide.size:
        check_order(op, ids, count)
        return _combined_ascending(ufunc, wide, ids, count, empty), np.bincount(ids, None, count)
    combined = np.empty((count, *wide.shape[1:]), wide.dtype)
    sizes = np.empty(count, np.int64)
    rows, numbers = np.ascontiguousarray(wide), np.ascontiguousarray(ids, np.int64)
    natively = segments.segments(name_of(wide.dtype), NATIVE[ufunc])
    of_each = (numbers, len(numbers), count, np.full(1, empty, wide.dtype), combined, sizes)
    width = wide.size // len(wide)
    if indices is None:
        right = natively.ascending(rows, width, *of_each)
    else:
        chosen = np.ascontiguousarray(indices, np.int64)
        right = natively.chosen(rows, width, chosen, *of_each)
    if right < len(numbers):
        check_order(op, ids, count)
    return combined, sizes


def beginning(ufunc, dtype):
    """Returns the identity of a reduction: 0, 1, or the lowest or highest number of the dtype."""
    if ufunc in (np.add, np.multiply):
        return 0 if ufunc is np.add else 1
    limits = dtypes.as_dtype(dtype)
    return limits.min if ufunc is np.maximum else limits.max


# -- sorted ids ------------------------------------------------------------------------------------


class _Segment(Op):
    """Rows combined by ids in ascending order; empty segments get 0 (1 for products)."""

    signature = "data: T, segment_ids: Tindices -> output: T"
    T = NUMBER
    Tindices = INDEX

    def shape(self, data, segment_ids):
        segment_ids.with_rank(1)
        rows = data.with_rank_at_least(1)
        return infer.UNKNOWN if rows.rank is None else TensorShape([None]).concatenate(rows[1:])

    @quiet
    def eager(self, data, segment_ids):
        count = checked_count(self, data, segment_ids)
        return combine_ascending(self, self.ufunc, data, segment_ids, count)[0]


def _combined_ascending(ufunc, wide, ids, count, empty):
    """Returns the combined rows of each of `count` segments without native code."""
    if ufunc in (np.add, np.multiply):
        return combine(ufunc, wide, ids, count, empty)
    start = beginning(ufunc, wide.dtype)
    if wide.dtype.kind == "f":
        start = np.copysign(np.inf, start)
    out = combine(ufunc, wide, ids, count, start)
    is_empty = np.ones(count, np.bool_)
    is_empty[ids] = False
    out[is_empty] = empty
    return out


class SegmentSum(_Segment):
    """The sum of each segment's rows."""

    ufunc = np.add

    def gradient(self, _data, segment_ids, _output, dy):
        return raw.GatherV2(dy, segment_ids, np.int32(0)), None


class SegmentMean(_Segment):
    """The mean of each segment's rows."""

    ufunc = np.add

    def gradient(self, data, segment_ids, _output, dy):
        ones = raw.Fill(
            raw.ConcatV2(
                [
                    raw.Shape(segment_ids),
                    raw.Fill(
                        raw.ExpandDims(raw.Sub(raw.Rank(data), np.int32(1)), np.int32(0)),
                        np.int32(1),
                    ),
                ],
                np.int32(0),
            ),
            np.array(1, dy.dtype.as_numpy_dtype),
        )
        scaled = dy / raw.SegmentSum(ones, segment_ids)
        return raw.GatherV2(scaled, segment_ids, np.int32(0)), None

    @quiet
    def eager(self, data, segment_ids):
        count = checked_count(self, data, segment_ids)
        return mean_rows(self, data, segment_ids, count)


def mean_rows(op, data, ids, count, power=1.0, indices=None):
    """Returns each segment's sum divided by its number of rows to a power; raises InvalidArgumentError as `combine_ascending`."""
    total, numbers = combine_ascending(op, np.add, data, ids, count, indices)
    sizes = np.maximum(numbers, 1).reshape(-1, *[1] * (data.ndim - 1))
    if total.dtype.kind in "iu":
        wide = np.uint64 if total.dtype == np.uint64 else np.int64
        return truncated_quotient(total.astype(wide), sizes.astype(wide)).astype(total.dtype)
    divisors = np.sqrt(sizes) if power == 0.5 else sizes**power if power != 1 else sizes
    return (total / divisors.astype(total.real.dtype)).astype(total.dtype, copy=False)


class SegmentProd(_Segment):
    """The product of each segment's rows."""

    ufunc = np.multiply

    def gradient(self, data, segment_ids, _output, dy):
        return segment_product_gradient(raw.SegmentProd, data, segment_ids, dy, ()), None


class _SegmentExtreme(_Segment):
    """The largest or least of each segment; equal rows share the gradient."""

    T = REAL

    def gradient(self, data, segment_ids, output, dy):
        zeros = zeros_like(data)
        chosen = raw.Equal(raw.GatherV2(output, segment_ids, np.int32(0)), data)
        count = raw.SegmentSum(cast(chosen, dy.dtype), segment_ids)
        shares = raw.GatherV2(raw.Div(dy, count), segment_ids, np.int32(0))
        return where(chosen, shares, zeros), None


class SegmentMax(_SegmentExtreme):
    """The largest of each segment's rows."""

    ufunc = np.maximum


class SegmentMin(_SegmentExtreme):
    """The least of each segment's rows."""

    ufunc = np.minimum


def segment_product_gradient(product, data, ids, dy, more):
    """Returns the gradient of products of segments, which may contain zeros.

    An element's derivative is the product of the others: product / element without zeros; with one zero, only that element's
    derivative is non-zero, the product of the rest; else all are 0.
    """
    zero = raw.Equal(data, raw.ZerosLike(data))
    numbers = raw.UnsortedSegmentSum if more else raw.SegmentSum
    zeros = numbers(cast(zero, dtypes.int32), ids, *more)
    dy = where(raw.Greater(zeros, np.int32(1)), raw.ZerosLike(dy), dy)
    filled = where(zero, raw.OnesLike(data), data)
    of_rest = product(filled, ids, *more)
    at = raw.Maximum(ids, raw.ZerosLike(ids))
    whole = product(data, ids, *more)
    slope = where(
        zero,
        raw.GatherV2(of_rest, at, np.int32(0)),
        raw.GatherV2(whole, at, np.int32(0)) / filled,
    )
    return raw.GatherV2(dy, at, np.int32(0)) * slope


class _SegmentV2(Op):
    """Rows combined into a given number of segments; empty ones get the identity."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    signature = "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T"
    ranks = {"num_segments": (0,)}
    T = NUMBER
    Tindices = INDEX
    Tnumsegments: INDEX = dtypes.int32

    def shape(self, data, segment_ids, num_segments):
        return segments_shape(data, segment_ids, num_segments)

    @quiet
    def eager(self, data, segment_ids, num_segments):
        return unsorted_rows(self, self.ufunc, data, segment_ids, num_segments)

    def lower(self, p, data, segment_ids, num_segments):
        return lower_segments(self, p, data, segment_ids, num_segments)


def segments_shape(data, segment_ids, num_segments):
    """Returns the shape of `num_segments` rows of data."""
    if data.rank is None or segment_ids.rank is None:
        return infer.UNKNOWN
    rest = infer.prefix(data, segment_ids)
    return TensorShape([infer.counted(num_segments, 2)]).concatenate(rest)


def unsorted_rows(op, ufunc, data, segment_ids, count):
    """Returns rows combined by ids in any order; rows with negative ids are dropped.

    Raises:
      InvalidArgumentError: the shapes do not fit, or an id is too large.
    """
    if data.shape[: segment_ids.ndim] != segment_ids.shape:
        raise op.invalid(
            f"data.shape = {show(data.shape)} does not start with segment_ids.shape = "
            f"{show(segment_ids.shape)}"
        )
    if np.ndim(count):
        raise op.invalid(f"num_segments should be a scalar, not shape {show(np.shape(count))}")
    count = int(count)
    if int(np.int64(count).astype(np.int32)) < 0:  # TensorFlow computes with 32 bits here
        count = np.int64(count).astype(np.int32)
        raise op.invalid(f"Input num_segments == {count} must not be negative.")
    wide = in_float32(data)
    ids = segment_ids.reshape(-1)
    rows = wide.reshape(ids.size, *data.shape[segment_ids.ndim :])
    bad = np.flatnonzero(ids >= count)
    if bad.size:
        where_bad = np.unravel_index(bad[0], segment_ids.shape)
        raise op.invalid(
            f"segment_ids[{','.join(str(int(i)) for i in where_bad)}] = {ids[bad[0]]} is out of "
            f"range [0, {count})"
        )
    kept = ids >= 0
    if not kept.all():
        ids, rows = ids[kept], rows[kept]
    return combine(ufunc, rows, ids, count, beginning(ufunc, data.dtype))


SCATTER = {np.add: "add", np.multiply: "mul", np.maximum: "max", np.minimum: "min"}


def lower_segments(op, p, data, segment_ids, num_segments):
    """Lowers segments to a scatter of rows into rows filled with the identity."""
    (count,) = dims_of(p, num_segments, "num_segments")
    if count > np.iinfo(np.int32).max:
        raise NotLowerable("a number of segments of more than 32 bits")
    lead = len(segment_ids.shape)
    if tuple(data.shape[:lead]) != tuple(segment_ids.shape) or count < 0:
        raise NotLowerable("ids with a shape that is not a prefix of the data's")
    ids = p.reshape(segment_ids, (-1,)) if lead != 1 else segment_ids
    rows = data if lead == 1 else p.reshape(data, (ids.shape[0], *data.shape[lead:]))
    ids, start = p.cast(ids, dtypes.int64), beginning(op.ufunc, op.T.np)
    how = SCATTER[op.ufunc]
    if p.depth:
        # Checks are only possible outside loops: rows with negative ids go to an extra last row.
        ids = p.select(p.ge(ids, count), count + 1, p.select(p.lt(ids, 0), count, ids))
        first = p.full((count + 1, *data.shape[lead:]), start, op.T)
        whole = p.scatter(first, p.expand_dims(ids, 1), rows, op=how, mode="error")
        return p.slice_axis(whole, 0, 0, count)
    message = f"{op.op_type}: segment_ids has an element that is out of range [0, {count})"
    arguments = [data, segment_ids, num_segments]
    p.check(p.reduce_all(p.lt(ids, count)), message, arguments)
    # Map negative ids past the end, where the scatter drops them.
    ids = p.select(p.lt(ids, 0), count, ids)
    first = p.full((count, *data.shape[lead:]), start, op.T)
    return p.scatter(first, p.expand_dims(ids, 1), rows, op=how)


class _UnsortedSegment(_SegmentV2):
    """Rows combined by ids in any order; rows with negative ids are dropped."""


class UnsortedSegmentSum(_UnsortedSegment):
    """The sum of each segment's rows."""

    ufunc = np.add
    Tindices = INDEX | {dtypes.int16}

    def gradient(self, _data, segment_ids, _num_segments, _output, dy):
        return gathered_or_zero(dy, segment_ids), None, None


class SegmentSumV2(UnsortedSegmentSum):
    """The sum of each segment's rows."""

    Tindices = INDEX
    gradient = None


def gathered_or_zero(rows, ids):
    """Returns the row of each id, or zeros for a negative id."""
    gathered = raw.GatherV2(rows, raw.Maximum(ids, raw.ZerosLike(ids)), np.int32(0))
    usable = raw.GreaterEqual(ids, raw.ZerosLike(ids))
    rank = gathered.shape.rank
    if rank is not None and ids.shape.rank is not None:
        for _ in range(rank - ids.shape.rank):
            usable = raw.ExpandDims(usable, np.int32(-1))
    else:
        ones = raw.Fill(
            raw.ExpandDims(raw.Sub(raw.Rank(gathered), raw.Rank(ids)), np.int32(0)), np.int32(1)
        )
        usable = reshape(usable, raw.ConcatV2([raw.Shape(ids), ones], np.int32(0)))
    return where(usable, gathered, zeros_like(gathered))


class _UnsortedExtreme(_UnsortedSegment):
    """The largest or least of each segment; equal rows share the gradient."""

    T = REAL

    def gradient(self, data, segment_ids, num_segments, output, dy):
        chosen = raw.Equal(data, gathered_or_zero(output, segment_ids))
        # A row with a negative id is never chosen.
        chosen = raw.LogicalAnd(
            chosen,
            raw.NotEqual(gathered_or_zero(raw.OnesLike(output), segment_ids), raw.ZerosLike(data)),
        )
        count = raw.UnsortedSegmentSum(cast(chosen, dy.dtype), segment_ids, num_segments)
        shares = gathered_or_zero(raw.Div(dy, count), segment_ids)
        return where(chosen, shares, zeros_like(shares)), None, None


class UnsortedSegmentMax(_UnsortedExtreme):
    """The largest of each segment's rows; of none, the lowest number."""

    ufunc = np.maximum


class SegmentMaxV2(UnsortedSegmentMax):
    """The largest of each segment's rows; of none, the lowest number."""

    gradient = None


class UnsortedSegmentMin(_UnsortedExtreme):
    """The least of each segment's rows; of none, the highest number."""

    ufunc = np.minimum


class SegmentMinV2(UnsortedSegmentMin):
    """The least of each segment's rows; of none, the highest number."""

    gradient = None


class UnsortedSegmentProd(_UnsortedSegment):
    """The product of each segment's rows."""

    ufunc = np.multiply

    def gradient(self, data, segment_ids, num_segments, _output, dy):
        slope = segment_product_gradient(
            raw.UnsortedSegmentProd, data, segment_ids, dy, (num_segments,)
        )
        kept = gathered_or_zero(raw.OnesLike(dy), segment_ids)
        return slope * kept, None, None


class SegmentProdV2(UnsortedSegmentProd):
    """The product of each segment's rows."""

    gradient = None
