"""Elementwise functions of two ragged or dense tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.ragged.dynamic_shape import DynamicRaggedShape
from penstock._src.api.ragged.ragged_tensor import RaggedTensor, ragged_of_value
from penstock._src.core.convert import convert_to_tensor

from .broadcasting import broadcast_shapes


def elementwise(op: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Returns a function of flat values applied to two ragged or dense tensors.

    Raises:
      ValueError, InvalidArgumentError: as `broadcast_shapes`.
    """
    x = _converted(x, ragged_of_value(y))
    y = _converted(y, x)
    if not _needs_broadcasting(x, y):
        result = op(_values(x), _values(y))
        if isinstance(result, bool):
            return result
        return (x if isinstance(x, RaggedTensor) else y).with_flat_values(result)
    shapes = _shapes(x, y)
    partitions = [shape.row_partitions for shape in shapes]
    if len(partitions[0]) == len(partitions[1]) and all(
        mine is theirs for mine, theirs in zip(*partitions)
    ):
        return shapes[0]._add_row_partitions(op(_values(x), _values(y)))
    shape, from_x, from_y = broadcast_shapes(*shapes)
    flat = op(
        from_x.broadcast_flat_values(x, inner_dimensions=False),
        from_y.broadcast_flat_values(y, inner_dimensions=False),
    )
    return shape._add_row_partitions(flat, validate=True)


def _converted(value: Any, other: Any) -> Any:
    value = ragged_of_value(value)
    if isinstance(value, RaggedTensor):
        return value
    return convert_to_tensor(value, dtype_hint=getattr(other, "dtype", None))


def _values(x: Any) -> Any:
    return x.flat_values if isinstance(x, RaggedTensor) else x


def _needs_broadcasting(x: Any, y: Any) -> bool:
    """True if both operands are ragged, or a dense operand has as many axes as the other's flat values."""
    if isinstance(x, RaggedTensor) and isinstance(y, RaggedTensor):
        return True
    ragged, dense = (x, y) if isinstance(x, RaggedTensor) else (y, x)
    return bool(ragged.flat_values.shape.rank <= dense.shape.rank)


def _shapes(x: Any, y: Any) -> list[DynamicRaggedShape]:
    kinds = {t.row_splits.dtype for t in (x, y) if isinstance(t, RaggedTensor)}
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    return [DynamicRaggedShape.from_tensor(t, dtype=kind) for t in (x, y)]
