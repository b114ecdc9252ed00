"""The same ragged shape laid out otherwise: with more or fewer partitions, sliced, or with axes merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.ragged.row_checks import positive_axis, scalar
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor


def product(lengths: Tensor) -> Tensor:
    """Returns the product of a vector of lengths."""
    return raw.Prod(input=lengths, axis=scalar(0, lengths.dtype))


def inner_shape_of_rank(shape: Any, rank: int) -> Tensor:
    """Returns the shape of flat values that have `rank` axes.

    Raises:
      ValueError: a rank is zero, or an axis would be ragged.
    """
    if rank == 0:
        raise ValueError("new_inner_rank cannot be zero")
    if shape.inner_rank == 0:
        raise ValueError("old inner_rank cannot be zero")
    if rank == shape.inner_rank:
        return shape.inner_shape
    if rank > shape.inner_rank:
        opened = shape.row_partitions[-(rank - shape.inner_rank) :]
        if not all(p.is_uniform() for p in opened):
            raise ValueError("Cannot get an inner shape over a ragged dimension")
        lengths = [shape._num_slices_in_dimension(-rank)]
        lengths += [p.uniform_row_length() for p in opened]
        return _joined(raw.Pack(values=lengths), shape.inner_shape[1:])
    if shape._static_inner_shape.is_fully_defined():
        known = shape._static_inner_shape.as_list()
        whole = TensorShape(known[: len(known) - rank + 1]).num_elements()
        lengths = scalar([whole, *known[len(known) - rank + 1 :]], shape.dtype)
        return convert_to_tensor(lengths)
    outer = shape._num_slices_in_dimension(-rank)
    return _joined(raw.Pack(values=[outer]), shape.inner_shape[shape.inner_rank - rank + 1 :])


def _joined(*parts: Any) -> Tensor:
    return raw.ConcatV2(values=list(parts), axis=0)


def with_partitions(shape: Any, count: int) -> Any:
    """Returns the shape with this number of partitions.

    Raises:
      ValueError: the number is impossible, or an axis would have to be uniform that is not.
    """
    rank, present = shape.rank, shape.num_row_partitions
    if rank is None:
        raise ValueError("Rank must be known to adjust num_row_partitions")
    if not isinstance(count, int):
        raise ValueError("num_row_partitions must be an int")
    if count < 0:
        raise ValueError("num_row_partitions must be nonnegative")
    if count == present:
        return shape
    if count >= rank:
        raise ValueError("num_row_partitions must be less than rank")
    partitions = list(shape.row_partitions[:count])
    rows = shape._inner_length(0) if count > present else None
    for axis in range(1, count - present + 1):
        length = shape._inner_length(axis)
        partitions.append(
            RowPartition.from_uniform_row_length(length, nrows=rows, dtype=shape.dtype)
        )
        rows = rows * length  # type: ignore[operator]
    return type(shape)(partitions, inner_shape_of_rank(shape, rank - count))


def first_axes(shape: Any, stop: int) -> Any:
    """Returns the shape of the first `stop` axes; `stop` is positive."""
    count, rank = shape.num_row_partitions, shape.rank
    if stop == 1 and count:
        lengths = raw.Pack(values=[shape.row_partitions[0].nrows()])
        return type(shape)([], lengths, dtypes.int64)
    if stop <= count:
        return type(shape).from_row_partitions(shape.row_partitions[: stop - 1])
    if rank is not None and rank <= stop:
        return shape
    known = None if rank is None else shape._static_inner_shape[: stop - count]
    return type(shape)(
        shape.row_partitions, shape.inner_shape[: stop - count], static_inner_shape=known
    )


def axes_between(shape: Any, start: int, stop: int) -> Any:
    """Returns the shape of some axes, which are uniform unless they begin with the first.

    Raises:
      ValueError: they are not.
      NotImplementedError: the rank is unknown.
    """
    if stop <= start:
        return type(shape)([], [])
    outer = shape if shape.rank is not None and stop >= shape.rank else first_axes(shape, stop)
    if start == 0:
        return outer
    if not all(p.is_uniform() for p in outer.row_partitions):
        raise ValueError("All relevant dimensions must be uniform")
    if outer.rank is None:
        raise NotImplementedError("__getitem__[start:stop] where start > 0 not implemented")
    return type(shape)([], with_partitions(outer, 0).inner_shape[start:])


def bounds(key: slice, rank: int | None, partitions: int) -> tuple[int, int]:
    """Returns the axes at which a slice begins and ends.

    Raises:
      IndexError: it has a step.
      ValueError: it takes the rank, which is unknown.
    """
    if key.step not in (None, 1):
        raise IndexError("Cannot stride through a shape")
    start, stop = 0 if key.start is None else key.start, key.stop
    if rank is None and (start < 0 or (stop is not None and stop < 0)):
        raise ValueError("Rank must be known to use __getitem__ on a negative index.")
    if rank is None and start > (partitions + 1 if partitions else 0):
        raise ValueError("Rank must be known to use __getitem__ on a large index.")
    if rank is None and stop is None:
        raise ValueError("Rank must be known to use __getitem__ without a stop.")
    if rank is None:
        return start, stop
    return slice(start, stop).indices(rank)[:2]


def merged_axes(shape: Any, outer_axis: int, inner_axis: int) -> Any:
    """Returns the shape with the axes from `outer_axis` to `inner_axis` made one.

    Raises:
      ValueError: there are no such axes, or the rank must be known.
    """
    rank, count = shape.rank, shape.num_row_partitions
    outer = positive_axis(outer_axis, rank, "outer_axis", "rank(self)")
    inner = positive_axis(inner_axis, rank, "inner_axis", "rank(self)")
    if outer > inner:
        raise ValueError(
            f"Expected outer_axis ({outer}) to be less than or equal to inner_axis ({inner})."
        )
    if outer == inner:
        return shape
    kind, partitions = type(shape), shape.row_partitions
    if count and inner <= count:
        merged = partitions[inner:]
        if outer:
            merged = (
                *partitions[: outer - 1],
                _merged_rows(partitions[outer - 1 : inner]),
                *merged,
            )
        known = shape._static_inner_shape
        return kind(merged, shape.inner_shape, shape.dtype, static_inner_shape=known)
    if not count or outer > count:
        lengths, known = _merged_lengths(shape, outer - count, inner - count)
        return kind(partitions, lengths, shape.dtype, static_inner_shape=known)
    if rank is None:
        raise ValueError(
            "Cannot merge_dims of the inner shape if the dimension of inner_shape is unknown"
        )
    lengths = inner_shape_of_rank(shape, rank - inner)
    if outer == 0:
        return kind([], lengths)
    each = product(shape.inner_shape[1 : inner - count + 1])
    splits = _merged_rows(partitions[outer - 1 :]).row_splits() * each
    return kind([*partitions[: outer - 1], RowPartition.from_row_splits(splits)], lengths)


def _merged_rows(partitions: Sequence[RowPartition]) -> RowPartition:
    """The rows of the first partition, as rows of the values of the last one."""
    splits = partitions[0].row_splits()
    for partition in partitions[1:]:
        splits = raw.GatherV2(params=partition.row_splits(), indices=splits, axis=0)
    return RowPartition.from_row_splits(splits)


def _merged_lengths(shape: Any, outer: int, inner: int) -> tuple[Tensor, TensorShape]:
    lengths, known = shape.inner_shape, shape._static_inner_shape
    one = raw.Pack(values=[product(lengths[outer : inner + 1])])
    size = TensorShape([known[outer : inner + 1].num_elements()])
    return (
        _joined(lengths[:outer], one, lengths[inner + 1 :]),
        known[:outer].concatenate(size).concatenate(known[inner + 1 :]),
    )
