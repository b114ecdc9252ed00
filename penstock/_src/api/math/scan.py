"""Cumulative sums along an axis, and segment reductions."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.typesets import NARROW
from penstock._src.util.export import export
from penstock._src.util.signatures import with_sections

from .arithmetic import truediv
from .elementwise import cast


def _unsorted(op, data, segment_ids, num_segments, name):
    return op(data=data, segment_ids=segment_ids, num_segments=num_segments, name=name)


@dispatchable(
    "math.unsorted_segment_sum",
    v1=["math.unsorted_segment_sum", "unsorted_segment_sum"],
    direct=True,
)
def unsorted_segment_sum(data, segment_ids, num_segments, name=None):
    """Returns the sums of entries that share an id; ids need no order.

    Args:
      data: numbers.
      segment_ids: int32 or int64; its shape is the beginning of the shape of `data`. Entries with
        a negative id are left out.
      num_segments: an integer scalar: the number of rows of the result.
      name: a name for the operation.

    Returns:
      A tensor of `num_segments` rows; ids that do not occur have 0.

    Raises:
      InvalidArgumentError: an id is not below `num_segments`, or the shapes do not fit.

    >>> tf.math.unsorted_segment_sum([1, 2, 3, 4], [2, 0, 2, -1], 3).numpy()
    array([2, 0, 4], dtype=int32)
    """
    return _unsorted(raw.UnsortedSegmentSum, data, segment_ids, num_segments, name)


@dispatchable(
    "math.unsorted_segment_prod",
    v1=["math.unsorted_segment_prod", "unsorted_segment_prod"],
    direct=True,
)
def unsorted_segment_prod(data, segment_ids, num_segments, name=None):
    """Returns the products of entries that share an id; ids need no order.

    Args:
      data: numbers.
      segment_ids: int32 or int64; its shape is the beginning of the shape of `data`. Entries with
        a negative id are left out.
      num_segments: an integer scalar: the number of rows of the result.
      name: a name for the operation.

    Returns:
      A tensor of `num_segments` rows; ids that do not occur have 1.

    Raises:
      InvalidArgumentError: an id is not below `num_segments`, or the shapes do not fit.

    >>> tf.math.unsorted_segment_prod([1, 2, 3, 4], [2, 0, 2, -1], 3).numpy()
    array([2, 1, 3], dtype=int32)
    """
    return _unsorted(raw.UnsortedSegmentProd, data, segment_ids, num_segments, name)


@dispatchable(
    "math.unsorted_segment_max",
    v1=["math.unsorted_segment_max", "unsorted_segment_max"],
    direct=True,
)
def unsorted_segment_max(data, segment_ids, num_segments, name=None):
    """Returns the maxima of entries that share an id; ids need no order.

    Args:
      data: real numbers.
      segment_ids: int32 or int64; its shape is the beginning of the shape of `data`. Entries with
        a negative id are left out.
      num_segments: an integer scalar: the number of rows of the result.
      name: a name for the operation.

    Returns:
      A tensor of `num_segments` rows; ids that do not occur have the lowest number of the dtype.

    Raises:
      InvalidArgumentError: an id is not below `num_segments`, or the shapes do not fit.

    >>> tf.math.unsorted_segment_max([1, 2, 3, 4], [1, 0, 1, -1], 2).numpy()
    array([2, 3], dtype=int32)
    """
    return _unsorted(raw.UnsortedSegmentMax, data, segment_ids, num_segments, name)


@dispatchable(
    "math.unsorted_segment_min",
    v1=["math.unsorted_segment_min", "unsorted_segment_min"],
    direct=True,
)
def unsorted_segment_min(data, segment_ids, num_segments, name=None):
    """Returns the minima of entries that share an id; ids need no order.

    Args:
      data: real numbers.
      segment_ids: int32 or int64; its shape is the beginning of the shape of `data`. Entries with
        a negative id are left out.
      num_segments: an integer scalar: the number of rows of the result.
      name: a name for the operation.

    Returns:
      A tensor of `num_segments` rows; ids that do not occur have the highest number of the dtype.

    Raises:
      InvalidArgumentError: an id is not below `num_segments`, or the shapes do not fit.

    >>> tf.math.unsorted_segment_min([1, 2, 3, 4], [1, 0, 1, -1], 2).numpy()
    array([2, 1], dtype=int32)
    """
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
    """Returns the means of entries that share an id; ids need no order.

    Args:
      data: numbers.
      segment_ids: int32 or int64; its shape is the beginning of the shape of `data`. Entries with
        a negative id are left out.
      num_segments: an integer scalar: the number of rows of the result.
      name: a name for the operation.

    Returns:
      A tensor of `num_segments` rows; ids that do not occur have 0.

    >>> tf.math.unsorted_segment_mean([1.0, 2.0, 4.0], [1, 0, 1], 2).numpy()
    array([2. , 2.5], dtype=float32)
    """
    sums, counts, dtype = _segment_sums(data, segment_ids, num_segments)
    means = truediv(sums, counts, name=name)
    return means if dtype == sums.dtype else cast(means, dtype)


@dispatchable(
    "math.unsorted_segment_sqrt_n",
    v1=["math.unsorted_segment_sqrt_n", "unsorted_segment_sqrt_n"],
    scope="UnsortedSegmentSqrtN",
)
def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """Returns the sums of entries that share an id, divided by the square roots of their numbers.

    Args:
      data: float or complex numbers.
      segment_ids: int32 or int64; its shape is the beginning of the shape of `data`. Entries with
        a negative id are left out.
      num_segments: an integer scalar: the number of rows of the result.
      name: a name for the operation.

    Returns:
      A tensor of `num_segments` rows; ids that do not occur have 0.

    >>> tf.math.unsorted_segment_sqrt_n([1.0] * 4, [0, 0, 0, 0], 1).numpy()
    array([2.], dtype=float32)
    """
    sums, counts, dtype = _segment_sums(data, segment_ids, num_segments)
    scaled = raw.RealDiv(x=sums, y=raw.Sqrt(x=counts), name=name)
    return scaled if dtype == sums.dtype else cast(scaled, dtype)


def _sparse_segment(stem, data, indices, segment_ids, num_segments, sparse_gradient, name):
    inputs = {"data": data, "indices": indices, "segment_ids": segment_ids}
    if num_segments is not None:
        stem, inputs["num_segments"] = f"{stem}WithNumSegments", num_segments
    return getattr(raw, stem)(**inputs, sparse_gradient=sparse_gradient, name=name)


_SEGMENTS = """
Args:
  data: `[n, ...]`, floats.
  indices: int32 or int64 `[m]`: which rows of `data` are taken.
  segment_ids: int32 or int64 `[m]`, ascending: the segment of each of these rows.
  num_segments: an integer scalar; by default the last id plus 1.
  name: of the operation.
  sparse_gradient: whether the gradient of `data` is IndexedSlices.

