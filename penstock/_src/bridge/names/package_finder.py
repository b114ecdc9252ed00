"""The import hook of packages that Penstock stands in for by a table of modules."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import pathlib
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.util.lazy import NamedModule
from penstock._src.version import VERSION

_ROOT = pathlib.Path(__file__).resolve().parents[4]


class PackageModule(NamedModule):
    """A module of such a package, whose names are looked up when they are asked for.

    Args:
      name: its whole name.
      path: below the package.
    """

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, f"Penstock's counterpart of {name}.")
        self.__dict__.update(__path__=[], _path=path)
        if not path:
            self.__version__ = VERSION


class PackageFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a package and its modules.

    Args:
      package: its name.
      paths: of its modules, below the package, each with the module of ours that offers its names; "" is the package itself.
      public: the module of ours that stands for the package, and for modules that offer only modules.
      make: called with a module's whole name and its path, returns the module, which looks its names up.
    """

    def __init__(
        self,
        package: str,
        paths: Mapping[str, str],
        public: str,
        make: Callable[[str, str], types.ModuleType],
    ) -> None:
        self._package, self._paths, self._public, self._make = package, paths, public, make

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Returns a spec for names in the table."""
        first, _, rest = fullname.partition(".")
        if first != self._package or rest not in self._paths:
            return None
        origin = _file(self._paths[rest] or self._public)
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=origin, is_package=True)
        # Programs look for a package's folder by `__file__`, which the import system sets from the origin.
        spec.has_location = True
        return spec

    def create_module(self, spec: Any) -> types.ModuleType:
        """Returns a module that looks its names up."""
        return self._make(spec.name, spec.name.partition(".")[2])

    def exec_module(self, module: types.ModuleType) -> None:
        """Does nothing: there is no code to run."""

    def install(self) -> None:
        """Makes imports of the package find Penstock from now on."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)


def _file(module: str) -> str:
    """Returns the file of a module of ours without importing the module."""
    place = _ROOT.joinpath(*module.split("."))
    file = place.with_suffix(".py")
    return str(file if file.is_file() else place / "__init__.py")
