"""`tensorflow.python.ops.custom_gradient`: functions with gradients of their own, and the variables of such functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.custom import custom_gradient
from penstock._src.v1.variables.collections import global_variables

VAR_OP_TYPES = ["VariableV2", "VarHandleOp"]


def get_variable_by_name(var_name: str) -> Any:
    """Returns the trainable variable of the default graph whose operation has a name; None if it is not trainable.

    Raises:
      ValueError: there is none, or several.
    """
    named = [v for v in global_variables() if v.op is not None and v.op.name == var_name]
    if not named:
        raise ValueError(f"Unsuccessful at finding variable {var_name}.")
    trainable = [v for v in named if v.trainable]
    if len(trainable) > 1:
        raise ValueError(
            f"Unsuccessful at finding trainable variable {var_name}. Number of candidates: "
            f"{len(trainable)}. Candidates: {trainable}"
        )
    return trainable[0] if trainable else None


def _get_dependent_variables(input_ops: Sequence[Any], output_ops: Sequence[Any]) -> list[Any]:
    """Returns the trainable variables that gradients of outputs reach without passing an input."""
    inputs, seen, variables = {id(t) for t in input_ops}, set(), []
    waiting = [t.op for t in output_ops if id(t) not in inputs]
    while waiting:
        op = waiting.pop(0)
        if op.name in seen:
            continue
        seen.add(op.name)
        if op.type in VAR_OP_TYPES:
            variables.append(get_variable_by_name(op.name))
        elif op.raw_op.differentiable or getattr(op, "gradient_override", None) is not None:
            waiting += [t.op for t in op.inputs if id(t) not in inputs]
    return [variable for variable in variables if variable is not None]


def _graph_mode_decorator(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Returns what a function of a result and its gradient returns, with this gradient."""
    return custom_gradient(f)(*args, **kwargs)


_eager_mode_decorator = _graph_mode_decorator
