"""Axes of tensors whose rank may be known only when a program runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.ops.rules import rank_of, span


def of_rank(x: Any, rank: int) -> Any:
    """Returns the tensor; if its rank is not known, as a tensor of this rank, which is checked when the program runs."""
    return raw.EnsureShape(input=x, shape=[None] * rank) if x.shape.rank is None else x


def moved_axes(x: Any, sources: Sequence[int], targets: Sequence[int]) -> Any:
    """Returns the permutation that puts some axes at other positions, where the others keep their order.

    Args:
      x: a tensor.
      sources: its axes.
      targets: their positions in the result.

    Returns:
      An int32 array; a tensor if the rank is unknown.

    Raises:
      InvalidArgumentError: it has no such axis.
    """
    rank = rank_of(x)
    if isinstance(rank, int):
        first, last = ([_counted(axis, rank) for axis in axes] for axes in (sources, targets))
        order = [axis for axis in range(rank) if axis not in first]
        for target, source in sorted(zip(last, first, strict=True)):
            order.insert(target, source)
        return np.array(order, np.int32)
    first, last = (
        [raw.FloorMod(x=np.int32(a), y=rank) for a in axes] for axes in (sources, targets)
    )
    places = span(0, rank)
    others = places  # the number of axes before that one which are not among the targets, then such an axis of x
    for target in last:
        others = raw.Sub(x=others, y=_ones(raw.Greater(x=places, y=target)))
    for source in _ascending(first):
        others = raw.AddV2(x=others, y=_ones(raw.GreaterEqual(x=others, y=source)))
    for target, source in zip(last, first, strict=True):
        others = raw.SelectV2(condition=raw.Equal(x=places, y=target), t=source, e=others)
    return others


def exchanged_axes(x: Any, first: int, second: int) -> Any:
    """Returns the permutation that exchanges two axes: an int32 array, or a tensor if the rank is unknown.

    Raises:
      InvalidArgumentError: the tensor has no such axis.
    """
    return (
        moved_axes(x, [first, second], [second, first]) if first != second else span(0, rank_of(x))
    )


def extent_of(x: Any, axis: int, dtype: Any = np.int64) -> Any:
    """Returns the number of entries along an axis: a number if it is known, else a scalar tensor."""
    known = None if x.shape.rank is None else x.shape[axis]
    if known is not None:
        return dtype(known)
    at = (
        raw.FloorMod(x=np.int32(axis), y=rank_of(x))
        if x.shape.rank is None
        else np.int32(axis % x.shape.rank)
    )
    return raw.GatherV2(params=raw.Shape(input=x, out_type=dtype), indices=at, axis=0)


def _counted(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise InvalidArgumentError(f"axis = {axis} is not one of {rank} dimensions.")
    return axis % rank


def _ones(condition: Any) -> Any:
    return raw.Cast(x=condition, DstT=np.int32)


def _ascending(axes: Sequence[Any]) -> list[Any]:
    """Scalar tensors in ascending order."""
    if len(axes) == 1:
        return list(axes)
    packed = raw.Pack(values=list(axes), axis=0)
    descending = raw.TopKV2(input=packed, k=np.int32(len(axes)))[0]
    return [
        raw.StridedSlice(
            input=descending,
            begin=np.array([i], np.int32),
            end=np.array([i + 1], np.int32),
            strides=np.array([1], np.int32),
            shrink_axis_mask=1,
        )
        for i in reversed(range(len(axes)))
    ]
