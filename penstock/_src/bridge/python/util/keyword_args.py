"""Functions that take keyword arguments only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .decorator_utils import validate_callable


def keyword_args_only(func: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function refuse positional arguments with a ValueError."""
    validate_callable(func, "keyword_args_only")

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args:
            raise ValueError(f"{func.__name__} only accepts keyword arguments. Received: {args}")
        return func(**kwargs)

    return call
