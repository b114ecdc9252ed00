"""Sparse segment reductions: sums of rows[indices], divided by a power of the count."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX, INTEGER
from penstock._src.ops import infer
from penstock._src.ops.math.segments.segment import (
    check_order,
    combine,
    combine_ascending,
    mean_rows,
)
from penstock._src.ops.rules import in_float32, ints, quiet, show

# TensorFlow refuses results of more elements.
_MOST = 2**63


def check_vectors(op, indices, segment_ids):
    """Raises InvalidArgumentError unless indices and ids are vectors of equal length."""
    if indices.ndim != 1 or segment_ids.ndim != 1:
        raise op.invalid("indices and segment_ids should be vectors.")
    if indices.shape != segment_ids.shape:
        raise op.invalid("segment_ids and indices should have same size.")


def combine_chosen(op, data, indices, segment_ids, count, power):
    """Returns `count` rows: each segment's sum divided by its number of rows to a power."""
    if not data.ndim:
        raise op.invalid("Shape must be at least rank 1")
    check_vectors(op, indices, segment_ids)
    last = int(segment_ids[-1]) if segment_ids.size else None
    if (count is None and last is not None and last < 0) or (count is not None and count < 0):
        raise op.invalid("segment ids must be >= 0")
    if count is not None and last is not None and last >= count:
        raise op.invalid("segment ids must be < num_segments")
    if count is None:
        count = 0 if last is None else last + 1
    width = math.prod(data.shape[1:])
    if count * width >= _MOST:
        raise op.invalid(f"Encountered overflow when multiplying {count} with {width}, result: -1")
    if indices.size and (indices.min() < 0 or indices.max() >= data.shape[0]):
        check_order(op, segment_ids, count)
        i = np.argmax((indices < 0) | (indices >= data.shape[0]))
        raise op.invalid(f"indices[{i}] == {indices[i]} out of range [0, {data.shape[0]})")
    if not power:
        return combine_ascending(op, np.add, data, segment_ids, count, indices)[0]
    return mean_rows(op, data, segment_ids, count, power, indices)


class _SparseSegment(Op):
    """Segments of gathered rows; sums are divided by the count of rows to the power `power`."""

    signature = "data: T, indices: Tidx, segment_ids: Tsegmentids -> output: T"
    T = FLOAT
    Tidx: INDEX = dtypes.int32
    Tsegmentids: INDEX = dtypes.int32
    sparse_gradient: bool = False

    def shape(self, data, indices, segment_ids, num_segments=None):
        infer.merged(indices.with_rank(1), segment_ids.with_rank(1))
        if num_segments is not None:
            num_segments.with_rank(0)
        if data.rank is None:
            return infer.UNKNOWN
        count = None if num_segments is None else num_segments.value
        rows = None if count is None else int(count)
        if rows is not None and rows < 0:
            raise ValueError("Cannot specify a negative value for num_segments")
        return TensorShape([rows]).concatenate(data.with_rank_at_least(1)[1:])

    def gradient(self, data, indices, segment_ids, _output, dy):
        return self.gradient_of_data(data, indices, segment_ids, dy), None, None

    def gradient_of_data(self, data, indices, segment_ids, dy):
        """Returns the gradient of the rows: dense, or slices if the op's attribute requests them."""
        shape = raw.Shape(data)
        first = raw.StridedSlice(shape, ints([0]), ints([1]), ints([1]), shrink_axis_mask=1)
        name = self.gradient_op
        if not self.sparse_gradient:
            return getattr(raw, name)(dy, indices, segment_ids, first)
        values, rows = getattr(raw, name + "V2")(dy, indices, segment_ids, first)
        return IndexedSlices(values, rows, shape)

    @quiet
    def eager(self, data, indices, segment_ids):
        return combine_chosen(self, data, indices, segment_ids, None, self.power)


class SparseSegmentSum(_SparseSegment):
    """The sum of each segment's chosen rows."""

    T = FLOAT | INTEGER
    power, gradient_op = 0, "SparseSegmentSumGrad"


class SparseSegmentMean(_SparseSegment):
    """The mean of each segment's chosen rows."""

    power, gradient_op = 1.0, "SparseSegmentMeanGrad"


class SparseSegmentSqrtN(_SparseSegment):
    """The sum of each segment's chosen rows over the root of their number."""

    power, gradient_op = 0.5, "SparseSegmentSqrtNGrad"


class _WithNumSegments(_SparseSegment):
    """Segments of gathered rows; the last input is the number of segments."""

    signature = """data: T, indices: Tidx, segment_ids: Tsegmentids, num_segments: Tnumsegments
        -> output: T"""
    Tnumsegments: INDEX = dtypes.int32

    def shape(self, data, indices, segment_ids, num_segments):
        return super().shape(data, indices, segment_ids, num_segments)

    def gradient(self, data, indices, segment_ids, _num_segments, _output, dy):
        return self.gradient_of_data(data, indices, segment_ids, dy), None, None, None

    @quiet
    def eager(self, data, indices, segment_ids, num_segments):
        if num_segments.ndim:
            raise self.invalid(
                f"num_segments should be a scalar, not shape {show(num_segments.shape)}"
            )
        return combine_chosen(self, data, indices, segment_ids, int(num_segments), self.power)


