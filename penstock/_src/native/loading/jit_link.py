"""Loads object code into this process."""

import ctypes
import functools
import itertools
import threading

import llvmlite.binding as llvm

from penstock._src.core import errors

from .systems import symbols
from .target import host, initialize_llvm

# LLVM keeps some 9 KB of a library that is unloaded until its linker goes, so a linker is for a few libraries only.
LIBRARIES_OF_A_LINKER = 32

_lock = threading.Lock()
_serial = itertools.count()
_linkers: list[llvm.LLJIT] = []  # the newest
_symbols: dict[str, int] = {}  # symbols for generated code, besides those the process exports


def provide(name: str, address: int) -> None:
    """Defines the symbol `name` for libraries that are loaded later."""
    _symbols[name] = address


def _new_linker() -> llvm.LLJIT:
    initialize_llvm()
    # JITLink gives a library one piece of memory; LLVM's older linker places sections
    # one by one, in a large process too far apart for the 32 bits of an address in code.
    return llvm.create_lljit_compiler(host().machine(), use_jit_link=True)


@functools.cache
def _provide_calls_of_system() -> None:
    _symbols.update(symbols(host()))


class Library:
    """Loaded object code; `library["task"]` is the address of a function, valid while this object is alive."""

    def __init__(self, code: bytes, exports: tuple[str, ...]):
        _provide_calls_of_system()
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for name, address in _symbols.items():
            if name.encode() in code:  # a symbol takes 1 KB, even if it is not used
                builder.import_symbol(name, address)
        for name in exports:
            builder.export_symbol(name)
        with _lock:
            number = next(_serial)
            if number % LIBRARIES_OF_A_LINKER == 0:
                _linkers[:] = [_new_linker()]
            self._tracker = builder.link(_linkers[0], f"penstock{number}")
        self._addresses = {name: self._tracker[name] for name in exports}

    def __getitem__(self, name: str) -> int:
        try:
            return self._addresses[name]
        except KeyError:
            raise errors.InternalError(
                f"No function {name!r} in {sorted(self._addresses)}."
            ) from None

    def function(self, name: str, *arguments, result=None):
        """The function as a ctypes callable, for tests and tools; calls release the GIL."""
        function = ctypes.CFUNCTYPE(result, *arguments)(self[name])
        function.library = self  # type: ignore[attr-defined]  # keeps the code loaded
        return function
