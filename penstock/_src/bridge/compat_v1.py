"""The module tree of compat.v1, built from the table of v1 names on first access."""

from __future__ import annotations

import collections
import importlib
import pathlib
import sys
import types
from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import LazyModule, resolve, starred

NAMES = pathlib.Path(__file__).resolve().parents[2] / "_names_v1.txt"
# v2 packages that v1 shares as a whole.
SHARED = ("keras", "raw_ops")
# Attributes of Keras 2 only: {path below compat.v1: module of its keras}.
OF_KERAS_2 = {
    "layers": ".__internal__.legacy.layers",
    "nn.rnn_cell": ".__internal__.legacy.rnn_cell",
}


class PartOfKeras2(types.ModuleType):
    """A part of compat.v1 that Keras 2 provides, imported when a name is looked up."""

    def __init__(self, name: str, part: str) -> None:
        super().__init__(name, "What Keras 2 has for programs of TensorFlow 1.")
        self.__dict__.update(_part=part)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        # The stand-in for `tensorflow` is loaded with it, which a program may do without.
        from . import keras

        if not keras.asks_for_keras_2("v1"):
            raise AttributeError(
                f"`{attribute}` is not available with Keras 3. `pip install --no-deps tf-keras` and "
                f"TF_USE_LEGACY_KERAS=1 in the environment give {self.__name__} of Keras 2."
            )
        return getattr(keras.load_v1(self._part), attribute)


def read_table() -> dict[str, dict[str, tuple[str, str]]]:
    """Returns {package: {name: (module, attribute)}} below compat.v1."""
    packages: dict[str, dict[str, tuple[str, str]]] = collections.defaultdict(dict)
    packages[""] = {}
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        module, attribute, *paths = line.split()
        for path in paths:
            package, _, name = path.rpartition(".")
            packages[package][name] = (module, attribute)
            while package:
                package = package.rpartition(".")[0]
                packages.setdefault(package, {})
    return packages


def attach(name: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Creates all modules below compat.v1; returns its `__getattr__` and `__dir__`."""
    packages = read_table()
    children: dict[str, set[str]] = collections.defaultdict(set)
    for package in packages:
        if package:
            parent, _, child = package.rpartition(".")
            children[parent].add(child)
    for package, table in packages.items():
        if package:
            full = f"{name}.{package}"
            sys.modules[full] = LazyModule(full, table, children[package])
    _nest_versions(name)
    for path, part in OF_KERAS_2.items():
        parent, _, child = path.rpartition(".")
        holder = sys.modules[f"{name}.{parent}" if parent else name]
        setattr(holder, child, PartOfKeras2(f"{name}.{path}", part))
    top = packages[""]

    def __getattr__(attribute: str) -> Any:
        if attribute in top:
            value = resolve(*top[attribute])
        elif attribute in children[""]:
            value = sys.modules[f"{name}.{attribute}"]
        elif attribute == "__all__":
            return starred(__dir__())
        elif attribute == "keras":
            value = _keras()
        elif attribute in SHARED:
            value = importlib.import_module(f"penstock.{attribute}")
        elif attribute == "__version__":
            value = importlib.import_module("penstock").__version__
        elif attribute == "compat":
            value = importlib.import_module("penstock.compat")
        else:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        setattr(sys.modules[name], attribute, value)
        return value

    def __dir__() -> list[str]:
        return sorted({*top, *children[""], *SHARED, "compat"})

    return __getattr__, __dir__


def _nest_versions(name: str) -> None:
    """Makes `compat` of version 1 have both versions: programs write `tf.compat.v1` also where `tf` is `compat.v1` itself."""
    holder = sys.modules[f"{name}.compat"]
    for version, module in (("v1", name), ("v2", "penstock.compat.v2")):
        nested = importlib.import_module(module)
        sys.modules[f"{name}.compat.{version}"] = nested
        setattr(holder, version, nested)


def _keras() -> types.ModuleType:
    """Keras for version 1: a module of its own in Keras 2, the same as for version 2 in Keras 3."""
    # Imported late, as above.
    from . import keras

    return (
        keras.load_v1()
        if keras.asks_for_keras_2("v1")
        else importlib.import_module("penstock.keras")
    )
