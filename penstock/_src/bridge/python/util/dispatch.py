"""Functions that take over public functions for their own types: `tensorflow.python.util.dispatch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.extending.dispatch import NOT_SUPPORTED, register_fallback
from penstock._src.util import nest


def dispatch_for_types(
    op: Callable[..., Any], *types: type
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that registers the implementation of `op` for arguments of these types."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def handle(api: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            values = nest.flatten((args, list(kwargs.values())))
            if api is not op or not any(isinstance(value, types) for value in values):
                return NOT_SUPPORTED
            return function(*args, **kwargs)

        register_fallback(handle)
        return function

    return decorate
