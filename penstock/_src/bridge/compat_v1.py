"""The module tree of compat.v1, built from the table of v1 names on first access."""

from __future__ import annotations

import collections
import importlib
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import LazyModule, resolve

NAMES = pathlib.Path(__file__).resolve().parents[2] / "_names_v1.txt"
# v2 packages that v1 shares as a whole.
SHARED = ("keras", "raw_ops")


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
    top = packages[""]

    def __getattr__(attribute: str) -> Any:
        if attribute in top:
            held = resolve(*top[attribute])
        elif attribute in children[""]:
            held = sys.modules[f"{name}.{attribute}"]
        elif attribute in SHARED:
            held = importlib.import_module(f"penstock.{attribute}")
        elif attribute == "__version__":
            held = importlib.import_module("penstock").__version__
        elif attribute == "compat":
            held = importlib.import_module("penstock.compat")
        else:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        setattr(sys.modules[name], attribute, held)
        return held

    def __dir__() -> list[str]:
        return sorted({*top, *children[""], *SHARED, "compat"})

    return __getattr__, __dir__
