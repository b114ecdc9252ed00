"""Links object code by LLVM."""

import itertools
import threading
from collections.abc import Mapping
from typing import Any

from ..llvm import binding
from ..llvm.compile import machine_for
from ..target import host

# LLVM keeps some 9 KB of a library that is unloaded until its linker goes, so a linker is for a few libraries only.
LIBRARIES_OF_A_LINKER = 32

_lock = threading.Lock()
_serial = itertools.count()
_linkers: list[Any] = []  # the newest


def _new_linker() -> Any:
    # JITLink gives a library one piece of memory; LLVM's older linker places sections
    # one by one, in a large process too far apart for the 32 bits of an address in code.
    return binding().create_lljit_compiler(machine_for(host()), use_jit_link=True)


class JitLinked:
    """Object code in memory that LLVM has linked.

    Args:
      code: the object.
      exports: names of its functions.
      symbols: addresses of external symbols that the process does not export.
    """

    def __init__(self, code: bytes, exports: tuple[str, ...], symbols: Mapping[str, int]) -> None:
        builder = binding().JITLibraryBuilder().add_object_img(code).add_current_process()
        for name, address in symbols.items():
            builder.import_symbol(name, address)
        for name in exports:
            builder.export_symbol(name)
        with _lock:
            number = next(_serial)
            if number % LIBRARIES_OF_A_LINKER == 0:
                _linkers[:] = [_new_linker()]
            self._tracker = builder.link(_linkers[0], f"penstock{number}")
        self.addresses = {name: self._tracker[name] for name in exports}
