"""What surrounds the body of a converted function: `tensorflow.python.autograph.core.function_wrappers`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.core.dispatch import executing_eagerly

from .converter import STANDARD_OPTIONS, ConversionOptions, Feature


class FunctionScope:
    """A name scope around a function's body, if the options ask for it. Functions keep the order of effects by themselves."""

    def __init__(
        self, function_name: str | None, scope_name: str | None, options: ConversionOptions
    ) -> None:
        self.name, self.options = scope_name, options
        self.callopts = options.call_options()
        self._function_name = function_name or "fn"
        self._contexts = ExitStack()

    def __enter__(self) -> FunctionScope:
        if self.options.uses(Feature.NAME_SCOPES) and not executing_eagerly():
            self._contexts.enter_context(name_scope(self._function_name.lstrip("_") or "fn"))
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.close()

    def ret(self, value: Any, did_return: bool) -> Any:
        """Returns the result of the body."""
        del did_return
        return value


def with_function_scope(
    thunk: Callable[[FunctionScope], Any], scope_name: str, options: Any = None
) -> Any:
    """Returns `thunk(scope)`, in a new scope."""
    with FunctionScope("lambda_", scope_name, options or STANDARD_OPTIONS) as scope:
        return thunk(scope)
