"""Library: loaded object code."""

import ctypes
import functools
from typing import Any, Protocol

from penstock._src.core import errors
from penstock._src.util.lazy import ByName
from penstock._src.util.process.compiler import has_compiler

from .. import llvm
from ..systems import symbols

# Imported by name: most processes need one of the linkers, and that of LLVM loads it.
_ELF, _LINKS_HERE = ByName(f"{__package__}.elf", "link"), ByName(f"{__package__}.elf", "links_here")
_JIT = ByName(f"{__package__}.jit_link", "JitLinked")
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


def _linked(code: bytes, exports: tuple[str, ...], packed: bool) -> Linked:
    # A symbol takes LLVM 1 KB, even if it is not used.
    used = {name: address for name, address in _symbols.items() if name.encode() in code}
    if packed or not has_compiler():
        return _ELF(code, exports, used)
    if not llvm.is_loaded() and _LINKS_HERE():
        try:
            return _ELF(code, exports, used)
        except (errors.DataLossError, errors.InternalError):
            # It has what only LLVM's linker knows, which raises if it is damaged.
            return _JIT(code, exports, used)
    return _JIT(code, exports, used)


class Library:
    """Loaded object code; `library["task"]` is the address of a function, valid while this object is alive.

    Packed code, and code of the cache in a process that has compiled none, is linked by our own linker, without loading LLVM.
    """

    def __init__(self, code: bytes, exports: tuple[str, ...], packed: bool = False):
        _provide_calls_of_system()
        self._linked = _linked(code, exports, packed)

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
