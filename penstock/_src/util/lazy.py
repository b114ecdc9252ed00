"""Modules that import attributes on first access (PEP 562)."""

from __future__ import annotations

import importlib
import sys
import types

# As in `typing`, which would take most of the time of `import penstock`, at the start of every Python where Penstock stands in.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

# Imported before the first public name is resolved: sets up eager execution and operators.
STARTUP = "penstock._src.api.load"


def parse_table(table: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Returns {name: (module, attribute)} of {module: "name other=attribute ..."}."""
    rows = {}
    for module, names in table.items():
        for word in names.split():
            name, _, attribute = word.partition("=")
            rows[name] = (module, attribute or name)
    return rows


def resolve(module: str, attribute: str) -> Any:
    """Imports the start-up module, then returns `attribute` (dotted) of `module`."""
    # Within the function: `import penstock` alone needs none of what this imports.
    from penstock._src.util.process import hosts
    from penstock._src.util.process.collector import paused

    hosts.check()
    with paused(lasting=True):
        # Imported each time: while another thread is importing it, this waits for its end.
        importlib.import_module(STARTUP)
        value: Any = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


class ByName:
    """A function of a module that is imported when the function is first called: not by processes that never call it.

    Args:
      module: the dotted name.
      attribute: the name of the function there.
    """

    def __init__(self, module: str, attribute: str) -> None:
        self.module, self.attribute = module, attribute
        self._function: Callable[..., Any] | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself."""
        if self._function is None:
            # Within the property: `import penstock` alone needs none of what this imports.
            from penstock._src.util.process.collector import paused

            with paused(lasting=True):
                self._function = getattr(importlib.import_module(self.module), self.attribute)
        return self._function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def is_instance_of(value: Any, module: str, name: str) -> bool:
    """True if a value is an instance of the class `name` of a module: of none, if the module has not been imported."""
    return isinstance(value, getattr(sys.modules.get(module), name, ()))


def starred(names: Iterable[str]) -> list[str]:
    """Returns those of a module's names that `from module import *` brings: Python would take those that were used before."""
    return [name for name in names if not name.startswith("_")]


def attach(
    name: str, table: Mapping[str, str], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns `__getattr__` and `__dir__` for the module `name`.

    Args:
      name: the module's `__name__`.
      table: `{module: "name other=attribute ..."}`.
      submodules: subpackages, imported on first access.
    """
    names = parse_table(table)
    packages = frozenset(submodules)

    def __getattr__(attribute: str) -> Any:
        where = names.get(attribute)
        if attribute == "__all__":
            return starred(__dir__())
        if where is not None:
            value = resolve(*where)
        elif attribute in packages:
            return importlib.import_module(f"{name}.{attribute}")
        else:
            # Within the function: few processes ask for a name that there is not.
            from penstock._src.util.files import absent_names

            raise AttributeError(absent_names.message(name, attribute))
        setattr(sys.modules[name], attribute, value)
        return value

    def __dir__() -> list[str]:
        return sorted({*names, *packages, *vars(sys.modules[name])})

    return __getattr__, __dir__


class NamedModule(types.ModuleType):
    """A module that is pickled by its name. Apache Beam's pickler, for one, knows no module of another class than ModuleType itself."""

    def __reduce__(self) -> tuple[Callable[[str], types.ModuleType], tuple[str]]:
        return importlib.import_module, (self.__name__,)


class LazyModule(NamedModule):
    """A module created at run time with attributes from a table."""

    def __init__(
        self, name: str, table: Mapping[str, tuple[str, str]], submodules: Iterable[str] = ()
    ) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self._table = dict(table)
        self._submodules = frozenset(submodules)

    def __getattr__(self, attribute: str) -> Any:
        if attribute in ("_table", "_submodules"):
            raise AttributeError(attribute)
        if attribute == "__all__":
            return starred(dir(self))
        where = self._table.get(attribute)
        if where is not None:
            value = resolve(*where)
            setattr(self, attribute, value)
            return value
        if attribute in self._submodules:
            return importlib.import_module(f"{self.__name__}.{attribute}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}")

    def __dir__(self) -> list[str]:
        return sorted({*self._table, *self._submodules, *self.__dict__})
