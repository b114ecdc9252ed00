"""Calling the functions that dataset ops hold."""

from collections.abc import Callable
from typing import Any


def bound(function: Any, captured: list[Any]) -> Callable[..., list[Any]]:
    """The graph function as a callable on the components of an element."""
    execute = function.executable
    if not captured:

        def call(*values: Any) -> list[Any]:
            return execute(list(values))

    else:

        def call(*values: Any) -> list[Any]:
            return execute([*values, *captured])

    return call
