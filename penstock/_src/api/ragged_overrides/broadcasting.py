"""Broadcasts ragged and dense operands of elementwise functions to the same rows.

Axes are matched from the last one, as NumPy does. Rows of different lengths match only rows of the same lengths, or an axis
that is uniformly 1.
"""

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.row_checks import common_splits_dtype, depending, require, scalar
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.api.ragged.shapes.arguments import require_equal
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value


def matched(operands):
    """A ragged tensor with the rows of the result, and the flat values of all operands.

    Raises:
      ValueError: the rank of an operand is unknown, or row splits have different types.
      InvalidArgumentError: the rows do not match; in a graph when it runs.
    """
    first = next(x for x in operands if isinstance(x, RaggedTensor))
    kind = common_splits_dtype(x for x in operands if isinstance(x, RaggedTensor))
    operands = [
        x if isinstance(x, (RaggedTensor, Tensor)) else convert_to_tensor(x, dtype_hint=first.dtype)
        for x in operands
    ]
    if all(_fits(first, x) for x in operands):
        return first, [x.flat_values if isinstance(x, RaggedTensor) else x for x in operands]
    if any(x.shape.rank is None for x in operands):
        raise ValueError("Unable to broadcast: unknown rank")
    return _broadcast(operands, kind)


def _fits(structure, x):
    """True if the flat values of `x` broadcast with those of `structure` unchanged."""
    if x is structure:
        return True
    inner = structure.flat_values.shape.rank
    if not isinstance(x, RaggedTensor):
        rank = x.shape.rank
        return rank == 0 or (rank is not None and inner is not None and rank < inner)
    if inner is None or inner != x.flat_values.shape.rank:
        return False
    mine, theirs = structure.nested_row_splits, x.nested_row_splits
    return len(mine) == len(theirs) and all(map(_known_equal, mine, theirs))


def _known_equal(x, y):
    if x is y:
        return True
    x, y = get_static_value(x), get_static_value(y)
    return x is not None and y is not None and np.array_equal(x, y)


def _broadcast(operands, kind):
    rank = max(x.shape.rank for x in operands)
    depth = max(
        rank - x.shape.rank + x.ragged_rank for x in operands if isinstance(x, RaggedTensor)
    )
    laid_out = [_Operand(x, rank, kind) if x.shape.rank >= rank - depth else None for x in operands]
    taking_part = [x for x in laid_out if x is not None]
    count, checks = _common_length([x.count() for x in taking_part])
    for x in taking_part:
        x.select_rows(count)
    partitions = []
    for _ in range(depth):
        partition, more = _common_partition(taking_part, count)
        checks += more
        for x in taking_part:
            x.enter(partition)
        partitions.append(partition)
        count = partition.nvals()
    flat = [x if out is None else out.flat_values() for x, out in zip(operands, laid_out)]
    flat[0] = depending(flat[0], checks)
    structure = next(out.flat_values() for out in taking_part)
    for partition in reversed(partitions):
        structure = RaggedTensor._from_row_partition(structure, partition, validate=False)
    return structure, flat


def _common_length(lengths):
    """The length to which axes of these lengths are broadcast, and assertions that they are."""
    common, checks = lengths[0], []
    for length in lengths[1:]:
        mine, theirs = get_static_value(common), get_static_value(length)
        if theirs == 1 or common is length or (mine is not None and mine == theirs):
            continue
        if mine == 1:
            common = length
            continue
        one = scalar(1, common.dtype)
        fits = (
            raw.Equal(x=common, y=length),
            raw.Equal(x=common, y=one),
            raw.Equal(x=length, y=one),
        )
        any_fits = raw.LogicalOr(x=raw.LogicalOr(x=fits[0], y=fits[1]), y=fits[2])
        checks += require(
            any_fits, "Unable to broadcast: dimension size mismatch in dimension", common, length
        )
        common = raw.SelectV2(condition=fits[1], t=length, e=common)
    return common, checks