class SparseSegmentSumWithNumSegments(_WithNumSegments):
    """The sum of each segment's chosen rows."""

    T = FLOAT | INTEGER
    power, gradient_op = 0, "SparseSegmentSumGrad"


class SparseSegmentMeanWithNumSegments(_WithNumSegments):
    """The mean of each segment's chosen rows."""

    power, gradient_op = 1.0, "SparseSegmentMeanGrad"


class SparseSegmentSqrtNWithNumSegments(_WithNumSegments):
    """The sum of each segment's chosen rows over the root of their number."""

    power, gradient_op = 0.5, "SparseSegmentSqrtNGrad"


# -- gradients -------------------------------------------------------------------------------------


def check_gradient(op, grad, indices, segment_ids, rows):
    """Raises InvalidArgumentError unless ids and indices are vectors, within the rows of the gradient and of the data."""
    check_vectors(op, indices, segment_ids)
    segments = grad.shape[0]
    if segment_ids.size and segment_ids[-1] >= segments:
        raise op.invalid("Invalid number of segments")
    for what, ids, limit in (("Segment id", segment_ids, segments), ("Index", indices, rows)):
        bad = np.flatnonzero((ids < 0) | (ids >= limit))
        if bad.size:
            raise op.invalid(f"{what} {ids[bad[0]]} out of range [0, {limit}).")


def scattered(op, grad, indices, segment_ids, rows):
    """Returns `rows` rows: row indices[i] gets grad[segment_ids[i]], weighted by its segment's size."""
    check_gradient(op, grad, indices, segment_ids, rows)
    wide = in_float32(grad)
    if op.power:
        sizes = np.bincount(segment_ids, minlength=grad.shape[0])
        weights = np.asarray(np.maximum(sizes, 1) ** -op.power, wide.dtype)
        wide = wide * weights.reshape(-1, *[1] * (grad.ndim - 1))
    return combine(np.add, wide.take(segment_ids, 0), indices, rows, 0)


class _SparseSegmentGrad(Op):
    """The gradient of the data of a sum of chosen rows, dense."""

    signature = "grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: int32 -> output: T"
    ranks = {"grad": at_least(1), "output_dim0": (0,)}
    extents = {"indices": "n", "segment_ids": "n"}
    T = FLOAT
    Tidx: INDEX = dtypes.int32
    Tsegmentids: INDEX = dtypes.int32

    def shape(self, grad, indices, segment_ids, output_dim0):
        if grad.rank is None:
            return infer.UNKNOWN
        rows = output_dim0.value
        return TensorShape([None if rows is None else int(rows)]).concatenate(grad[1:])

    @quiet
    def eager(self, grad, indices, segment_ids, output_dim0):
        return scattered(self, grad, indices, segment_ids, int(output_dim0))


class SparseSegmentSumGrad(_SparseSegmentGrad):
    """The gradient of SparseSegmentSum."""

    power = 0


class SparseSegmentMeanGrad(_SparseSegmentGrad):
    """The gradient of SparseSegmentMean."""

    power = 1.0


class SparseSegmentSqrtNGrad(_SparseSegmentGrad):
    """The gradient of SparseSegmentSqrtN."""

    power = 0.5


class _SparseSegmentGradV2(Op):
    """The gradient of the data of a sum of chosen rows: only the rows chosen, and their indices."""

    signature = """grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: int32
        -> output: T, sorted_unique_indices: Tidx"""
    ranks = {"grad": at_least(1), "dense_output_dim0": (0,)}
    extents = {"indices": "n", "segment_ids": "n"}
    T = FLOAT
    Tidx: INDEX = dtypes.int32
    Tsegmentids: INDEX = dtypes.int32

    def shape(self, grad, indices, segment_ids, dense_output_dim0):
        rows = infer.UNKNOWN if grad.rank is None else TensorShape([None]).concatenate(grad[1:])
        return rows, [None]

    @quiet
    def eager(self, grad, indices, segment_ids, dense_output_dim0):
        check_gradient(self, grad, indices, segment_ids, int(dense_output_dim0))
        unique, places = np.unique(indices, return_inverse=True)
        return scattered(self, grad, places, segment_ids, unique.size), unique


class SparseSegmentSumGradV2(_SparseSegmentGradV2):
    """The gradient of SparseSegmentSum, sparse."""

    power = 0


class SparseSegmentMeanGradV2(_SparseSegmentGradV2):
    """The gradient of SparseSegmentMean, sparse."""

    power = 1.0


class SparseSegmentSqrtNGradV2(_SparseSegmentGradV2):
    """The gradient of SparseSegmentSqrtN, sparse."""

    power = 0.5
