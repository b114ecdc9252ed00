"""Small private helpers of TensorFlow that other packages call: deprecation, decorators, inspect."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from penstock._src.api.extending.dispatch import NOT_SUPPORTED, register_fallback
from penstock._src.util import nest
from penstock._src.util.export import V1, V2, Export, export
from penstock._src.v1.names.arguments import either


def getfullargspec(obj: Any) -> inspect.FullArgSpec:
    """Returns the parameters of a callable, looking through its decorators."""
    return inspect.getfullargspec(inspect.unwrap(obj))


class ArgSpec(NamedTuple):
    """The parameters of a callable: those by position, `*varargs`, `**keywords`, and the defaults of the last."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def getargspec(obj: Any) -> ArgSpec:
    """Returns the parameters of a callable, looking through its decorators."""
    return ArgSpec(*getfullargspec(obj)[:4])


def getcallargs(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Returns the arguments of a call by name."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _as_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def deprecated(
    date: Any, instructions: str, warn_once: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that returns the function unchanged."""
    del date, instructions, warn_once
    return _as_is


def deprecated_args(
    date: Any, instructions: str, *names: Any, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that returns the function unchanged."""
    del date, instructions, names, options
    return _as_is


def deprecated_arg_values(
    date: Any, instructions: str, warn_once: bool = True, **values: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that returns the function unchanged."""
    del date, instructions, warn_once, values
    return _as_is


def deprecated_alias(
    deprecated_name: str, name: str, function: Callable[..., Any], warn_once: bool = True
) -> Callable[..., Any]:
    """Returns `function`."""
    del deprecated_name, name, warn_once
    return function


deprecated_argument_lookup = either


class silence:
    """A context in which no deprecation is reported."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        return None


class tf_export:
    """A decorator that returns the definition unchanged: other packages manage their own lists of exports."""

    def __init__(self, *names: str, **options: Any) -> None:
        self.names, self.options = names, options

    def __call__(self, definition: Any) -> Any:
        """Returns the definition."""
        return definition

    def export_constant(self, module_name: str, name: str) -> None:
        """Does nothing."""


keras_export = tf_export


def get_canonical_name_for_symbol(
    symbol: Any, api_name: str = "tensorflow", add_prefix_to_v1_names: bool = False
) -> str | None:
    """Returns the shortest public name of a function or class, such as "math.add"; None without one."""
    del api_name
    place = Export(getattr(symbol, "__module__", ""), getattr(symbol, "__qualname__", ""))
    for table, prefix in ((V2, ""), (V1, "compat.v1." if add_prefix_to_v1_names else "")):
        names = [name for name, entry in table.items() if entry == place]
        if names:
            return prefix + min(names, key=lambda name: (name.count("."), name))
    return None


def deprecated_endpoints(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that returns the function unchanged."""
    del names
    return _as_is


class TFDecorator:
    """The record that `make_decorator` attaches to a wrapper: the wrapped function and its parameters."""

    def __init__(
        self,
        decorator_name: str,
        target: Any,
        decorator_doc: str = "",
        decorator_argspec: Any = None,
    ) -> None:
        self.decorated_target, self.decorator_name = target, decorator_name
        self.decorator_doc, self.decorator_argspec = decorator_doc, decorator_argspec


@export("__internal__.decorator.make_decorator", v1=[])
def make_decorator(
    target: Callable[..., Any],
    decorator_func: Callable[..., Any],
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Callable[..., Any]:
    """Returns `decorator_func` with the name and documentation of `target`.

    `decorator_argspec` gives its parameters if they differ from those of `target`.
    """
    name = decorator_name or str(getattr(decorator_func, "__name__", "decorator"))
    made: Any = functools.update_wrapper(decorator_func, target)
    made._tf_decorator = TFDecorator(name, target, decorator_doc, decorator_argspec)
    return made


@export("__internal__.decorator.unwrap", v1=[])
def unwrap(maybe_tf_decorator: Any) -> tuple[list[TFDecorator], Any]:
    """Returns the records of `make_decorator` on a function, outermost first, and the wrapped function."""
    decorators, current = [], maybe_tf_decorator
    while isinstance(getattr(current, "_tf_decorator", None), TFDecorator):
        decorators.append(current._tf_decorator)
        current = current._tf_decorator.decorated_target
    return decorators, current


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


def get_symbol_from_name(name: str) -> Any:
    """Returns the object with a public name such as "tf.math.add", or None."""
    held: Any = importlib.import_module("penstock")
    for part in name.split(".")[1:]:
        held = getattr(held, part, None)
        if held is None:
            return None
    return held
