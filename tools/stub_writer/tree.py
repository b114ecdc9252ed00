"""The public objects, by path, and the one module in which the stub of each is written."""

import importlib
import inspect
from dataclasses import dataclass, field
from typing import Any

# Functions that stand in several namespaces are written in the first of these that has them.
PREFERRED = (
    "math",
    "linalg",
    "nn",
    "strings",
    "sparse",
    "random",
    "dtypes",
    "image",
    "io",
    "config",
)


def resolve(module: str, attribute: str) -> Any:
    """Returns the object behind an export."""
    held: Any = importlib.import_module(module)
    for part in attribute.split("."):
        held = getattr(held, part)
    return held


@dataclass
class Tree:
    """Public paths below `penstock`: the objects, and the home of each object that other modules import."""

    objects: dict[str, Any] = field(default_factory=dict)
    homes: dict[int, str] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, paths: dict[str, Any]) -> None:
        """Adds public paths; objects that have a home keep it."""
        found: dict[int, list[str]] = {}
        for path, held in paths.items():
            self.objects[path] = held
            module, _, name = path.rpartition(".")
            self.modules.setdefault(module, {})[name] = held
            while module:
                module = module.rpartition(".")[0]
                self.modules.setdefault(module, {})
            if _has_identity(held):
                found.setdefault(id(held), []).append(path)
        for key, names in found.items():
            self.homes.setdefault(key, min(names, key=_rank_of(self.objects[names[0]])))

    def home(self, held: Any) -> str | None:
        """The path under which an object is written, or None if it is not public."""
        return self.homes.get(id(held)) if _has_identity(held) else None

    def submodules(self, module: str) -> list[str]:
        """The names of the direct submodules."""
        prefix = f"{module}." if module else ""
        inside = (m.removeprefix(prefix) for m in self.modules if m and m.startswith(prefix))
        return sorted({name.partition(".")[0] for name in inside} - {""})


def _has_identity(held: Any) -> bool:
    """False for numbers and texts, which other constants may share."""
    return inspect.isclass(held) or inspect.isroutine(held)


def _rank_of(held: Any) -> Any:
    """The order of preference among the paths of an object."""

    def rank(path: str) -> Any:
        module, _, name = path.rpartition(".")
        hidden = "__" in path or "experimental" in path
        if inspect.isclass(held):
            return (hidden, path.count("."), path)
        place = PREFERRED.index(module) if module in PREFERRED else len(PREFERRED)
        own_name = getattr(held, "__name__", name) != name
        return (hidden, own_name, place, -path.count("."), path)

    return rank
