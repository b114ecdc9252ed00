"""The value of `tf.experimental.Optional`: an element, or the absence of one."""

from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.data.iteration.resume import Element
from penstock._src.ops.rules import show


def _zeros(component: Any) -> Any:
    if not isinstance(component, np.ndarray):
        return component.zeros_like()
    if component.dtype.hasobject:
        raise InvalidArgumentError("Trying to compute zeros_like for unsupported dtype string")
    return np.zeros_like(component)


def _sum(first: Any, second: Any) -> Any:
    if isinstance(first, np.ndarray):
        if first.dtype != second.dtype:
            raise InvalidArgumentError(
                "Trying to add two tensors with incompatible element types. One is "
                f"{first.dtype} and the other is {second.dtype}"
            )
        if first.dtype.hasobject or first.dtype == bool:
            raise InvalidArgumentError(f"Trying to add unsupported dtype {first.dtype}")
        if first.shape != second.shape:
            raise InvalidArgumentError(
                "Trying to add two tensors with incompatible element shapes. One is "
                f"{show(first.shape)} and the other is {show(second.shape)}"
            )
        return np.add(first, second)
    return first + second


class OptionalValue:
    """An element, or the absence of one."""

    def __init__(self, components: Element | None) -> None:
        self.components = components

    def __repr__(self) -> str:
        return f"<OptionalValue {self.components!r}>"

    def zeros_like(self) -> "OptionalValue":
        """Returns an optional of zeros; an empty one if this one is empty."""
        if self.components is None:
            return OptionalValue(None)
        return OptionalValue(tuple(_zeros(component) for component in self.components))

    def __add__(self, other: Any) -> "OptionalValue":
        """Adds component by component; two empty optionals give an empty one."""
        if not isinstance(other, OptionalValue):
            return NotImplemented
        if self.components is None and other.components is None:
            return OptionalValue(None)
        if self.components is None or other.components is None:
            raise InvalidArgumentError(
                "Cannot add optionals because one has a value and the other doesn't."
            )
        if len(self.components) != len(other.components):
            raise InvalidArgumentError(
                "Cannot add optionals because they have different numbers of components."
            )
        pairs = zip(self.components, other.components, strict=True)
        return OptionalValue(tuple(_sum(first, second) for first, second in pairs))
