"""The import hook that makes `tensorflow_decision_forests` mean the modules of this folder."""

from __future__ import annotations

import importlib
from typing import Any

from penstock._src.bridge.names.package_finder import PackageFinder, PackageModule

ALIAS = "tensorflow_decision_forests"
_ROOM = "penstock._src.bridge.decision_forests"
_TREE_MODULES = ("condition", "dataspec", "node", "objective", "tree", "value")
# The modules that users import, and the module of ours whose names they offer; "" offers only modules.
PATHS = {
    "": "",
    "keras": f"{_ROOM}.offered",
    "inspector": f"{_ROOM}.inspection",
    "model_plotter": f"{_ROOM}.plotting",
    "tuner": f"{_ROOM}.tuning",
    "builder": f"{_ROOM}.building.builders",
    "py_tree": "",
    **{f"py_tree.{name}": f"{_ROOM}.py_tree.{name}" for name in _TREE_MODULES},
    "component": "",
    "component.builder": "",
    "component.builder.builder": f"{_ROOM}.building.builders",
    "component.inspector": "",
    "component.inspector.inspector": f"{_ROOM}.inspection",
    "component.model_plotter": "",
    "component.model_plotter.model_plotter": f"{_ROOM}.plotting",
    "component.py_tree": "",
    **{f"component.py_tree.{name}": f"{_ROOM}.py_tree.{name}" for name in _TREE_MODULES},
    "component.tuner": "",
    "component.tuner.tuner": f"{_ROOM}.tuning",
}


class ForestsModule(PackageModule):
    """A module of `tensorflow_decision_forests`."""

    def __getattr__(self, attribute: str) -> Any:
        below = f"{self._path}.{attribute}".lstrip(".")
        if below in PATHS:
            return importlib.import_module(f"{ALIAS}.{below}")
        if attribute in self._offered():
            return getattr(importlib.import_module(PATHS[self._path]), attribute)
        if attribute == "__all__":
            return self.__dir__()
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {attribute!r}: Penstock has no counterpart of this name of TensorFlow Decision Forests'."
        )

    def _offered(self) -> list[str]:
        source = PATHS[self._path]
        return list(importlib.import_module(source).__all__) if source else []

    def __dir__(self) -> list[str]:
        prefix = f"{self._path}." if self._path else ""
        below = {path[len(prefix) :].partition(".")[0] for path in PATHS if path.startswith(prefix)}
        return sorted({*below, *self._offered()} - {""})


FINDER = PackageFinder(ALIAS, PATHS, _ROOM, ForestsModule)


def install() -> None:
    """Makes `import tensorflow_decision_forests` find Penstock from now on."""
    FINDER.install()
