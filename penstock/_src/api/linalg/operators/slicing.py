"""Slices of an operator's batch axes: an operator of the same class with sliced arguments.

An argument may have fewer batch axes than the operator, or axes of one element, which are repeated. It keeps them: a slice of an axis of
one element is that element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import is_tensor_like
from penstock._src.core.registry import raw
from penstock._src.graph.static_values import get_static_value

from . import shapes


def sliced(operator: Any, slices: Any, overrides: dict[str, Any] | None = None) -> Any:
    """Return the operator with each argument sliced along its batch axes."""
    slices = tuple(slices) if isinstance(slices, (tuple, list)) else (slices,)
    arguments = dict(operator.parameters)
    if len(slices) != 1 or slices[0] is not Ellipsis:
        batch = operator._shape_vector()[:-2]
        for name, axes in operator._experimental_parameter_ndims_to_matrix_ndims.items():
            value = _argument(operator, name)
            if value is not None:
                arguments[name] = _each(sliced_argument, value, axes, slices, batch)
    return type(operator)(**{**arguments, **(overrides or {})})


def sliced_argument(argument: Any, axes: int, slices: Sequence[Any], batch: Any) -> Any:
    """Returns an argument of an operator with the batch shape `batch`, sliced.

    Args:
      argument: a tensor or an operator.
      axes: the number of its last axes that belong to one matrix.
      slices: what `[]` was given.
      batch: the vector of the operator's batch shape.
    """
    argument = _with_batch_axes(argument, axes, _length(batch))
    have = _batch_vector(argument)
    have = have[:-axes] if axes else have
    if _is_zero(_length(have)) and not _is_zero(_length(batch)):
        return argument  # an operator without arguments that could have a batch
    own = _within(slices, batch, have)
    if axes > 0:
        if not any(s is Ellipsis for s in slices):
            own.append(Ellipsis)
        own += [slice(None)] * axes
    return argument[tuple(own)]


def _each(function: Any, value: Any, axes: Any, *rest: Any) -> Any:
    """Applies a function to an argument, or to each of a list of arguments."""
    if isinstance(value, (list, tuple)):
        counts = axes if isinstance(axes, (list, tuple)) else [axes] * len(value)
        return [_each(function, v, a, *rest) for v, a in zip(value, counts)]
    return function(value, axes, *rest)


def _argument(operator: Any, name: str) -> Any:
    """The current value of an argument, converted."""
    parameter = operator.parameters.get(name)
    return getattr(operator, "_" + name, getattr(operator, name, parameter))


def _batch_vector(value: Any) -> Any:
    return value._shape_vector()[:-2] if hasattr(value, "matmul") else shapes.vector(value)


def _length(vector: Any) -> Any:
    """The number of elements of a vector: a tensor if it is not static."""
    if isinstance(vector, np.ndarray):
        return len(vector)
    known = vector.shape[0] if vector.shape.rank is not None else None
    return raw.Size(input=vector) if known is None else known


def _is_zero(count: Any) -> bool:
    return isinstance(count, int) and count == 0


def _with_batch_axes(argument: Any, axes: int, count: Any) -> Any:
    """`argument` with `count` batch axes, by more axes of one element in front."""
    if hasattr(argument, "matmul"):
        arguments = dict(argument.parameters)
        for name, own in argument._experimental_parameter_ndims_to_matrix_ndims.items():
            value = _argument(argument, name)
            if value is not None:
                arguments[name] = _each(_with_batch_axes, value, own, count)
        return type(argument)(**arguments)
    argument = shapes.read(argument)
    if isinstance(count, int):
        if argument.shape.rank is not None and argument.shape.rank >= count + axes:
            return argument
        ones: Any = np.ones([count + axes], np.int32)
    else:
        ones = raw.Fill(dims=raw.ExpandDims(input=count + axes, axis=0), value=np.int32(1))
    target = shapes.broadcast_vectors(ones, shapes.vector(argument))
    return raw.BroadcastTo(input=argument, shape=target)


def _within(slices: Sequence[Any], batch: Any, have: Any) -> list[Any]:
    """Return the slices that select the same entries from an argument with batch shape `have` instead of `batch`."""
    result: list[Any] = []
    axis = 0
    for position, part in enumerate(slices):
        if part is Ellipsis:
            if axis < 0:
                raise ValueError(f"Found multiple `...` in slices {slices}")
            axis = -sum(later is not None for later in slices[position + 1 :])
        elif part is not None:
            repeated = _is_less(have[axis], batch[axis])
            if isinstance(part, slice):
                part = slice(
                    _unless(repeated, 0, part.start),
                    _unless(repeated, 1, part.stop),
                    _unless(repeated, 1, part.step),
                )
            else:
                part = _unless(repeated, 0, part)
            axis += 1
        result.append(part)
    return result


def _is_less(a: Any, b: Any) -> Any:
    """True if a size is less than another: a Python bool if both are static, else a bool tensor."""
    known = [get_static_value(x) if is_tensor_like(x) else x for x in (a, b)]
    if None not in known:
        return bool(known[0] < known[1])
    return raw.Less(x=a, y=b)


def _unless(repeated: Any, one: int, part: Any) -> Any:
    """`part`, or `one` for an axis of one element that is repeated."""
    if part is None or repeated is False:
        return part
    if repeated is True:
        return one
    return raw.SelectV2(condition=repeated, t=np.int32(one), e=shapes.as_int32(part))
