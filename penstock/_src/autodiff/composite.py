"""Gradients of composite tensors: a value names the tensors to differentiate, and is made again of their gradients.

`__composite_gradient__` of a class does both. A component may be a composite tensor itself.
"""

from collections.abc import Iterator
from typing import Any

from penstock._src.core.composite import CompositeTensor, IndexedSlices
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest


def gradient_tensors(value: Any) -> list[Any]:
    """Returns the differentiable tensors of a value; for a variable, its handle.

    Raises:
      ValueError: a composite tensor does not declare any.
    """
    if isinstance(value, Tensor):
        return [value]
    if hasattr(value, "handle"):
        return [value.handle]
    if hasattr(value, "with_flat_values"):
        return [value.flat_values]
    if not isinstance(value, CompositeTensor) or isinstance(value, IndexedSlices):
        return [value]
    protocol = getattr(value, "__composite_gradient__", None)
    if protocol is None:
        raise ValueError(
            f"Type {type(value).__name__} is not supported as a gradient source or gradient target."
        )
    parts = nest.flatten(protocol.get_gradient_components(value))
    return [t for part in parts for t in gradient_tensors(part)]


def with_gradients(value: Any, gradients: Iterator[Any]) -> Any:
    """Returns a value with its tensors replaced by the next gradients; None if all of these are None."""
    if isinstance(value, Tensor) or not isinstance(value, CompositeTensor):
        return next(gradients)
    if isinstance(value, IndexedSlices) or hasattr(value, "handle"):
        return next(gradients)
    if hasattr(value, "with_flat_values"):
        gradient = next(gradients)
        return None if gradient is None else value.with_flat_values(gradient)
    protocol = value.__composite_gradient__  # type: ignore[attr-defined]  # an optional attribute
    components = protocol.get_gradient_components(value)
    parts = nest.map_structure(lambda part: with_gradients(part, gradients), components)
    return None if parts is None else protocol.replace_gradient_components(value, parts)
