"""Ops of Python functions over tensors: a traced function with a derived or given gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.autodiff.custom import custom_gradient
from penstock._src.core.tensor import Tensor
from penstock._src.custom_ops.gradients import GivenGradient
from penstock._src.custom_ops.parameters import Parameters
from penstock._src.function.function import function as traced


def call_of(
    parameters: Parameters, function: Callable[..., Any], gradient: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Returns the kernel of an op of a function of tensors: inputs and attributes -> results.

    Args:
      parameters: of the op.
      function: of tensors, composed of other ops.
      gradient: None for the derived one.
    """
    inner = traced(function)
    user_gradient = GivenGradient(parameters, gradient) if gradient is not None else None

    def call(inputs: list[Any], attributes: dict[str, Any]) -> Any:
        tensors = parameters.tensors(inputs, composites=user_gradient is None)
        if user_gradient is None:
            return inner(*tensors, **attributes)
        return custom_gradient(lambda *xs: _with_gradient(inner, user_gradient, xs, attributes))(
            *tensors
        )

    return call


def _with_gradient(
    inner: Callable[..., Any], gradient: GivenGradient, inputs: Any, attributes: dict[str, Any]
) -> tuple[Any, Callable[..., Any]]:
    results = inner(*inputs, **attributes)
    flat = [results] if isinstance(results, Tensor) else list(results)
    gradient.check_results(len(flat))

    def backward(*gradients: Any) -> list[Any]:
        return gradient(inputs, [*flat, *gradients], attributes)

    return results, backward
