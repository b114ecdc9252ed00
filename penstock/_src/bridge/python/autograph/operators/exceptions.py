"""Assertions: `tensorflow.python.autograph.operators.exceptions`."""

import inspect
from collections.abc import Callable
from typing import Any

from penstock._src.api.debugging.asserts import Assert
from penstock._src.function.autograph.builtins import is_tensor
from penstock._src.function.autograph.operators import assert_


def assert_stmt(expression1: Any, expression2: Callable[[], Any]) -> Any:
    """Checks `expression1`, at run time if it is a tensor; `expression2()` is the message, or a list of parts.

    Returns:
      The operation that checks a tensor of a graph.

    Raises:
      ValueError: `expression2` is not a function without parameters.
    """
    if not callable(expression2):
        raise ValueError(f"{expression2} must be a callable")
    names = inspect.getfullargspec(expression2)
    if names.args or names.varargs or names.varkw:
        raise ValueError(f"{expression2} may not have any arguments")
    if not is_tensor(expression1):
        return assert_(expression1, expression2)
    message = expression2()
    return Assert(expression1, message if isinstance(message, list) else [message])
