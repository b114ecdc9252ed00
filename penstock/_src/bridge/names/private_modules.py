"""Modules for TensorFlow's private paths, such as `tensorflow.python.framework.ops`.

A name of such a module is looked up, in this order, in

1. the module of ours that has the same path below `bridge/`: `bridge/python/framework/ops.py`;
2. the names that have a target of their own in `python_paths.py`;
3. the table `private_paths.txt`: the public symbol that the private name is in TensorFlow;
4. the modules of ours that `python_paths.py` lists for this path;
5. the raw operations, where TensorFlow's module offers them;
6. the table `private_imports.txt`: the private module from which TensorFlow's module imports the name;
7. the private modules themselves, since TensorFlow's modules import each other: `array_ops.gen_array_ops`.

What none of them has is internal to TensorFlow, and raises an AttributeError that says so. Names that TensorFlow 2.21 lacks
are not looked up: libraries ask for names of older versions to learn which version there is.
"""

from __future__ import annotations

import collections
import functools
import importlib
import importlib.util
import pathlib
import sys
import types
from typing import Any

from penstock._src.core import registry
from penstock._src.core.calls.attributes import REQUIRED
from penstock._src.util.lazy import NamedModule

from . import protos
from .identities import NAMING, home_of
from .python_paths import (
    BRIDGE,
    PATHS,
    all_names,
    imported_names,
    names_in,
    packages,
    public_names,
)

# Names that look like Python's own, in modules of ours. For others, which `inspect` asks all loaded modules for, none is loaded.
_DUNDERS = {
    "python.framework.versions": {
        "__version__",
        "__git_version__",
        "__compiler_version__",
        "__cxx11_abi_flag__",
        "__cxx_version__",
        "__monolithic_build__",
    },
}
# The folders of `bridge/` that mirror those of TensorFlow.
MIRRORED = ("core", "python")


def is_known(path: str) -> bool:
    """True if `tensorflow.<path>` is a private module of TensorFlow's, or a package of such."""
    return path in all_names()


@functools.cache
def _own_place(path: str) -> pathlib.Path | None:
    """Returns the file of the module of ours with this path below `bridge/`, without loading it."""
    first, *rest = path.split(".")
    if first not in MIRRORED:
        return None
    place = BRIDGE.joinpath(first, *rest)
    files = place.with_suffix(".py"), place / "__init__.py"
    return next((file for file in files if file.is_file()), None)


@functools.cache
def _own_module(path: str) -> types.ModuleType | None:
    """Returns the module of ours with this path below `bridge/`."""
    if _own_place(path) is None:
        return None
    return importlib.import_module(f"penstock._src.bridge.{path}")


def file_of(path: str) -> pathlib.Path | None:
    """Returns the file of a module of ours that is not a package, and can be run as a script."""
    file = _own_place(path)
    if file is None or file.name == "__init__.py" or path in packages():
        return None
    return file


@functools.cache
def _public_names(path: str) -> dict[str, str]:
    """Maps the names in the table's line of a module to their targets; "raw" maps to itself."""
    return names_in(public_names().get(path, ""), ".")


class PrivateModule(NamedModule):
    """A module that looks its names up at first use."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, f"Penstock's counterpart of TensorFlow's private {name}.")
        self.__dict__.update(__path__=[], _path=path, _replaced={})

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__all__":
            return self._offered()
        if attribute == "__file__":
            # The file with its names; this one if all of them are found by the tables. Neither is loaded.
            return str(_own_place(self._path) or __file__)
        if attribute.startswith("__"):
            if attribute not in _DUNDERS.get(self._path, ()):
                raise AttributeError(attribute)
            return getattr(_own_module(self._path), attribute)
        if attribute not in all_names()[self._path] and not _is_found(
            f"{self.__name__}.{attribute}"
        ):
            raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}")
        try:
            value = _find(self._path, attribute)
        except LookupError:
            module = _module_named(attribute, f"{self.__name__}.{attribute}", self._path)
            if module is not None:
                return importlib.import_module(module)
            raise AttributeError(
                f"module {self.__name__!r} has no attribute {attribute!r}: Penstock has no counterpart "
                "of this private name of TensorFlow's."
            ) from None
        if attribute not in getattr(_own_module(self._path), "CHANGING", ()):
            vars(self)[attribute] = value
        return value

    def _offered(self) -> list[str]:
        """The names that `from ... import *` imports."""
        return [
            name
            for name in dir(self)
            if not name.startswith("_") and name != "raw" and hasattr(self, name)
        ]

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Sets the name in our module too, so that replacing a function reaches those that call it.

        Attributes that importlib sets (`__spec__`, a module in its package) correspond to no name of ours, and load nothing.
        """
        name = getattr(value, "__name__", None) if isinstance(value, types.ModuleType) else None
        if attribute.startswith("__") or name == f"{self.__name__}.{attribute}":
            super().__setattr__(attribute, value)
            return
        if attribute not in self._replaced:
            self._replaced[attribute] = self._place(attribute)
        for module, name, _ in self._replaced[attribute]:
            setattr(module, name, value)
        super().__setattr__(attribute, value)

    def _place(self, attribute: str) -> list[tuple[Any, str, Any]]:
        """The modules of ours, with the name there and its value, in which a name of this module stands."""
        own = _own_module(self._path)
        places: list[tuple[Any, str, Any]] = []
        if own is not None and attribute in vars(own):
            places.append((own, attribute, vars(own)[attribute]))
        first: Any = vars(self).get(attribute)
        if isinstance(first, types.FunctionType | type):
            home, name = sys.modules.get(home_of(first) or ""), first.__name__
            if home not in (None, own) and vars(home).get(name) is first:
                places.append((home, name, first))
        return places

    def __delattr__(self, attribute: str) -> None:
        """Gives the name its first meaning back."""
        for module, name, value in self._replaced.pop(attribute, ()):
            setattr(module, name, value)
        super().__delattr__(attribute)

    def __dir__(self) -> list[str]:
        own = dir(_own_module(self._path)) if _own_place(self._path) is not None else ()
        offered = {*own, *_public_names(self._path)} & all_names()[self._path]
        return sorted({*super().__dir__(), *offered})


