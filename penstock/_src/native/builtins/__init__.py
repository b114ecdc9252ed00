"""Loads modules of native code as Python builtins; `kernel.py` makes them of Python functions."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from penstock._src.util.process.layouts import OF_ALL_CODE

from .. import python_calls as py
from ..code import Code, ModuleCode
from ..kernels import kernels
from ..language.module import Module

Functions = TypeVar("Functions", bound=NamedTuple)
Parameters = ParamSpec("Parameters")

# Calls of a function, or a program, after which its builtin is made: fewer take less time than to make it.
OFTEN = 8

_libraries: list[Any] = []  # kept alive: the builtins hold addresses in them


class HotCounter:
    """Counts the work that NumPy does in place of native code of the same results, until loading that code pays.

    Args:
      threshold: the work, over all calls, from which native code is used.

    Example:
      >>> from penstock._src.native.builtins import HotCounter
      >>> counter = HotCounter(3)
      >>> [counter.is_hot(2), counter.is_hot(2)]
      [False, True]
    """

    def __init__(self, threshold: int) -> None:
        self.threshold, self.done = threshold, 0

    def is_hot(self, work: int) -> bool:
        """Adds the work of a call; True if the work so far reaches the threshold. Threads may lose some of it."""
        if self.done >= self.threshold:
            return True
        self.done += work
        return self.done >= self.threshold


def compiled(
    functions: type[Functions],
) -> Callable[[Callable[Concatenate[Module, Parameters], None]], Callable[Parameters, Functions]]:
    """Make a function that writes a module into one that returns the module's entries, compiled at its first call.

    The module is not written where a process before had the same target and the same sources: its code is kept under
    the names of both.

    Args:
      functions: the named tuple of the entries; the module has an entry `py_NAME` (`python_calls.emit_entry`) for each field.

    Example:
      @compiled(Sums)
      def sums(m: Module, dtype: str) -> None:
          ...                                     # m.fn(...), py.emit_entry(m, "sum", "an")
      sums("float32").sum(array, 3)               # other arguments are strings or numbers
    """

    def decorated(
        write: Callable[Concatenate[Module, Parameters], None],
    ) -> Callable[Parameters, Functions]:
        @functools.cache
        def load(*arguments: Any) -> Functions:
            return entries(ModuleCode(write, arguments, kernels().cache), functions)

        return cast(Callable[Parameters, Functions], functools.update_wrapper(load, write))

    return decorated


def entries(code: Code, functions: type[Functions]) -> Functions:
    """Compile the code of a module and return its entries."""
    return functions(*[entry(code, name) for name in functions._fields])


def entry(code: Code, name: str, owner: object = None) -> Any:
    """Compile the code of a module and return its entry `py_NAME`, whose first C argument is the owner."""
    library = kernels()[code]
    _libraries.append(library)
    return py.builtin(library[f"py_{name}"], name, owner=owner)


def method(name: str, *kinds: str) -> Callable[[Callable[[Module, str], None]], Callable[[], Any]]:
    """Make a function that writes the entry `py_NAME` into one that returns it as a method, to be bound to owners (`python_calls.bind`).

    Args:
      name: of the method.
      *kinds: of objects whose fields it reads or writes, besides those that all code does (`ModuleCode`).
    """

    def decorated(write: Callable[[Module, str], None]) -> Callable[[], Any]:
        @functools.cache
        def load() -> Any:
            code = ModuleCode(write, (name,), kernels().cache, kinds=(*OF_ALL_CODE, *kinds))
            library = kernels()[code]
            _libraries.append(library)
            return py.define(library[f"py_{name}"], name)

        return functools.update_wrapper(load, write)

    return decorated
