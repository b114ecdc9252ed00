"""Assertions: `tensorflow.python.autograph.operators.exceptions`."""

from collections.abc import Callable
from typing import Any

from penstock._src.function.autograph.operators import assert_


def assert_stmt(expression1: Any, expression2: Callable[[], Any]) -> Any:
    """Checks `expression1`, at run time if it is a tensor; `expression2()` is the message."""
    if not callable(expression2):
        raise ValueError(f"{type(expression2)} must be a callable")
    return assert_(expression1, expression2)