Returns:
  `[num_segments, ...]` of the dtype of `data`; segments without rows are 0.
"""


@export("sparse.segment_sum", v1=[])
@with_sections(_SEGMENTS)
def sparse_segment_sum(
    data, indices, segment_ids, num_segments=None, name=None, sparse_gradient=False
):
    """The sums of the rows `indices` of `data`, by sorted segment id."""
    return _sparse_segment(
        "SparseSegmentSum", data, indices, segment_ids, num_segments, sparse_gradient, name
    )


@export("sparse.segment_mean", v1=[])
@with_sections(_SEGMENTS)
def sparse_segment_mean(
    data, indices, segment_ids, num_segments=None, name=None, sparse_gradient=False
):
    """The means of the rows `indices` of `data`, by sorted segment id."""
    return _sparse_segment(
        "SparseSegmentMean", data, indices, segment_ids, num_segments, sparse_gradient, name
    )


@export("sparse.segment_sqrt_n", v1=[])
@with_sections(_SEGMENTS)
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
    Returns the running sum along an axis.

    Args:
      x: numbers.
      axis: the axis to run along.
      exclusive: if True, each sum leaves out its own entry, so that the first is 0.
      reverse: if True, the sums run from the end.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      InvalidArgumentError: `axis` is out of range.

    >>> tf.cumsum([1, 2, 3, 4]).numpy()
    array([ 1,  3,  6, 10], dtype=int32)
    >>> tf.cumsum([1, 2, 3, 4], exclusive=True, reverse=True).numpy()
    array([9, 7, 4, 0], dtype=int32)
math.cumprod +cumprod = Cumprod(x, axis=0, exclusive=False, reverse=False)
    Returns the running product along an axis.

    Args:
      x: numbers.
      axis: the axis to run along.
      exclusive: if True, each product leaves out its own entry, so that the first is 1.
      reverse: if True, the products run from the end.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      InvalidArgumentError: `axis` is out of range.

    >>> tf.math.cumprod([1, 2, 3, 4]).numpy()
    array([ 1,  2,  6, 24], dtype=int32)
math.cumulative_logsumexp = CumulativeLogsumexp(x, axis=0, exclusive=False, reverse=False)
    Returns the running log(sum(exp(x))) along an axis, without overflow.

    Args:
      x: floats.
      axis: the axis to run along.
      exclusive: if True, each sum leaves out its own entry, so that the first is the logarithm of
        0.
      reverse: if True, the sums run from the end.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.cumulative_logsumexp([0.0, 0.0, 0.0]).numpy().round(4)
    array([0.    , 0.6931, 1.0986], dtype=float32)
math.segment_sum +segment_sum = SegmentSum(data, segment_ids)
    Returns the sums of rows that share an id.

    Args:
      data: numbers, a tensor of at least one axis.
      segment_ids: int32 or int64, one id for each row of `data`, not negative and in ascending
        order.
      name: a name for the operation.

    Returns:
      A tensor of `max(segment_ids) + 1` rows; ids that do not occur have 0.

    Raises:
      InvalidArgumentError: the ids are not ascending, or not as many as rows.

    >>> tf.math.segment_sum([1, 2, 3, 4], [0, 0, 2, 2]).numpy()
    array([3, 0, 7], dtype=int32)
math.segment_mean +segment_mean = SegmentMean(data, segment_ids)
    Returns the means of rows that share an id.

    Args:
      data: numbers, a tensor of at least one axis.
      segment_ids: int32 or int64, one id for each row of `data`, not negative and in ascending
        order.
      name: a name for the operation.

    Returns:
      A tensor of `max(segment_ids) + 1` rows; ids that do not occur have 0.

    Raises:
      InvalidArgumentError: the ids are not ascending, or not as many as rows.

    >>> tf.math.segment_mean([1.0, 2.0, 3.0, 5.0], [0, 0, 2, 2]).numpy()
    array([1.5, 0. , 4. ], dtype=float32)
math.segment_prod +segment_prod = SegmentProd(data, segment_ids)
    Returns the products of rows that share an id.

    Args:
      data: numbers, a tensor of at least one axis.
      segment_ids: int32 or int64, one id for each row of `data`, not negative and in ascending
        order.
      name: a name for the operation.

    Returns:
      A tensor of `max(segment_ids) + 1` rows; ids that do not occur have 1.

    Raises:
      InvalidArgumentError: the ids are not ascending, or not as many as rows.

    >>> tf.math.segment_prod([1, 2, 3, 4], [0, 0, 2, 2]).numpy()
    array([ 2,  1, 12], dtype=int32)
math.segment_max +segment_max = SegmentMax(data, segment_ids)
    Returns the maxima of rows that share an id.

    Args:
      data: real numbers, a tensor of at least one axis.
      segment_ids: int32 or int64, one id for each row of `data`, not negative and in ascending
        order.
      name: a name for the operation.

    Returns:
      A tensor of `max(segment_ids) + 1` rows; ids that do not occur have 0.

    Raises:
      InvalidArgumentError: the ids are not ascending, or not as many as rows.

    >>> tf.math.segment_max([1, 2, 3, 4], [0, 0, 2, 2]).numpy()
    array([2, 0, 4], dtype=int32)
math.segment_min +segment_min = SegmentMin(data, segment_ids)
    Returns the minima of rows that share an id.

    Args:
      data: real numbers, a tensor of at least one axis.
      segment_ids: int32 or int64, one id for each row of `data`, not negative and in ascending
        order.
      name: a name for the operation.

    Returns:
      A tensor of `max(segment_ids) + 1` rows; ids that do not occur have 0.

    Raises:
      InvalidArgumentError: the ids are not ascending, or not as many as rows.

    >>> tf.math.segment_min([1, 2, 3, 4], [0, 0, 2, 2]).numpy()
    array([1, 0, 3], dtype=int32)
""",
)
