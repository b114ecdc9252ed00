"""Wrappers around the body of a converted function: `tensorflow.python.autograph.core.function_wrappers`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.bridge.python.framework.auto_control_deps import AutomaticControlDependencies
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.dispatch import executing_eagerly, in_v1_graph
from penstock._src.core.tensor import Tensor
from penstock._src.function.autograph.undefined import UndefinedReturnValue
from penstock._src.util import nest

from .converter import STANDARD_OPTIONS, ConversionOptions, Feature


class FunctionScope:
    """A context around a function's body, as the options require: a name scope, and in graphs of sessions the order of effects.

    Graphs of functions keep that order by themselves.

    Args:
      function_name: of the function, for the name scope.
      scope_name: the variable in which the code has this scope.
      options: the options of the conversion.
    """

    def __init__(
        self, function_name: str | None, scope_name: str | None, options: ConversionOptions
    ) -> None:
        self.name, self.options = scope_name, options
        self.callopts = options.call_options()
        self._function_name = function_name or "fn"
        self._contexts = ExitStack()
        self._effects: AutomaticControlDependencies | None = None

    def __enter__(self) -> FunctionScope:
        if self.options.uses(Feature.NAME_SCOPES) and not executing_eagerly():
            self._contexts.enter_context(name_scope(self._function_name.lstrip("_") or "fn"))
        if self.options.uses(Feature.AUTO_CONTROL_DEPS) and in_v1_graph():
            self._effects = self._contexts.enter_context(AutomaticControlDependencies())
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.__exit__(*error)

    def ret(self, value: Any, did_return: bool) -> Any:
        """Returns the result of the body: None if it did not return, else values that come after all effects."""
        del did_return
        if isinstance(value, UndefinedReturnValue):
            return None
        return value if self._effects is None else _after(self._effects, value)


def _after(effects: AutomaticControlDependencies, value: Any) -> Any:
    """The tensors of a result after all effects; other values unchanged."""

    def marked(leaf: Any) -> Any:
        is_result = isinstance(leaf, Tensor | TensorArray | CompositeTensor)
        return effects.mark_as_return(leaf) if is_result else leaf

    return nest.map_structure(marked, value)


def with_function_scope(
    thunk: Callable[[FunctionScope], Any], scope_name: str, options: Any = None
) -> Any:
    """Returns `thunk(scope)`, in a new scope."""
    with FunctionScope("lambda_", scope_name, options or STANDARD_OPTIONS) as scope:
        return thunk(scope)
