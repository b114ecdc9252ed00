"""`tensorflow.python.ops.control_flow_ops`: what runs after what, and the nodes of TensorFlow 1's conditions and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.array.shaping import identity
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.bridge.internals.control_flow_contexts import (
    CondContext,
    ControlFlowContext,
    WhileContext,
    XLAControlFlowContext,
)
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest
from penstock._src.v1.graphs.devices import colocate_with

__all__ = ["CondContext", "ControlFlowContext", "WhileContext", "XLAControlFlowContext"]


def with_dependencies(
    dependencies: Sequence[Any], output_tensor: Any, name: str | None = None
) -> Any:
    """Returns a copy of a tensor, or composite, that is computed after the dependencies."""
    with control_dependencies(dependencies), colocate_with(output_tensor):
        return nest.map_structure(
            lambda tensor: identity(tensor, name=name), output_tensor, expand_composites=True
        )


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    """Returns a tensor or composite made of what a function returns for the tensor or its components."""
    if not nest.is_composite(value):
        return function(_converted(value))
    return nest.map_structure(function, value, expand_composites=True)


def _converted(value: Any) -> Any:
    is_given = isinstance(value, Tensor) or nest.is_composite(value)
    return value if is_given else convert_to_tensor(value)


def _Identity(tensor: Any, name: str | None = None) -> Any:
    return _each(lambda part: raw.Identity(input=part, name=name), tensor)


def _NextIteration(tensor: Any, name: str | None = None) -> Any:
    return _each(lambda part: raw.NextIteration(data=part, name=name), tensor)


def _Enter(
    tensor: Any,
    frame_name: str,
    is_constant: bool = False,
    parallel_iterations: int = 10,
    use_ref: bool = True,
    use_input_shape: bool = True,
    name: str | None = None,
) -> Any:
    """Brings a tensor, or composite, into a loop."""
    del use_ref

    def entered(part: Any) -> Any:
        entered = raw.Enter(
            data=part,
            frame_name=frame_name,
            is_constant=is_constant,
            parallel_iterations=parallel_iterations,
            name=name,
        )
        if use_input_shape:
            entered.set_shape(part.shape)
        return entered

    return _each(entered, tensor)


def exit(tensor: Any, name: str | None = None) -> Any:
    """Brings a tensor, or composite, out of its loop."""
    return _each(lambda part: raw.Exit(data=part, name=name), tensor)


def switch(data: Any, pred: Any, dtype: Any = None, name: str | None = None) -> tuple[Any, Any]:
    """Returns a tensor, or composite, for the case that a condition does not hold, and for the case that it does."""
    if not isinstance(data, Tensor) and not nest.is_composite(data):
        data = convert_to_tensor(data, dtype)
    pred = convert_to_tensor(pred)
    if not nest.is_composite(data):
        return raw.Switch(data=data, pred=pred, name=name)
    parts = nest.flatten(data, expand_composites=True)
    pairs = [raw.Switch(data=part, pred=pred, name=name) for part in parts]
    no, yes = (
        nest.pack_sequence_as(data, list(column), expand_composites=True)
        for column in zip(*pairs, strict=True)
    )
    return no, yes


def _SwitchRefOrTensor(data: Any, pred: Any, name: str = "Switch") -> tuple[Any, Any]:
    with colocate_with(data, ignore_existing=True):
        return switch(data, pred, name=name)


def merge(inputs: Sequence[Any], name: str | None = None) -> Any:
    """Returns whichever of the inputs is computed, and its position.

    Args:
      inputs: tensors, composites of one class, or slices and tensors.

    Raises:
      ValueError: one is None.
    """
    if any(value is None for value in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    values = [_converted(value) for value in inputs]
    if not any(nest.is_composite(value) for value in values):
        return raw.Merge(inputs=values, name=name)
    if any(isinstance(value, IndexedSlices) for value in values):
        values = [_as_slices(value) for value in values]
    columns = zip(*(nest.flatten(v, expand_composites=True) for v in values), strict=True)
    merged = [raw.Merge(inputs=list(column), name=name) for column in columns]
    parts = [pair[0] for pair in merged]
    return nest.pack_sequence_as(values[0], parts, expand_composites=True), merged[0][1]


def _as_slices(value: Any) -> IndexedSlices:
    """Returns a tensor as the slices of all its rows; slices as they are."""
    if isinstance(value, IndexedSlices):
        return value
    shape = raw.Shape(input=value)
    count = raw.Gather(params=shape, indices=convert_to_tensor(0))
    return IndexedSlices(value, raw.Range(start=0, limit=count, delta=1), shape)
