"""Loads object code into this process."""

import ctypes
import itertools
import threading

import llvmlite.binding as llvm

from penstock._src.core import errors

from .target import host, initialize_llvm

_lock = threading.Lock()
_serial = itertools.count()
_jit: llvm.LLJIT | None = None
_symbols: dict[str, int] = {}  # symbols for generated code, besides those the process exports


def provide(name: str, address: int) -> None:
    """Defines the symbol `name` for libraries that are loaded later."""
    _symbols[name] = address


class Library:
    """Loaded object code; `library["task"]` is the address of a function, valid while this object is alive."""

    def __init__(self, code: bytes, exports: tuple[str, ...]):
        global _jit
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for name, address in _symbols.items():
            builder.import_symbol(name, address)
        for name in exports:
            builder.export_symbol(name)
        with _lock:
            if _jit is None:
                initialize_llvm()
                # JITLink gives a library one piece of memory; LLVM's older linker places sections
                # one by one, in a large process too far apart for the 32 bits of an address in code.
                _jit = llvm.create_lljit_compiler(
                    host().machine(), use_jit_link=host().system != "windows"
                )
            self._tracker = builder.link(_jit, f"penstock{next(_serial)}")
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
