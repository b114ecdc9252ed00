"""Signatures of functions as `inspect` shows them."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def native(function: Function) -> Function:
    """Decorator of what is native code in TensorFlow: `inspect.signature` shows no arguments there.

    Tools that wrap by signature then treat it as they treat TensorFlow's.
    """
    function.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return function
