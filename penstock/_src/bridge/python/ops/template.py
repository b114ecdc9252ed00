"""`tensorflow.python.ops.template`: functions that share variables."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.function.function import function
from penstock._src.v1.variables.templates import Template


def make_template_internal(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    create_graph_function_: bool = False,
    **kwargs: Any,
) -> Template:
    """`tf.compat.v1.make_template`, whose function can be one of a graph.

    Args:
      name_: the name of the scope.
      func_: what is called.
      create_scope_now_: whether the scope is created immediately.
      unique_name_: the exact name of the scope.
      custom_getter_: a custom getter for the variables.
      create_graph_function_: whether the function is traced when it is called eagerly.
      **kwargs: arguments of every call.
    """
    call = functools.partial(func_, **kwargs) if kwargs else func_
    if create_graph_function_ and STATE.graph is None:
        call = function(call, autograph=False)
    return Template(name_, call, create_scope_now_, unique_name_, custom_getter_)


def _skip_common_stack_elements(stacktrace: list[Any], base_case: list[Any]) -> list[Any]:
    """Returns the frames of a stack from where it differs from another; its innermost one if it does not."""
    for at, (frame, other) in enumerate(zip(stacktrace, base_case)):
        if frame != other:
            return stacktrace[at:]
    return stacktrace[-1:]
