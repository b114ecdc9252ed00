"""The conversion of functions as an object: `tensorflow.python.autograph.impl.api`."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

from penstock._src.function.autograph import convert


def converted_call(
    f: Any, args: Any, kwargs: Any, caller_fn_scope: Any = None, options: Any = None
) -> Any:
    """Calls `f`, converted first if it is user code."""
    del caller_fn_scope, options
    return convert.converted_call(f, *(args or ()), **(kwargs or {}))


def call_with_unspecified_conversion_status(func: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `func`, which is converted where its caller is."""
    return func


def is_autograph_artifact(entity: Any) -> bool:
    """Whether a function was made by a conversion."""
    return hasattr(entity, "_penstock_autograph")


class PyToTF:
    """Converts functions, so that their control flow can depend on tensors. A conversion here is always whole."""

    def transform_function(
        self, fn: types.FunctionType, user_context: Any
    ) -> tuple[types.FunctionType, types.ModuleType | None, dict[Any, Any]]:
        """Returns the converted function, the module it is in, and a map from its lines: there is none, they are kept."""
        recursive = user_context.options.recursive
        return convert.convert_function(fn, recursive), sys.modules.get(fn.__module__), {}

    transform = transform_function
