"""`tensorflow.python.ops.functional_ops`: conditions and loops over functions made by Defun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.control.conditionals import cond as choose
from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.gradients import gradients
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN
from penstock._src.graph.operation import Operation


def _results(function: Any, arguments: Sequence[Any]) -> list[Any]:
    """Returns the results of a function as a list."""
    found = function(*arguments)
    if found is None or isinstance(found, Operation):
        return []
    return list(found) if isinstance(found, list | tuple) else [found]


def If(
    cond: Any, inputs: Sequence[Any], then_branch: Any, else_branch: Any, name: str | None = None
) -> list[Any]:
    """Returns the results of one of two functions of `inputs`."""
    cond = convert_to_tensor(cond)
    if cond.dtype is not dtypes.bool_:
        cond = raw.NotEqual(x=cond, y=raw.ZerosLike(x=cond))
    return choose(
        cond, lambda: _results(then_branch, inputs), lambda: _results(else_branch, inputs), name
    )


def While(
    input_: Sequence[Any], cond: Any, body: Any, name: str | None = None, hostmem: Any = None
) -> list[Any]:
    """Returns variables after `body` has been applied as long as `cond` holds.

    Raises:
      ValueError: the condition uses tensors that are not among its arguments.
    """
    del hostmem
    if cond.captured_inputs:
        raise ValueError(f"The 'cond' argument cannot use captured inputs. Received {cond.name}.")
    start = [convert_to_tensor(value) for value in input_]
    found = while_loop(
        lambda *values: _results(cond, values)[0],
        lambda *values: _results(body, values),
        start,
        shape_invariants=[UNKNOWN] * len(start),
    )
    # The loop's own outputs begin with its counter: whoever fetches by name means the variables.
    return list(raw.IdentityN(input=found, name=name or "While"))


def For(
    start: Any,
    limit: Any,
    delta: Any,
    inputs: Sequence[Any],
    body: Any,
    name: str | None = None,
    hostmem: Any = None,
    rewrite_with_while: bool | None = None,
) -> list[Any]:
    """Returns variables after `body(i, *variables)` for the numbers from `start` to `limit`."""
    del hostmem, rewrite_with_while
    limit, delta = convert_to_tensor(limit), convert_to_tensor(delta)

    def proceed(i: Any, *_: Any) -> Any:
        upwards = raw.LogicalAnd(x=raw.Greater(x=delta, y=0), y=raw.Less(x=i, y=limit))
        downwards = raw.LogicalAnd(x=raw.Less(x=delta, y=0), y=raw.Greater(x=i, y=limit))
        return raw.LogicalOr(x=upwards, y=downwards)

    variables = [convert_to_tensor(value) for value in (start, *inputs)]
    _, *found = while_loop(
        proceed,
        lambda i, *values: [i + delta, *_results(body, [i, *values])],
        variables,
        shape_invariants=[variables[0].shape, *(UNKNOWN for _ in inputs)],
        name=name or "For",
    )
    return found


def Gradient(inputs: Sequence[Any], f: Any, name: str | None = None) -> list[Any]:
    """Returns the gradients of a function's results with respect to its arguments.

    Args:
      inputs: the arguments, then a gradient for each result.
      f: the function.
      name: a scope for the operations.
    """
    count = len(f.declared_input_types)
    arguments = [convert_to_tensor(value) for value in inputs[:count]]
    return gradients(_results(f, arguments), arguments, list(inputs[count:]), name or "gradients")
