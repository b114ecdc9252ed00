"""The gradient that a user gives for an op: a function of the inputs, the results and the gradient of each result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.shapes import TensorShape
from penstock._src.custom_ops.parameters import Parameters


class GivenGradient:
    """Calls a gradient function and checks what it returns.

    Args:
      parameters: of the op.
      function: (*inputs, *results, *gradients of results) -> a gradient, or None, for each input. It gets those attributes of the
        op that it has as keyword-only parameters.
    """

    def __init__(self, parameters: Parameters, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(
                f"{parameters.op}: gradient: expected a function. Received {function!r}."
            )
        self.parameters, self.function = parameters, function
        declared = list(inspect.signature(function).parameters.values())
        self.attributes = [p.name for p in declared if p.kind is p.KEYWORD_ONLY]
        self.positional = [
            p for p in declared if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        self.is_variadic = any(p.kind is p.VAR_POSITIONAL for p in declared)
        unknown = set(self.attributes) - set(parameters.attributes)
        if unknown:
            raise TypeError(
                f"{parameters.op}: its gradient takes {', '.join(sorted(unknown))}, which is not an attribute of the op."
            )

    def check_results(self, count: int) -> None:
        """Refuses a gradient function that cannot take its arguments.

        Args:
          count: of the op's results.

        Raises:
          TypeError: it takes another number of them.
        """
        wanted = len(self.parameters.inputs) + 2 * count
        if not self.is_variadic and len(self.positional) != wanted:
            inputs = ", ".join(self.parameters.inputs)
            raise TypeError(
                f"{self.parameters.op}: its gradient must take {wanted} tensors: the inputs ({inputs}), {count} "
                f"results, and a gradient for each result. It takes {len(self.positional)}."
            )

    def __call__(
        self, inputs: Sequence[Any], rest: Sequence[Any], attributes: dict[str, Any]
    ) -> list[Any]:
        """Returns the gradient of each input.

        Args:
          inputs: the op's; None for those that tapes have not kept.
          rest: its results, then their gradients.
          attributes: of the op.

        Raises:
          TypeError or ValueError: it returns another number of gradients, or one of another dtype or shape than its input.
        """
        named = {name: attributes[name] for name in self.attributes}
        returned = self.function(*inputs, *rest, **named)
        gradients = list(returned) if isinstance(returned, list | tuple) else [returned]
        names = self.parameters.inputs
        if len(gradients) != len(names):
            raise ValueError(
                f"{self.parameters.op}: its gradient must return {len(names)} gradients, one for each of "
                f"{', '.join(names)}. It returned {len(gradients)}."
            )
        return [
            gradient
            if gradient is None or tensor is None
            else self._checked(name, tensor, gradient)
            for name, tensor, gradient in zip(names, inputs, gradients, strict=True)
        ]

    def _checked(self, name: str, tensor: Any, gradient: Any) -> Any:
        converted = convert_to_tensor(gradient, dtype_hint=tensor.dtype)
        if converted.dtype != tensor.dtype:
            raise TypeError(
                f"{self.parameters.op}: the gradient of '{name}' must be {tensor.dtype.name}. It is {converted.dtype.name}."
            )
        if not TensorShape(converted.shape).is_compatible_with(tensor.shape):
            raise ValueError(
                f"{self.parameters.op}: the gradient of '{name}' must have its shape {tensor.shape}. It has {converted.shape}."
            )
        return converted
