"""`tensorflow.python.ops.functional_ops`: conditions and loops over functions made by Defun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.control.conditionals import cond as choose
from penstock._src.api.gradients import gradients
from penstock._src.autodiff.nodes import add_node
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.v1.saving.defun import Defun


def _results(function: Any, arguments: Sequence[Any]) -> list[Any]:
    """Returns the results of a function as a list."""
    results = function(*arguments)
    if results is None or isinstance(results, Operation):
        return []
    return list(results) if isinstance(results, list | tuple) else [results]


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

    Args:
      input_: the variables at the start.
      cond, body: functions of them, made by Defun.
      name: of the operation.
      hostmem: accepted; no effect.

    Raises:
      ValueError: the condition uses tensors that are not among its arguments, or the functions differ in their arguments.
    """
    del hostmem
    if cond.captured_inputs:
        raise ValueError(
            "The 'cond' argument can not have implicitly captured inputs. Received "
            f"captured_inputs: {cond.captured_inputs}"
        )
    types = cond.declared_input_types, body.declared_input_types
    if types[0] != types[1]:
        raise ValueError(
            f"The 'cond' and 'body' signatures do not match. Received: cond_input_types={types[0]}, body_input_types={types[1]}"
        )
    captured = list(body.captured_inputs)
    attrs = {
        "cond": _ignoring(cond.graph_function, captured),
        "body": _passing_on(body.graph_function, len(input_)),
        "T": tuple(body.graph_function.input_types),
    }
    node = add_node("While", [*_tensors(body, input_), *captured], attrs, name or "While")
    return list(node.outputs[: len(input_)])


def _tensors(function: Any, values: Sequence[Any]) -> list[Any]:
    """Returns the first arguments of a function as tensors of its types."""
    types = function.graph_function.input_types[: len(values)]
    return [convert_to_tensor(v, dtype) for v, dtype in zip(values, types, strict=True)]


def _ignoring(function: GraphFunction, extra: Sequence[Any]) -> GraphFunction:
    """Returns a function of further arguments, which it does not use."""
    if not extra:
        return function
    graph = function.graph
    unused = [graph.placeholder(t.dtype, t.shape, "unused") for t in extra]
    return GraphFunction(graph, [*function.inputs, *unused], name=f"{function.name}_Wrapper")


def _passing_on(function: GraphFunction, count: int) -> GraphFunction:
    """Returns a function that also returns its captures, the arguments after the first ones."""
    captures = function.inputs[count:]
    if not captures:
        return function
    outputs = [*function.outputs, *captures]
    return GraphFunction(function.graph, outputs=outputs, name=f"{function.name}_BodyWrapper")


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
    """Returns variables after `body(i, *variables)` for the numbers from `start` to `limit`.

    Args:
      start, limit, delta: int32 scalars.
      inputs: the variables at the start.
      body: a function made by Defun.
      name: of the operation.
      hostmem: accepted; no effect.
      rewrite_with_while: whether a While does it, which has gradients.
    """
    del hostmem
    if rewrite_with_while:
        return _for_by_while(start, limit, delta, inputs, body, name)
    captured = list(body.captured_inputs)
    counts = [convert_to_tensor(value, dtypes.int32) for value in (start, limit, delta)]
    variables = _tensors(body, [0, *inputs])[1:]
    attrs = {
        "body": _passing_on(body.graph_function, 1 + len(inputs)),
        "T": tuple(body.graph_function.input_types[1:]),
    }
    node = add_node("For", [*counts, *variables, *captured], attrs, name or "For")
    return list(node.outputs[: len(inputs)])


def _for_by_while(
    start: Any, limit: Any, delta: Any, inputs: Sequence[Any], body: Any, name: str | None
) -> list[Any]:
    start, limit, delta = (convert_to_tensor(v, dtypes.int32) for v in (start, limit, delta))
    size = raw.Abs(x=delta)
    count = raw.FloorDiv(x=raw.Abs(x=limit - start) + size - 1, y=size)
    types = [dtypes.int32] * 4 + list(body.declared_input_types[1:])

    def proceed(i: Any, n: Any, *rest: Any) -> Any:
        return i < n

    def iteration(i: Any, n: Any, first: Any, step: Any, *values: Any) -> tuple[Any, ...]:
        return (i + 1, n, first, step, *_results(body, [first + i * step, *values]))

    cond, step = (
        Defun(*types, func_name=f"{body.name}_{part}")(function)
        for part, function in (("Cond", proceed), ("Body", iteration))
    )
    return While([0, count, start, delta, *inputs], cond, step, name=name)[4:]


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
