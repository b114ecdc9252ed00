"""`tensorflow.python.util.all_util`: modules whose public names are those that their docstrings mention as `@@name`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

__all__ = ["make_all", "remove_undocumented", "reveal_undocumented"]

_MENTIONED = re.compile(r"^@@\s*(\w+)$", re.MULTILINE)
# {full name: (module, value)} of removed names.
_HIDDEN_ATTRIBUTES: dict[str, tuple[ModuleType, Any]] = {}


def make_all(module_name: str, doc_string_modules: Iterable[ModuleType] | None = None) -> list[str]:
    """Returns the names of a module that docstrings mention: its own, or those of the modules given."""
    module = sys.modules[module_name]
    texts = [each.__doc__ or "" for each in doc_string_modules or [module]]
    mentioned = {name for text in texts for name in _MENTIONED.findall(text)}
    return [name for name in dir(module) if name in mentioned]


def remove_undocumented(
    module_name: str,
    allowed_exception_list: Iterable[str] | None = None,
    doc_string_modules: Iterable[ModuleType] | None = None,
) -> None:
    """Removes from a module the public names that neither docstrings mention nor the list contains."""
    module = sys.modules[module_name]
    kept = {*make_all(module_name, doc_string_modules), *(allowed_exception_list or ())}
    for name in dir(module):
        if name not in kept and not name.startswith("_"):
            _HIDDEN_ATTRIBUTES[f"{module_name}.{name}"] = (module, getattr(module, name))
            delattr(module, name)


def reveal_undocumented(symbol_name: str, target_module: ModuleType | None = None) -> None:
    """Puts a removed name back, or into another module.

    Raises:
      LookupError: it was not removed.
    """
    if symbol_name not in _HIDDEN_ATTRIBUTES:
        raise LookupError(f"Symbol {symbol_name} is not a hidden symbol")
    module, value = _HIDDEN_ATTRIBUTES[symbol_name]
    setattr(target_module or module, symbol_name.rpartition(".")[2], value)
