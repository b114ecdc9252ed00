"""Modules for the private paths in `python_paths.py`."""

from __future__ import annotations

import functools
import importlib
import types
from typing import Any

from penstock._src.core import registry
from penstock._src.core.calls.attributes import REQUIRED

from .python_paths import PATHS


def is_known(path: str) -> bool:
    """Whether the table has a counterpart for `tensorflow.<path>`."""
    return _sources(path) is not None


def _sources(path: str) -> list[str] | None:
    held = PATHS.get(path)
    if held is None and path.startswith("python.ops.gen_"):
        held = "raw"
    return None if held is None else held.split()


class PrivateModule(types.ModuleType):
    """A module that looks its names up in a list of sources."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, f"Penstock's counterpart of TensorFlow's private {name}.")
        self.__path__: list[str] = []
        self._path = path

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        sources = _sources(self._path) or []
        for source in sources:
            found = _from_source(self.__name__, source, attribute)
            if found is not None:
                setattr(self, attribute, found)
                return found
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {attribute!r}: Penstock has no counterpart "
            "of this private name of TensorFlow's."
        )


def _from_source(module: str, source: str, attribute: str) -> Any:
    if source.endswith("/"):
        child = f"{module}.{attribute}"
        known = source[:-1] == attribute and is_known(child.partition(".")[2])
        return importlib.import_module(child) if known else None
    name, separator, target = source.partition("=")
    if separator:
        return _target(target) if name == attribute else None
    if source == "raw":
        return _raw_function(attribute)
    holder = _target(source)
    return getattr(holder, attribute, None)


@functools.cache
def _target(text: str) -> Any:
    """Resolves a target such as `tf.math`, `tf.Tensor`, `@core.specs`, `@core.specs:TypeSpec` or `std:inspect`."""
    if text.startswith("@"):
        module, _, attribute = text[1:].partition(":")
        held = importlib.import_module(f"penstock._src.{module}")
        return getattr(held, attribute) if attribute else held
    if text.startswith("std:"):
        return importlib.import_module(text[len("std:") :])
    held = importlib.import_module("penstock")
    for part in text.split(".")[1:]:
        held = getattr(held, part)
    return held


@functools.cache
def _snake_names() -> dict[str, str]:
    return {name.lower(): name for name in registry.index()}


def _raw_function(attribute: str) -> Any:
    name = _snake_names().get(attribute.replace("_", ""))
    return None if name is None else _by_position(name)


@functools.cache
def _by_position(name: str) -> Any:
    """Returns the raw op as a function with positional parameters: inputs, then attributes, those with defaults last."""
    function, op = getattr(registry.raw, name), registry.find(name)
    required = [a for a, default in op.attributes.items() if default is REQUIRED]
    optional = [a for a, default in op.attributes.items() if default is not REQUIRED]
    names = [*(argument.name for argument in op.inputs), *required, *optional, "name"]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > len(names):
            raise TypeError(f"{name}() takes {len(names)} arguments but {len(args)} were given")
        for parameter, value in zip(names, args):
            if parameter in kwargs:
                raise TypeError(f"{name}() got multiple values for argument '{parameter}'")
            kwargs[parameter] = value
        return function(**kwargs)

    return call


def build(path: str, name: str) -> types.ModuleType:
    """Returns the module for `tensorflow.<path>`, called `name`."""
    return PrivateModule(name, path)