def _common_partition(operands, count):
    """The rows into which the next axis of all operands is cut, and assertions that they match."""
    ragged = [x for x in operands if x.is_ragged()]
    if not ragged:
        length, checks = _common_length([x.length() for x in operands])
        partition = RowPartition.from_uniform_row_length(
            length, count * length, count, validate=False
        )
        return partition, checks
    partition, checks = ragged[0].partition(), []
    lengths = partition.row_lengths()
    message = "Unable to broadcast: dimension size mismatch in dimension"
    for x in operands:
        if x is ragged[0] or (not x.is_ragged() and get_static_value(x.length()) == 1):
            continue
        if x.is_ragged():
            theirs = x.partition()
            if theirs is not partition:
                checks += require_equal(partition.row_splits(), theirs.row_splits())
        else:
            length = x.length()
            one = raw.Equal(x=length, y=scalar(1, length.dtype))
            fits = raw.LogicalOr(x=raw.Equal(x=lengths, y=length), y=one)
            checks += require(fits, message, length, lengths)
    return partition, checks


class _Operand:
    """An operand, entered axis by axis: for each row of the result so far, which of its rows stands there."""

    def __init__(self, x, rank, kind):
        for _ in range(rank - x.shape.rank):
            if isinstance(x, RaggedTensor):
                x = RaggedTensor.from_uniform_row_length(x, x.nrows(), nrows=1)
            else:
                x = raw.ExpandDims(input=x, axis=0)
        self.values, self.kind = x, kind
        self.rows = None  # None means all rows in order
        self._partition = None

    def count(self):
        """The number of rows."""
        return _extent(self.values, 0, self.kind)

    def is_ragged(self):
        """True if the lengths of rows may differ."""
        return isinstance(self.values, RaggedTensor) and not self.values._row_partition.is_uniform()

    def length(self):
        """The one length of all rows."""
        if isinstance(self.values, RaggedTensor):
            return self.values._row_partition.uniform_row_length()
        return _extent(self.values, 1, self.kind)

    def partition(self):
        """The row partition of the selected rows."""
        if self._partition is None:
            own = self.values._row_partition
            if self.rows is not None:
                lengths = raw.GatherV2(params=own.row_lengths(), indices=self.rows, axis=0)
                own = RowPartition.from_row_lengths(lengths, validate=False)
            self._partition = own
        return self._partition

    def select_rows(self, count):
        """Repeats a single row `count` times."""
        mine = self.count()
        known = get_static_value(mine), get_static_value(count)
        if mine is count or (known[0] is not None and known[0] == known[1]):
            return
        numbers = raw.Range(start=scalar(0, self.kind), limit=count, delta=scalar(1, self.kind))
        self.rows = numbers * _unless_one(mine)

    def enter(self, partition):
        """Selects the values of the rows, cut as `partition` says."""
        own = self.values._row_partition if isinstance(self.values, RaggedTensor) else None
        if partition is not own or self.rows is not None:
            self._select_values(partition, own)
        self._partition = None
        if own is None:
            shape = raw.Shape(input=self.values, out_type=self.kind)
            count = raw.Reshape(tensor=shape[0] * shape[1], shape=[1])
            inner = raw.ConcatV2(values=[count, shape[2:]], axis=0)
            self.values = raw.Reshape(tensor=self.values, shape=inner)
        else:
            self.values = self.values.values

    def _select_values(self, partition, own):
        rows = partition.value_rowids()
        if self.rows is not None:
            rows = raw.GatherV2(params=self.rows, indices=rows, axis=0)
        if self.is_ragged():
            starts = raw.GatherV2(params=own.row_starts(), indices=rows, axis=0)
            self.rows = starts + partition.offsets_in_rows()
        elif get_static_value(length := self.length()) == 1:
            self.rows = rows
        else:
            self.rows = rows * length + partition.offsets_in_rows() * _unless_one(length)

    def flat_values(self):
        """The values of the result's innermost rows."""
        if self.rows is None:
            return self.values
        return raw.GatherV2(params=self.values, indices=self.rows, axis=0)


def _extent(x, axis, kind):
    known = x.shape[axis]
    if known is not None:
        return convert_to_tensor(scalar(known, kind))
    if isinstance(x, RaggedTensor):
        return cast(x.nrows(), kind)
    return raw.Shape(input=x, out_type=kind)[axis]


def _unless_one(length):
    """1, or 0 if the length is 1: the step along an axis that is broadcast from a single entry."""
    return cast(raw.NotEqual(x=length, y=scalar(1, length.dtype)), length.dtype)
