"""The import hook that makes `tensorflow_text` mean `penstock.text`."""

from __future__ import annotations

import importlib
from typing import Any

from penstock._src.bridge.names.package_finder import PackageFinder, PackageModule

from .paths import PATHS, SUBMODULES

ALIAS = "tensorflow_text"
PUBLIC = "penstock.text"


class TextModule(PackageModule):
    """A module of `tensorflow_text`."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__all__":
            return [name for name in self.__dir__() if not name.startswith("_")]
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        below = SUBMODULES.get(attribute, "") if not self._path else ""
        below = below or f"{self._path}.{attribute}".lstrip(".")
        if below in PATHS:
            return importlib.import_module(f"{ALIAS}.{below}")
        for source in PATHS[self._path]:
            module = importlib.import_module(PUBLIC if source == "*" else source)
            if attribute in _offered(module, source):
                return getattr(module, attribute)
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {attribute!r}: Penstock has no counterpart of this name of tensorflow-text's."
        )

    def __dir__(self) -> list[str]:
        prefix = f"{self._path}." if self._path else ""
        names = {path[len(prefix) :].partition(".")[0] for path in PATHS if path.startswith(prefix)}
        names.discard("")
        if not self._path:
            names = {"keras", "metrics", *SUBMODULES}
        for source in PATHS[self._path]:
            names |= set(
                _offered(importlib.import_module(PUBLIC if source == "*" else source), source)
            )
        return sorted(names | {name for name in vars(self) if name.startswith("__")})


def _offered(module: Any, source: str) -> list[str]:
    """The names of a module that are its own, not imported there."""
    if source == "*":
        return [
            name
            for name in dir(module)
            if not name.startswith("_") and name not in ("keras", "metrics")
        ]
    own = getattr(module, "__all__", None)
    if own is not None:
        return list(own)
    return [
        name
        for name, member in vars(module).items()
        if getattr(member, "__module__", module.__name__) == module.__name__
        or name in _reexported(module)
    ]


def _reexported(module: Any) -> tuple[str, ...]:
    return getattr(module, "OFFERED", ())


_OFFERING = {
    path: PUBLIC if "*" in sources else next(iter(sources), "") for path, sources in PATHS.items()
}
FINDER = PackageFinder(ALIAS, _OFFERING, PUBLIC, TextModule)


def install() -> None:
    """Makes `import tensorflow_text` find Penstock from now on."""
    FINDER.install()
