"""Names and parameters of functions and function-like objects."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from . import tf_inspect
from .tf_decorator import unwrap


def _called(fn: Any) -> Any:
    """The method that an object with `__call__` runs; functions themselves."""
    return fn.__call__ if callable(fn) and tf_inspect.ismethod(fn.__call__) else fn


def fn_args(fn: Any) -> tuple[str, ...]:
    """Returns the names of the arguments that a caller may give.

    Of a `functools.partial`, those that it does not bind.
    """
    if isinstance(fn, functools.partial):
        return tuple(n for n in fn_args(fn.func)[len(fn.args) :] if n not in fn.keywords)
    fn = _called(fn)
    names = tf_inspect.getfullargspec(fn).args
    is_bound = inspect.ismethod(unwrap(fn)[1]) and fn.__self__ is not None
    return tuple(names[1:] if is_bound else names)


def has_kwargs(fn: Any) -> bool:
    """True if a function takes any keyword arguments.

    Raises:
      TypeError: `fn` is not a function.
    """
    if not callable(fn):
        raise TypeError(
            f"Argument `fn` should be a callable. Received: fn={fn} (of type {type(fn)})"
        )
    fn = fn.func if isinstance(fn, functools.partial) else _called(fn)
    return tf_inspect.getfullargspec(fn).varkw is not None


def _function_of(func: Any) -> Any:
    target = unwrap(func)[1]
    if not callable(target):
        raise ValueError(
            f"Argument `func` must be a callable. Received func={target} (of type {type(target)})"
        )
    return target


def get_func_name(func: Any) -> str:
    """Returns the name of a function or method; of other callables, that of their type."""
    target = _function_of(func)
    if inspect.ismethod(target):
        return f"{type(target.__self__).__name__}.{target.__func__.__name__}"
    return target.__name__ if inspect.isfunction(target) else str(type(target))


def get_func_code(func: Any) -> Any:
    """Returns the code of a function, method or callable object; None if it has none in Python."""
    target = _function_of(func)
    function = target if hasattr(target, "__code__") else target.__call__
    return getattr(function, "__code__", None)
