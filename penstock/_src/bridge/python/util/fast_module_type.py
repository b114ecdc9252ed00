"""Modules that keep the attributes that were looked up: `tensorflow.python.util.fast_module_type`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import NamedModule


class FastModuleType(NamedModule):
    """A module whose attributes are looked up once, by functions that its owner sets.

    Args:
      name: of the module.
      doc: what it is for.
    """

    # Not among the attributes: the names that were looked up, and the two functions.
    __slots__ = ("_held", "_on_attribute", "_on_missing")

    def __init__(self, name: str, doc: str | None = None) -> None:
        object.__setattr__(self, "_held", {})
        object.__setattr__(self, "_on_attribute", None)
        object.__setattr__(self, "_on_missing", None)
        super().__init__(name, doc)

    def __getattribute__(self, name: str) -> Any:
        entries = object.__getattribute__(self, "_held")
        if name in entries:
            return entries[name]
        look_up = object.__getattribute__(self, "_on_attribute")
        try:
            if look_up is None:
                return super().__getattribute__(name)
            return look_up(self, name)
        except AttributeError:
            find = object.__getattribute__(self, "_on_missing")
            if find is None:
                raise
            return find(self, name)

    def set_getattribute_callback(self, callback: Callable[[Any, str], Any]) -> None:
        """Sets the function of a module and a name that looks attributes up."""
        object.__setattr__(self, "_on_attribute", callback)

    def set_getattr_callback(self, callback: Callable[[Any, str], Any]) -> None:
        """Sets the fallback for names for which the first function raises AttributeError."""
        object.__setattr__(self, "_on_missing", callback)

    def _fastdict_insert(self, name: str, value: Any) -> None:
        """Keeps the value of a name."""
        object.__getattribute__(self, "_held")[name] = value

    def _fastdict_get(self, name: str) -> Any:
        """Returns the value that is kept.

        Raises:
          KeyError: none is.
        """
        entries = object.__getattribute__(self, "_held")
        if name not in entries:
            raise KeyError(f"module has no attribute '{name}'")
        return entries[name]

    def _fastdict_key_in(self, name: str) -> bool:
        """True if the value of a name is kept."""
        return name in object.__getattribute__(self, "_held")

    def _fastdict_delete(self, name: str) -> None:
        """Forgets the value of a name."""
        object.__getattribute__(self, "_held").pop(name, None)


def get_fast_module_type_class() -> type[FastModuleType]:
    """Returns the class."""
    return FastModuleType
