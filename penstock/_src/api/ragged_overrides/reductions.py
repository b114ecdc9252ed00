"""Reductions of ragged tensors: along rows, across rows, and by segments."""

import numpy as np

from penstock._src.api.array import indexing, shaping
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.math import arithmetic, elementwise, reduction, scan
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.construction import stable_order
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.row_checks import common_splits_dtype, positive_axis, scalar
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value


def in_segments(unsorted, data, ids, count):
    """`unsorted(data, segment_ids, num_segments)` for data that may be ragged.

    Rows of one segment are combined position by position; the result's row is as long as the longest. Ragged ids have the
    rows of `data` and apply to its values.
    """
    if isinstance(ids, RaggedTensor):
        if not isinstance(data, RaggedTensor):
            raise ValueError(
                "segment_ids.shape must be a prefix of data.shape, but segment_ids is ragged and "
                "data is not."
            )
        common_splits_dtype([ids, data])
        message = "segment_ids.shape must be a prefix of data.shape"
        check = assert_equal(ids.row_splits, data.row_splits, message=message)
        with control_dependencies([] if check is None else [check]):
            return in_segments(unsorted, data.values, ids.values, count)
    if not isinstance(data, RaggedTensor):
        return unsorted(data, ids, count)
    kind = data.row_splits.dtype
    ids, count = convert_to_tensor(ids), convert_to_tensor(count)
    longest = raw.UnsortedSegmentMax(
        data=data.row_lengths(), segment_ids=ids, num_segments=cast(count, kind)
    )
    rows = RowPartition.from_row_lengths(raw.Maximum(x=longest, y=scalar(0, kind)), validate=False)
    begins = raw.GatherV2(params=rows.row_starts(), indices=ids, axis=0)
    places = raw.GatherV2(params=begins, indices=data._rowids_of_values(), axis=0)
    places = places + data._row_partition.offsets_in_rows()
    values = in_segments(unsorted, data.values, places, rows.nvals())
    return RaggedTensor.from_row_splits(values, rows.row_splits(), validate=False)


def segments(api):
    """The public function `api` of data, segment ids and their number, for ragged data or ids."""

    def run(data, segment_ids, num_segments, name=None):
        return in_segments(api, data, segment_ids, num_segments)

    return run


def reducer(combine, unsorted):
    """Makes a reduction from `combine` for dense axes and `unsorted` for ragged ones."""

    def reduce(input_tensor, axis=None, keepdims=False, name=None, **options):
        def whole(x, axes, keep):
            return combine(x, axes, keep, **options)

        def parts(data, ids, count):
            return unsorted(data, ids, count, **options)

        return _reduce(whole, parts, input_tensor, axis, keepdims)

    return reduce


def _reduce(combine, unsorted, rt, axis, keepdims):
    if not isinstance(rt, RaggedTensor):
        return combine(rt, axis, keepdims)
    if axis is None:
        result = combine(rt.flat_values, None, False)
        if not keepdims:
            return result
        if rt.shape.rank is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return raw.Reshape(tensor=result, shape=np.ones(rt.shape.rank, np.int32))
    if isinstance(axis, Tensor):
        axis = get_static_value(axis)
        if axis is None:
            raise ValueError("axis must be known at graph construction time.")
        axis = axis.tolist()
    result = rt
    for a in sorted(_positive_axes(axis, rt.shape.rank), reverse=True):
        result = _along(combine, unsorted, result, a, keepdims)
    return result


def _positive_axes(axis, rank):
    """The axes counted from the front, checked to be below `rank`, if it is known."""
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    for a in axes:
        if not isinstance(a, (int, np.integer)):
            kind = getattr(a, "dtype", None)
            raise TypeError(
                f"axis must be an int; got {type(a).__name__ if kind is None else kind}"
            )
    return [positive_axis(int(a), rank, rank_name="rank(input_tensor)") for a in axes]


def _along(combine, unsorted, rt, axis, keepdims):
    if not isinstance(rt, RaggedTensor):
        return combine(rt, axis, keepdims)
    if axis > 1:
        return rt.with_values(_along(combine, unsorted, rt.values, axis - 1, keepdims))
    if axis == 1:
        result = in_segments(unsorted, rt.values, rt._rowids_of_values(), rt.nrows())
    else:
        columns = rt._row_partition.offsets_in_rows()
        result = in_segments(unsorted, rt.values, columns, _past_last(columns))
    return shaping.expand_dims(result, axis) if keepdims else result


def _segments_of(name):
    return lambda data, ids, count: getattr(raw, name)(
        data=data, segment_ids=ids, num_segments=count
    )


reduce_sum = reducer(reduction.reduce_sum, _segments_of("UnsortedSegmentSum"))
reduce_prod = reducer(reduction.reduce_prod, _segments_of("UnsortedSegmentProd"))
reduce_max = reducer(reduction.reduce_max, _segments_of("UnsortedSegmentMax"))
reduce_min = reducer(reduction.reduce_min, _segments_of("UnsortedSegmentMin"))