def _module_named(name: str, child: str, path: str) -> str | None:
    """Returns the module with this last name that a module may have imported: a child, a sibling or the only private one.

    A child may also be a file that another finder knows.
    """
    parent = path.rpartition(".")[0]
    for near in (path, parent):
        if is_known(f"{near}.{name}"):
            return f"tensorflow.{near}.{name}"
    if _is_found(child):
        return child
    modules = _by_last_name().get(name, [])
    return f"tensorflow.{modules[0]}" if len(modules) == 1 else None


def _is_found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # our finder's, which says why
        return False


@functools.cache
def _by_last_name() -> dict[str, list[str]]:
    modules: dict[str, list[str]] = collections.defaultdict(list)
    for path in public_names():
        modules[path.rpartition(".")[2]].append(path)
    return modules


def _find(path: str, attribute: str) -> Any:
    """Returns the object for a name of a private module, or raises LookupError."""
    own = _own_module(path)
    if own is not None and hasattr(own, attribute):
        value = getattr(own, attribute)
        # a module of ours is only part of the private module of that name, which `_module_named` finds
        if value is None or value is not _own_module(f"{path}.{attribute}"):
            return value
    sources = PATHS.get(path, "").split()
    named = dict(source.split("=", 1) for source in sources if "=" in source)
    public = _public_names(path)
    target = named.get(attribute) or public.get(attribute)
    if target is not None:
        return _target(target)
    for source in sources:
        if "=" not in source and hasattr(_target(source), attribute):
            return getattr(_target(source), attribute)
    if "raw" in public or path.rpartition(".")[2].startswith("gen_"):
        try:
            return _raw_function(attribute)
        except LookupError:
            pass  # it may be a name that the generated code imports
    home, _, name = _imported_names(path)[attribute].partition(":")
    return getattr(importlib.import_module(f"tensorflow.{home}"), name, None) or _find(home, name)


@functools.cache
def _imported_names(path: str) -> dict[str, str]:
    """Maps the names that TensorFlow's module has from other private modules to `module:name`."""
    return names_in(imported_names().get(path, ""), ":")


@functools.cache
def _target(text: str) -> Any:
    """Resolves a target such as `tf.math`, `tf.Tensor`, `@core.specs`, `@core.specs:TypeSpec` or `std:inspect`."""
    if text.startswith("@"):
        module, _, attribute = text[1:].partition(":")
        module_ = importlib.import_module(f"penstock._src.{module}")
        return getattr(module_, attribute) if attribute else module_
    if text.startswith("std:"):
        return importlib.import_module(text[len("std:") :])
    module_ = importlib.import_module("penstock")
    for part in text.split(".")[1:]:
        module_ = getattr(module_, part)
    return module_


@functools.cache
def _snake_names() -> dict[str, str]:
    return {name.lower(): name for name in registry.index()}


def _raw_function(attribute: str) -> Any:
    """Returns the raw op with this name (`BatchMatMulV2`, by keyword) or wrapper's name (`batch_mat_mul_v2`)."""
    name = _snake_names()[attribute.replace("_", "").lower()]
    if registry.lookup(name) is None:  # another class beside the ops
        raise LookupError(attribute)
    return _target(f"tf.raw_ops.{name}") if name == attribute else _by_position(name)


@functools.cache
def _by_position(name: str) -> Any:
    return function_by_position(getattr(registry.raw, name), registry.find(name))


def function_by_position(function: Any, op: Any) -> Any:
    """Returns the function of an op with positional parameters: inputs, then attributes, those with defaults last."""
    name = op.op_type
    inferred = {a for x in op.inputs for a in (x.type_attr, x.number_attr, x.type_list_attr)}
    asked = {a: default for a, default in op.attributes.items() if a not in inferred}
    required = [a for a, default in asked.items() if default is REQUIRED]
    optional = [a for a, default in asked.items() if default is not REQUIRED]
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
    """Returns the module for `tensorflow.<path>`, called `name`; our module for it is loaded, as it may register ops."""
    if path.endswith("_pb2"):
        protos.register(path)
    if not NAMING.depth:
        _own_module(path)
    return PrivateModule(name, path)
