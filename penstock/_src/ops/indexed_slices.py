"""Gradients that are IndexedSlices, in the gradients of ops that keep them so, as TensorFlow's do."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices, dense
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.ops.rules import ints, reshape, unbroadcast


def negative(gradient: Any) -> Any:
    """Returns the gradient, dense or sliced, with the other sign."""
    return -gradient if isinstance(gradient, IndexedSlices) else raw.Neg(gradient)


def unbroadcast_slices(gradient: Any, x: Any, other: Any) -> Any:
    """Returns the gradient of `x` from that of `x` broadcast with `other`.

    In a graph, slices stay slices if static shapes show that `x` was not broadcast. Eagerly they become dense.
    """
    if not isinstance(gradient, IndexedSlices):
        return unbroadcast(gradient, x)
    if STATE.graph is not None and is_shape_of_both(x.shape, other.shape):
        return gradient
    return unbroadcast(dense(gradient), x)


def is_shape_of_both(shape: Any, other: Any) -> bool:
    """True if static shapes show that a tensor of `shape` is not broadcast when it is combined with one of `other`."""
    if shape.rank is None or other.rank is None or shape.rank < other.rank:
        return False
    pairs = zip(reversed(shape.as_list()), reversed(other.as_list()), strict=False)
    return all(theirs == 1 or own is not None and own == theirs for own, theirs in pairs)


def split_slices(gradient: IndexedSlices, axis: int, values: Sequence[Any]) -> list[IndexedSlices]:
    """Returns the gradients of tensors that were joined along an axis, from slices of the whole."""
    if axis:
        return _split_within_rows(gradient, axis, values)
    parts = []
    start: Any = np.zeros((), gradient.indices.dtype.np)
    for value in values:
        shape = raw.Shape(value, out_type=gradient.indices.dtype)
        count = raw.StridedSlice(shape, ints([0]), ints([1]), ints([1]), shrink_axis_mask=1)
        end = raw.AddV2(start, count)
        inside = raw.LogicalAnd(
            raw.GreaterEqual(gradient.indices, start), raw.Less(gradient.indices, end)
        )
        kept = reshape(raw.Where(inside), [-1])
        rows = raw.GatherV2(gradient.values, kept, np.int32(0))
        indices = raw.GatherV2(gradient.indices, kept, np.int32(0))
        parts.append(IndexedSlices(rows, raw.Sub(indices, start), shape))
        start = end
    return parts


def _split_within_rows(
    gradient: IndexedSlices, axis: int, values: Sequence[Any]
) -> list[IndexedSlices]:
    """Splits each row; the parts have all its indices."""
    shapes = [raw.Shape(value, out_type=dtypes.int32) for value in values]
    sizes = raw.Pack(
        [
            raw.StridedSlice(s, ints([axis]), ints([axis + 1]), ints([1]), shrink_axis_mask=1)
            for s in shapes
        ]
    )
    rows = raw.SplitV(gradient.values, sizes, np.int32(axis), num_split=len(values))
    return [
        IndexedSlices(part, gradient.indices, shape)
        for part, shape in zip(rows, shapes, strict=True)
    ]