def _reduce_mean(input_tensor, axis=None, keepdims=False, name=None):
    total = reduce_sum(input_tensor, axis, keepdims)
    ones = input_tensor.with_flat_values(raw.OnesLike(x=input_tensor.flat_values))
    return arithmetic.truediv(total, reduce_sum(ones, axis, keepdims), name=name)


def _logical(reduce):
    """A reduction of bools through integers."""

    def run(input_tensor, axis=None, keepdims=False, name=None):
        numbers = cast(input_tensor, dtypes.int32)
        return cast(reduce(numbers, axis, keepdims), dtypes.bool_, name=name)

    return run


def _reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    square = elementwise.square(input_tensor)
    mean = _reduce_mean(input_tensor, axis, keepdims)
    mean_square = _reduce_mean(square, axis, keepdims)
    difference = arithmetic.subtract(mean_square, elementwise.square(mean))
    # rounding may make the variance negative, and the standard deviation NaN
    return arithmetic.maximum(difference, 0.0, name=name)


def _reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    return elementwise.sqrt(_reduce_variance(input_tensor, axis, keepdims), name=name)


def _reduce_logsumexp(input_tensor, axis=None, keepdims=False, name=None):
    def finite(top):
        return shaping.stop_gradient(indexing.where(elementwise.is_finite(top), top, 0))

    top = reduce_max(input_tensor, axis, keepdims=True)
    powers = elementwise.exp(arithmetic.subtract(input_tensor, finite(top)))
    logs = elementwise.log(reduce_sum(powers, axis, keepdims))
    kept = top if keepdims else reduce_max(input_tensor, axis)
    return arithmetic.add(logs, finite(kept), name=name)


def _cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    """Sums from the start of an axis up to each entry; a ragged axis ends with each row."""
    (axis,) = _positive_axes(axis, x.shape.rank)
    options = {"exclusive": exclusive, "reverse": reverse}
    if axis > 1:
        return x.with_values(scan.cumsum(x.values, axis - 1, **options))
    if axis == 0:
        columns = x._row_partition.offsets_in_rows()
        return x.with_values(_running_in_segments(x.values, columns, options))
    return x.with_values(_running_in_segments(x.values, x._rowids_of_values(), options))


def _running_in_segments(values, ids, options):
    """Cumulative sums within unsorted segments; rows are summed position by position."""
    if isinstance(values, RaggedTensor):
        width = _past_last(values._row_partition.offsets_in_rows())
        outer = raw.GatherV2(params=ids, indices=values._rowids_of_values(), axis=0)
        places = outer * width + values._row_partition.offsets_in_rows()
        return values.with_values(_running_in_segments(values.values, places, options))
    order = stable_order(ids)
    lengths = raw.UnsortedSegmentSum(
        data=raw.OnesLike(x=ids), segment_ids=ids, num_segments=_past_last(ids)
    )
    grouped = RaggedTensor.from_row_lengths(
        raw.GatherV2(params=values, indices=order, axis=0), lengths, validate=False
    )
    sums = raw.Cumsum(x=grouped.to_tensor(), axis=1, **options)
    flat = RaggedTensor.from_tensor(sums, lengths=lengths).values
    return raw.GatherV2(params=flat, indices=raw.InvertPermutation(x=order), axis=0)


def _past_last(ids):
    """One more than the largest of some ids, 0 if there are none."""
    none = np.full(1, -1, ids.dtype.as_numpy_dtype)
    largest = raw.Max(input=raw.ConcatV2(values=[ids, none], axis=0), axis=[0])
    return largest + scalar(1, ids.dtype)


REDUCTIONS = {
    reduction.reduce_sum: reduce_sum,
    reduction.reduce_prod: reduce_prod,
    reduction.reduce_max: reduce_max,
    reduction.reduce_min: reduce_min,
    reduction.reduce_mean: _reduce_mean,
    reduction.reduce_all: _logical(reduce_prod),
    reduction.reduce_any: _logical(reduce_sum),
    reduction.reduce_variance: _reduce_variance,
    reduction.reduce_std: _reduce_std,
    reduction.reduce_logsumexp: _reduce_logsumexp,
    scan.cumsum: _cumsum,
    scan.unsorted_segment_sum: segments(scan.unsorted_segment_sum),
    scan.unsorted_segment_prod: segments(scan.unsorted_segment_prod),
    scan.unsorted_segment_max: segments(scan.unsorted_segment_max),
    scan.unsorted_segment_min: segments(scan.unsorted_segment_min),
    scan.unsorted_segment_mean: segments(scan.unsorted_segment_mean),
    scan.unsorted_segment_sqrt_n: segments(scan.unsorted_segment_sqrt_n),
}
