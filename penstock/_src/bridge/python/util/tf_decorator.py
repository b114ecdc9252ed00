"""Decorators that record the wrapped function: a TFDecorator, which tools can unwrap."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

from penstock._src.function.function import Function
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

_COPIED = ("__name__", "__qualname__", "__module__")


def fullargspec_to_signature(fullargspec: Any) -> inspect.Signature:
    """Returns the signature that a record of parameters describes."""
    kinds = inspect.Parameter
    positional, keyword = list(fullargspec.args), list(fullargspec.kwonlyargs)
    values = dict(fullargspec.kwonlydefaults or {})
    defaults = tuple(fullargspec.defaults or ())
    values.update(zip(positional[len(positional) - len(defaults) :], defaults))

    def named(name: str, kind: Any) -> inspect.Parameter:
        return kinds(name, kind, default=values.get(name, kinds.empty))

    parameters = [named(name, kinds.POSITIONAL_OR_KEYWORD) for name in positional]
    if fullargspec.varargs:
        parameters.append(kinds(fullargspec.varargs, kinds.VAR_POSITIONAL))
    parameters += [named(name, kinds.KEYWORD_ONLY) for name in keyword]
    if fullargspec.varkw:
        parameters.append(kinds(fullargspec.varkw, kinds.VAR_KEYWORD))
    return inspect.Signature(parameters)


class TFDecorator:
    """The record of a decorator: the function that it wraps, its own name, and its parameters if they differ.

    It can stand for the function itself.
    """

    def __init__(
        self,
        decorator_name: str,
        target: Any,
        decorator_doc: str = "",
        decorator_argspec: Any = None,
    ) -> None:
        self._decorated_target, self._decorator_name = target, decorator_name
        self._decorator_doc, self._decorator_argspec = decorator_doc, decorator_argspec
        for name in ("__name__", "__qualname__"):
            if hasattr(target, name):
                setattr(self, name, getattr(target, name))
        self.__doc__ = decorator_doc or getattr(target, "__doc__", None) or ""
        signature = _signature(target, decorator_argspec)
        if signature is not None:
            self.__signature__ = signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function."""
        return self._decorated_target(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._decorated_target.__get__(instance, owner)

    @property
    def decorated_target(self) -> Any:
        """The wrapped function."""
        return self._decorated_target

    @decorated_target.setter
    def decorated_target(self, target: Any) -> None:
        self._decorated_target = target

    decorator_name = read_only("_decorator_name", "The name of the decorator.")
    decorator_doc = read_only(
        "_decorator_doc", "What it says besides the function's own docstring."
    )
    decorator_argspec = read_only("_decorator_argspec", "The parameters, if not the function's.")


def _signature(target: Any, argspec: Any) -> inspect.Signature | None:
    """The signature that a wrapper shows; None if there is none to find."""
    if argspec:
        return fullargspec_to_signature(argspec)
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None


@export("__internal__.decorator.make_decorator", v1=[])
def make_decorator(
    target: Callable[..., Any],
    decorator_func: Callable[..., Any],
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Callable[..., Any]:
    """Returns `decorator_func` with the name, documentation and record of `target`.

    `decorator_argspec` gives its parameters if they differ from those of `target`; without `decorator_name`, the caller
    is the decorator.

    Args:
      target: the function that is decorated.
      decorator_func: what takes its place.
      decorator_name: by default that of the caller.
      decorator_doc: a docstring; by default that of `target`.
      decorator_argspec: its parameters, a `FullArgSpec`, if they are not those of `target`.

    Returns:
      `decorator_func`.
    """
    name = sys._getframe(1).f_code.co_name if decorator_name is None else decorator_name
    wrapper: Any = decorator_func
    record = wrapper._tf_decorator = TFDecorator(name, target, decorator_doc, decorator_argspec)
    for attribute in _COPIED:
        if hasattr(target, attribute):
            setattr(wrapper, attribute, getattr(target, attribute))
    for attribute, value in vars(target).items() if hasattr(target, "__dict__") else ():
        if attribute not in vars(wrapper):
            setattr(wrapper, attribute, value)
    wrapper.__doc__ = record.__doc__
    wrapper.__wrapped__ = wrapper.__original_wrapped__ = target
    signature = _signature(target, decorator_argspec)
    if signature is not None:
        owner = _owner(target)
        if owner is not None and "self" in signature.parameters:
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
            wrapper.__self__ = owner
        wrapper.__signature__ = signature
    return wrapper


def _owner(target: Any) -> Any:
    """The object whose method one of the decorators of `target` wraps."""
    targets = (record.decorated_target for record in unwrap(target)[0])
    return next((method.__self__ for method in targets if inspect.ismethod(method)), None)


def _record(value: Any) -> TFDecorator | None:
    if isinstance(value, TFDecorator):
        return value
    record = getattr(value, "_tf_decorator", None)
    if isinstance(record, TFDecorator):
        return record
    # Our own decorators leave no record: that would compute a signature for each function when it is defined.
    if isinstance(value, Function):
        return TFDecorator("tf.function", value.python_function)
    if hasattr(value, "__original_wrapped__"):
        return TFDecorator("decorator", value.__original_wrapped__)
    return None


@export("__internal__.decorator.unwrap", v1=[])
def unwrap(maybe_tf_decorator: Any) -> tuple[list[TFDecorator], Any]:
    """Returns the records on a function, outermost first, and the function below all of them.

    Args:
      maybe_tf_decorator: a function.

    Returns:
      (records, function).
    """
    records: list[TFDecorator] = []
    current = maybe_tf_decorator
    while (record := _record(current)) is not None:
        records.append(record)
        current = record.decorated_target
    return records, current


def rewrap(decorator_func: Any, previous_target: Any, new_target: Any) -> Any:
    """Replaces `previous_target` below the decorators of a function, and returns the function.

    What is not decorated is replaced itself.
    """
    wrapper, current = None, decorator_func
    while isinstance(getattr(current, "_tf_decorator", None), TFDecorator):
        wrapper, current = current, current._tf_decorator.decorated_target
        if current is previous_target:
            break
    if wrapper is None:
        return new_target
    wrapper._tf_decorator.decorated_target = new_target
    getattr(wrapper, "__func__", wrapper).__wrapped__ = new_target
    return decorator_func
