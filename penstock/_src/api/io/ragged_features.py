"""Ragged features: partitions the values of one example or of a batch into rows."""

import collections

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core.registry import raw

# Row partitions: the name of the feature with the partition, or one length for all rows.
RowSplits = collections.namedtuple("RowSplits", ["key"])
RowLengths = collections.namedtuple("RowLengths", ["key"])
RowStarts = collections.namedtuple("RowStarts", ["key"])
RowLimits = collections.namedtuple("RowLimits", ["key"])
ValueRowIds = collections.namedtuple("ValueRowIds", ["key"])
UniformRowLength = collections.namedtuple("UniformRowLength", ["length"])

_MAKERS = {
    RowSplits: RaggedTensor.from_row_splits,
    RowLengths: RaggedTensor.from_row_lengths,
    RowStarts: RaggedTensor.from_row_starts,
    RowLimits: RaggedTensor.from_row_limits,
    ValueRowIds: RaggedTensor.from_value_rowids,
}


def partitioned(values, feature, partition_tensor):
    """Partitions the values of a feature into rows.

    Args:
      values: a vector, of one example; `[examples, (values)]`; or `[examples, (steps), (values)]`.
      feature: a RaggedFeature; its last partition is the innermost.
      partition_tensor: the partition tensors by key, of the same form as `values`.
    """
    if not isinstance(values, RaggedTensor):
        for partition in reversed(feature.partitions):
            values = _of_one(values, partition, feature, partition_tensor)
        return values
    examples = values.row_splits if values.ragged_rank > 1 else None
    values = values if examples is None else values.values
    for partition in reversed(feature.partitions):
        values = _of_each(values, partition, feature, partition_tensor)
    if examples is None:
        return values
    return RaggedTensor.from_row_splits(values, examples, validate=feature.validate)


def _of_one(values, partition, feature, partition_tensor):
    if not isinstance(partition, UniformRowLength):
        rows = cast(partition_tensor(partition.key), feature.row_splits_dtype)
        return _MAKERS[type(partition)](values, rows, validate=feature.validate)
    if isinstance(values, RaggedTensor):
        return RaggedTensor.from_uniform_row_length(
            values, partition.length, validate=feature.validate
        )
    return _in_rows_of(values, partition.length)


def _in_rows_of(values, length):
    """A tensor with its first axis split into rows of one length."""
    rows = np.array([-1, length], np.int32)
    shape = raw.ConcatV2(values=[rows, raw.Shape(input=values)[1:]], axis=0)
    return raw.Reshape(tensor=values, shape=shape)


def _of_each(values, partition, feature, partition_tensor):
    """`[examples, (values)]` as `[examples, (rows), (values)]`."""
    inner, checked = values.values, {"validate": feature.validate}
    if isinstance(partition, UniformRowLength):
        length = partition.length
        if isinstance(inner, RaggedTensor):
            inner = RaggedTensor.from_uniform_row_length(inner, length, **checked)
        else:
            inner = _in_rows_of(inner, length)
        splits = values.row_splits // np.asarray(length, values.row_splits.dtype.as_numpy_dtype)
        return RaggedTensor.from_row_splits(inner, splits, validate=False)
    part = partition_tensor(partition.key)
    part = cast(part.values if part.ragged_rank > 1 else part, feature.row_splits_dtype)
    if isinstance(partition, RowLengths):
        return part.with_values(RaggedTensor.from_row_lengths(inner, part.values, **checked))
    if isinstance(partition, ValueRowIds):
        return _by_row_ids(inner, part, checked)
    # Positions are relative to the start of each example; limits are splits without the first.
    part = part[:, 1:] if isinstance(partition, RowSplits) else part
    make = RaggedTensor.from_row_starts
    if not isinstance(partition, RowStarts):
        make = RaggedTensor.from_row_limits
    begins = raw.GatherV2(params=values.row_starts(), indices=part.value_rowids(), axis=0)
    return part.with_values(make(inner, part.values + begins, **checked))


def _by_row_ids(inner, part, checked):
    """Rows from the row number of each value, counted in each example from 0."""
    one = np.asarray(1, part.dtype.as_numpy_dtype)
    last = raw.UnsortedSegmentMax(
        data=part.values + one, segment_ids=part.value_rowids(), num_segments=part.nrows()
    )
    counts = raw.Maximum(x=last, y=np.asarray(0, part.dtype.as_numpy_dtype))
    before = raw.Cumsum(x=counts, axis=0, exclusive=True)
    ids = part.values + raw.GatherV2(params=before, indices=part.value_rowids(), axis=0)
    rows = RaggedTensor.from_value_rowids(inner, ids, raw.Sum(input=counts, axis=[0]), **checked)
    return RaggedTensor.from_row_lengths(rows, counts, **checked)
