"""`tensorflow.python.util.tf_should_use`: results that are to be used, in graphs as inputs of something else."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import inside_function
from penstock._src.bridge.python.framework import ops
from penstock._src.bridge.python.platform import tf_logging
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.tensor import Tensor


class _Use:
    """Records if an object was used, and reports an object that is deleted unused."""

    def __init__(self, value: Any, made_at: str) -> None:
        self.is_used = False
        self.message = (
            f"Object was never used (type {type(value)}): {value!r}.  If you want to mark it as used call its "
            f'"mark_used()" method.  It was originally created here:\n{made_at}'
        )

    def check(self) -> None:
        """Raises a RuntimeError if the object was not used."""
        if not self.is_used:
            self.is_used = True
            raise RuntimeError(self.message)

    def __del__(self) -> None:
        if not self.is_used:
            tf_logging.error(self.message)


class ShouldUseWrapper:
    """An object that counts as used once any attribute of it is read or set."""

    def __init__(self, value: Any, use: _Use) -> None:
        object.__setattr__(self, "_wrapped", value)
        object.__setattr__(self, "_use", use)

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "_use").is_used = True
        if name in ("mark_used", "__tf_tensor__", "__class__"):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_wrapped"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_used(self), name, value)

    def mark_used(self) -> None:
        """Says that the object is used."""

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return convert_to_tensor(_used(self), dtype, name)


def _used(wrapper: Any) -> Any:
    """Returns a wrapper's content, which counts as use; other values unchanged."""
    if type(wrapper) is not ShouldUseWrapper:
        return wrapper
    object.__getattribute__(wrapper, "_use").is_used = True
    return object.__getattribute__(wrapper, "_wrapped")


def _operator(name: str) -> Callable[..., Any]:
    def call(self: Any, *others: Any) -> Any:
        return getattr(_used(self), name)(*map(_used, others))

    return call


for _name in (*Tensor.OVERLOADABLE_OPERATORS, "__iter__", "__len__", "__bool__", "__repr__"):
    setattr(ShouldUseWrapper, _name, _operator(_name))


def _add_should_use_warning(
    x: Any, error_in_function: bool = False, warn_in_eager: bool = False
) -> Any:
    """Returns `x` wrapped such that a message is logged if it is never used.

    Args:
      x: any object.
      error_in_function: whether the tracing of a function in which it is not used fails.
      warn_in_eager: whether to wrap in eager execution too.
    """
    if x is None or (isinstance(x, list) and not x):
        return x
    if executing_eagerly() and not warn_in_eager:
        return x
    if inside_function() and not error_in_function:
        return x
    use = _Use(x, "".join(traceback.format_stack(limit=6)[:-1]))
    if inside_function():
        ops.add_exit_callback_to_default_func_graph(use.check)
    return ShouldUseWrapper(x, use)


def should_use_result(
    fn: Callable[..., Any] | None = None,
    warn_in_eager: bool = False,
    error_in_function: bool = False,
) -> Any:
    """Returns a function, or without one a decorator of functions, whose results are to be used."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return _add_should_use_warning(
                function(*args, **kwargs), error_in_function, warn_in_eager
            )

        return call

    return decorate if fn is None else decorate(fn)
