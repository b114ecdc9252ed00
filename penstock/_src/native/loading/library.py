"""Library: loaded object code."""

import ctypes
import functools
from typing import Any, Protocol

from penstock._src.core import errors
from penstock._src.util.process.compiler import has_compiler

from ..systems import symbols
from .elf import is_known_system, link

_symbols: dict[str, int] = {}  # symbols for generated code, besides those the process exports


def provide(name: str, address: int) -> None:
    """Defines the symbol `name` for libraries that are loaded later."""
    _symbols[name] = address


@functools.cache
def _provide_calls_of_system() -> None:
    _symbols.update(symbols())


class Linked(Protocol):
    """Object code in memory, which stays there while this is alive."""

    addresses: dict[str, int]


def _linked(code: bytes, exports: tuple[str, ...]) -> Linked:
    # A symbol takes LLVM 1 KB, even if it is not used.
    used = {name: address for name, address in _symbols.items() if name.encode() in code}
    if has_compiler() and not is_known_system():
        # Its import is LLVM's.
        from .jit_link import JitLinked

        return JitLinked(code, exports, used)
    return link(code, exports, used)


class Library:
    """Loaded object code; `library["task"]` is the address of a function, valid while this object is alive."""

    def __init__(self, code: bytes, exports: tuple[str, ...]):
        _provide_calls_of_system()
        self._linked = _linked(code, exports)

    def __getitem__(self, name: str) -> int:
        try:
            return self._linked.addresses[name]
        except KeyError:
            raise errors.InternalError(
                f"No function {name!r} in {sorted(self._linked.addresses)}."
            ) from None

    def function(self, name: str, *arguments: Any, result: Any = None) -> Any:
        """The function as a ctypes callable, for tests and tools; calls release the GIL."""
        function = ctypes.CFUNCTYPE(result, *arguments)(self[name])
        function.library = self  # type: ignore[attr-defined]  # keeps the code loaded
        return function
