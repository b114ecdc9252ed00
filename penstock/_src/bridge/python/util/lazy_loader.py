"""Modules that are imported when they are first used: `tensorflow.python.util.lazy_loader`."""

from __future__ import annotations

import importlib
import types
from typing import Any

from penstock._src.util.lazy import NamedModule


class LazyLoader(NamedModule):
    """A placeholder of a module; at the first use of a name it is replaced by the module in its parent's globals."""

    def __init__(
        self, local_name: str, parent_module_globals: dict[str, Any], name: str, warning: Any = None
    ) -> None:
        super().__init__(name)
        self._local_name, self._parent_globals, self._warning = (
            local_name,
            parent_module_globals,
            warning,
        )

    def _load(self) -> types.ModuleType:
        module = importlib.import_module(self.__name__)
        self._parent_globals[self._local_name] = module
        if self._warning:
            from . import deprecation  # which modules that are loaded lazily need not import

            deprecation.logging.warning(self._warning)
            self._warning = None
        self.__dict__.update(module.__dict__)
        return module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)

    def __repr__(self) -> str:
        return f"<LazyLoader {self.__name__} as {self._local_name}>"

    def __dir__(self) -> list[str]:
        return dir(self._load())
