"""Small private helpers of TensorFlow that other packages call: deprecation, decorators, inspect."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from penstock._src.api.extending.dispatch import NOT_SUPPORTED, register_fallback
from penstock._src.util import nest
from penstock._src.util.export import V1, V2, Export
from penstock._src.v1.names.arguments import either


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
