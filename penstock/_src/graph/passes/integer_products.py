"""Products of integers as sums of products of float32, which hold integers up to 2**24."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.intervals import interval
from penstock._src.graph.static_values import constant_value

_EXACT = 1 << 24
# More parts than these are better refused than written.
_MOST_PARTS = 64
_PRODUCTS = ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
_CONVOLUTIONS = ("Conv2D", "Conv3D")


def as_float_products(
    node: Operation, inputs: Sequence[SymbolicTensor]
) -> list[SymbolicTensor] | None:
    """Adds a product or a convolution of int32 as those of floats.

    Each is of so few terms that every partial sum is an integer that float32 holds; their results are added as int32.

    Args:
      node: the operation.
      inputs: the new tensors that it reads.

    Returns:
      Its result, or None if it is another operation, or its integers may be too large.
    """
    if node.type not in _PRODUCTS + _CONVOLUTIONS or node.outputs[0].dtype is not dtypes.int32:
        return None
    if any(each.dtype is not dtypes.int32 for each in inputs):
        return None
    attrs = node.raw_op.attrs
    if node.type in _PRODUCTS:
        transposed = attrs.get("transpose_a", attrs.get("adj_x"))
        other = attrs.get("transpose_b", attrs.get("adj_y"))
        axes, window = (-2 if transposed else -1, -1 if other else -2), 1
    else:
        window, axes = _window(inputs[1]), (-1, -2)
        if "NC" in str(attrs["data_format"]) or window is None:
            return None
    length = _terms_of_part(inputs, window)
    extents = {each.shape.as_list()[a] for each, a in zip(inputs, axes, strict=True)} - {None}
    total = next(iter(extents), None)
    if total is None or len(extents) > 1 or length == 0 or -(-total // length) > _MOST_PARTS:
        return None

    def product(first: Any, second: Any) -> Any:
        return getattr(raw, node.type)(first, second, **_own(attrs))

    return [_summed(inputs, axes, total, length, product)]


def _window(weights: SymbolicTensor) -> int | None:
    window = weights.shape[:-2]
    return window.num_elements() if window.is_fully_defined() else None


def _terms_of_part(inputs: Sequence[SymbolicTensor], window: int) -> int:
    """The number of rows of weights whose products float32 adds without rounding."""
    ends = [interval(each) for each in inputs]
    if ends[0] is None or ends[1] is None:
        return 0
    return int(_EXACT // (max(ends[0].largest, 1) * max(ends[1].largest, 1) * window))


def _own(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that do not follow from types."""
    return {key: value for key, value in attrs.items() if key not in ("T", "Ta", "Tb", "Tout")}


def _summed(
    inputs: Sequence[SymbolicTensor],
    axes: Sequence[int],
    total: int,
    length: int,
    product: Callable[[Any, Any], Any],
) -> Any:
    result = None
    for start in range(0, total, length):
        parts = [
            _part(each, axis, start, min(length, total - start), total)
            for each, axis in zip(inputs, axes, strict=True)
        ]
        part = raw.Cast(x=product(*parts), DstT=dtypes.int32)
        result = part if result is None else raw.AddV2(x=result, y=part)
    return result


def _part(tensor: SymbolicTensor, axis: int, start: int, length: int, total: int) -> Any:
    """Some of a tensor's rows as floats."""
    value = constant_value(tensor)
    if value is not None:
        return np.take(value, range(start, start + length), axis).astype(np.float32)
    if length != total:
        rank = len(tensor.shape.as_list())
        begin, size = np.zeros(rank, np.int32), np.full(rank, -1, np.int32)
        begin[axis], size[axis] = start, length
        tensor = raw.Slice(input=tensor, begin=begin, size=size)
    return raw.Cast(x=tensor, DstT=dtypes.float32)
