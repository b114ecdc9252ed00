"""Cumulative sums along an axis, and segment reductions."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.typesets import NARROW
from penstock._src.util.export import export

from .arithmetic import truediv
from .elementwise import cast


def _unsorted(op, data, segment_ids, num_segments, name):
    return op(data=data, segment_ids=segment_ids, num_segments=num_segments, name=name)


@dispatchable("math.unsorted_segment_sum", v1=["math.unsorted_segment_sum", "unsorted_segment_sum"])
def unsorted_segment_sum(data, segment_ids, num_segments, name=None):
    """The sums of entries that share an id; negative ids are dropped."""
    return _unsorted(raw.UnsortedSegmentSum, data, segment_ids, num_segments, name)


@dispatchable(
    "math.unsorted_segment_prod", v1=["math.unsorted_segment_prod", "unsorted_segment_prod"]
)
def unsorted_segment_prod(data, segment_ids, num_segments, name=None):
    """The products of entries that share an id; negative ids are dropped."""
    return _unsorted(raw.UnsortedSegmentProd, data, segment_ids, num_segments, name)


@dispatchable("math.unsorted_segment_max", v1=["math.unsorted_segment_max", "unsorted_segment_max"])
def unsorted_segment_max(data, segment_ids, num_segments, name=None):
    """The maxima of entries that share an id; an empty segment has the type's lowest value."""
    return _unsorted(raw.UnsortedSegmentMax, data, segment_ids, num_segments, name)


@dispatchable("math.unsorted_segment_min", v1=["math.unsorted_segment_min", "unsorted_segment_min"])
def unsorted_segment_min(data, segment_ids, num_segments, name=None):
    """The minima of entries that share an id; an empty segment has the type's highest value."""
    return _unsorted(raw.UnsortedSegmentMin, data, segment_ids, num_segments, name)


def _segment_sums(data, segment_ids, num_segments):
    """The segment sums, the counts shaped to divide them, and the data's dtype; computed in float32 for narrow floats."""
    data = convert_to_tensor(data)
    narrow = data.dtype in NARROW
    wide = cast(data, dtypes.float32) if narrow else data
    sums = _unsorted(raw.UnsortedSegmentSum, wide, segment_ids, num_segments, None)
    return sums, _segment_counts(wide, segment_ids, num_segments), data.dtype


def _segment_counts(data, segment_ids, num_segments):
    """The number of entries of each segment, at least 1, shaped to divide the sums."""
    ids = convert_to_tensor(segment_ids)
    flat_ids = raw.Reshape(tensor=ids, shape=[-1])
    ones = raw.OnesLike(x=cast(flat_ids, data.dtype))
    counts = raw.UnsortedSegmentSum(data=ones, segment_ids=flat_ids, num_segments=num_segments)
    tail = raw.Sub(x=raw.Rank(input=data), y=raw.Rank(input=ids))
    shape = raw.ConcatV2(
        values=[
            raw.Reshape(tensor=cast(num_segments, dtypes.int32), shape=[1]),
            raw.Fill(dims=raw.Reshape(tensor=tail, shape=[1]), value=np.int32(1)),
        ],
        axis=0,
    )
    one = np.asarray(1, data.dtype.as_numpy_dtype)
    return raw.Maximum(x=raw.Reshape(tensor=counts, shape=shape), y=one)


@dispatchable(
    "math.unsorted_segment_mean",
    v1=["math.unsorted_segment_mean", "unsorted_segment_mean"],
    scope="UnsortedSegmentMean",
)
def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The means of entries that share an id; an empty segment has mean 0."""
    sums, counts, dtype = _segment_sums(data, segment_ids, num_segments)
    means = truediv(sums, counts, name=name)
    return means if dtype == sums.dtype else cast(means, dtype)


@dispatchable(
    "math.unsorted_segment_sqrt_n",
    v1=["math.unsorted_segment_sqrt_n", "unsorted_segment_sqrt_n"],
    scope="UnsortedSegmentSqrtN",
)
def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sums of entries that share an id, divided by the square root of their count."""
    sums, counts, dtype = _segment_sums(data, segment_ids, num_segments)
    scaled = raw.RealDiv(x=sums, y=raw.Sqrt(x=counts), name=name)
    return scaled if dtype == sums.dtype else cast(scaled, dtype)


def _sparse_segment(stem, data, indices, segment_ids, num_segments, sparse_gradient, name):
    inputs = {"data": data, "indices": indices, "segment_ids": segment_ids}
    if num_segments is not None:
        stem, inputs["num_segments"] = f"{stem}WithNumSegments", num_segments
    return getattr(raw, stem)(**inputs, sparse_gradient=sparse_gradient, name=name)


@export("sparse.segment_sum", v1=[])
def sparse_segment_sum(
    data, indices, segment_ids, num_segments=None, name=None, sparse_gradient=False
):
    """The sums of the rows `indices` of `data`, by sorted segment id."""
    return _sparse_segment(
        "SparseSegmentSum", data, indices, segment_ids, num_segments, sparse_gradient, name
    )


@export("sparse.segment_mean", v1=[])
def sparse_segment_mean(
    data, indices, segment_ids, num_segments=None, name=None, sparse_gradient=False
):
    """The means of the rows `indices` of `data`, by sorted segment id."""
    return _sparse_segment(
        "SparseSegmentMean", data, indices, segment_ids, num_segments, sparse_gradient, name
    )


@export("sparse.segment_sqrt_n", v1=[])
def sparse_segment_sqrt_n(
    data, indices, segment_ids, num_segments=None, name=None, sparse_gradient=False
):
    """`sparse_segment_sum` divided by the square root of each segment's count."""
    return _sparse_segment(
        "SparseSegmentSqrtN", data, indices, segment_ids, num_segments, sparse_gradient, name
    )


__getattr__ = op_functions(
    globals(),
    dispatchable="""
cumsum math.cumsum = Cumsum(x, axis=0, exclusive=False, reverse=False)
    The running sum along `axis`.

    Args:
      x: numbers.
      axis: the axis to run along.
      exclusive: leave out the entry itself, so that the first sum is 0.
      reverse: run from the end.
      name: a name for the operation.
math.cumprod +cumprod = Cumprod(x, axis=0, exclusive=False, reverse=False)
    The running product along `axis`; arguments as `cumsum`'s.
math.cumulative_logsumexp = CumulativeLogsumexp(x, axis=0, exclusive=False, reverse=False)
    The running log(sum(exp(x))) along `axis`; arguments as `cumsum`'s.
math.segment_sum +segment_sum = SegmentSum(data, segment_ids)
    The sums of rows that share an id; ids are sorted.
math.segment_mean +segment_mean = SegmentMean(data, segment_ids)
    The means of rows that share an id; ids are sorted.
math.segment_prod +segment_prod = SegmentProd(data, segment_ids)
    The products of rows that share an id; ids are sorted.
math.segment_max +segment_max = SegmentMax(data, segment_ids)
    The maxima of rows that share an id; ids are sorted.
math.segment_min +segment_min = SegmentMin(data, segment_ids)
    The minima of rows that share an id; ids are sorted.
""",
)
