"""Loads modules of native code as Python builtins."""

from typing import Any, NamedTuple, TypeVar

from . import python_calls as py
from .code import Code
from .kernels import kernels
from .language.module import Module

Functions = TypeVar("Functions", bound=NamedTuple)

_libraries: list[Any] = []  # kept alive: the builtins hold addresses in them


def load(m: Module, functions: type[Functions]) -> Functions:
    """Compiles a module and returns its entries.

    Args:
      m: a module with an entry `py_NAME` (`python_calls.emit_entry`) for each field.
      functions: the named tuple of the entries.
    """
    library = kernels()[Code.of(m)]
    _libraries.append(library)
    names = functions._fields
    return functions(*[py.builtin(library[f"py_{name}"], name) for name in names])
