"""`tensorflow.python.framework.registry`: a registry that says where a name was registered before."""

from __future__ import annotations

import traceback
from collections.abc import KeysView, MutableMapping
from typing import Any


class Registry:
    """Objects by name.

    `_registry` is {name: {"type": object, "location": frame}}, in which programs of the wild replace objects.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._registry: MutableMapping[str, Any] = {}

    def register(self, candidate: Any, name: str | None = None) -> None:
        """Adds an object under `name`, by default its own.

        Raises:
          KeyError: the name is taken.
        """
        name = name or candidate.__name__
        if name in self._registry:
            frame = self._registry[name]["location"]
            raise KeyError(
                f"Registering two {self._name} with name '{name}'! "
                f"(Previous registration was in {frame.name} {frame.filename}:{frame.lineno})"
            )
        stack = traceback.extract_stack(limit=3)
        self._registry[name] = {"type": candidate, "location": stack[min(2, len(stack) - 1)]}

    def list(self) -> KeysView[str]:
        """Returns the names."""
        return self._registry.keys()

    def lookup(self, name: str | bytes) -> Any:
        """Returns the object registered under `name`.

        Raises:
          LookupError: there is none.
        """
        text = name.decode() if isinstance(name, bytes) else name
        if text not in self._registry:
            raise LookupError(f"{self._name} registry has no entry for: {text}")
        return self._registry[text]["type"]
