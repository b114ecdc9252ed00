"""The gradients of composite tensors, which a class defines as `__composite_gradient__`."""

import abc
from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.composite import gradient_tensors, with_gradients


class CompositeTensorGradient(abc.ABC):
    """Names the parts of a value to differentiate, and makes a value of their gradients."""

    @abc.abstractmethod
    def get_gradient_components(self, value: Any) -> Any:
        """Returns the parts of `value` that have gradients, as a structure."""

    @abc.abstractmethod
    def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
        """Returns `value` with gradients instead of those parts."""


class WithValuesCompositeTensorGradient(CompositeTensorGradient):
    """Those of classes with `values` and `with_values`."""

    def get_gradient_components(self, value: Any) -> Any:
        """Returns the values."""
        return value.values

    def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
        """Returns `value` with the gradients as its values."""
        return value.with_values(component_grads)


def get_flat_tensors_for_gradients(xs: Sequence[Any]) -> list[Any]:
    """Returns the tensors to differentiate of tensors and composite tensors."""
    return [tensor for x in xs for tensor in gradient_tensors(x)]


def replace_flat_tensors_for_gradients(xs: Sequence[Any], flat_grads: Sequence[Any]) -> list[Any]:
    """Returns the values with the gradients in place of their tensors; None for what depends on nothing."""
    gradients = iter(flat_grads)
    return [with_gradients(x, gradients) for x in xs]
