"""LLVM, by llvmlite: imported when code is first compiled, and missing in a run-only installation.

In: IR text and a target. Out: object code (`compile.py`). `records.py` keeps what LLVM says of itself and of the processor. `binding()` is the only import of llvmlite on the way of a model that runs; without
llvmlite, it raises an error in one sentence.
"""

import contextlib
import functools
import importlib
import sys
from typing import Any

from penstock._src.core import errors
from penstock._src.util.process.compiler import has_compiler

from .records import recorded

INSTALL = "pip install llvmlite"
_NAME = "llvmlite.binding"


@functools.cache
def binding() -> Any:
    """The module `llvmlite.binding`.

    Raises:
      FailedPreconditionError: llvmlite is not installed.
    """
    if not has_compiler():
        raise errors.FailedPreconditionError(
            None,
            None,
            "This needs Penstock's compiler, which a run-only installation lacks: install LLVM "
            f"({INSTALL}), or run a model whose pack holds the machine code of this call (penstock pack).",
        )
    return importlib.import_module(_NAME)


@functools.cache
def versions() -> str:
    """The versions of llvmlite and LLVM, part of the identity of compiled code."""
    (text,) = recorded("versions", (), _versions)
    return str(text)


def _versions() -> list[str]:
    llvm = binding()
    package = importlib.import_module("llvmlite")
    return [f"llvmlite {package.__version__} llvm {'.'.join(map(str, llvm.llvm_version_info))}"]


def lock() -> contextlib.AbstractContextManager[Any]:
    """LLVM's lock, if LLVM is in use: it would never be free in a child that was forked while another thread is in LLVM."""
    module = sys.modules.get(_NAME)
    return contextlib.nullcontext() if module is None else module.ffi.lib._lock


@functools.cache
def initialize() -> None:
    """Registers all of LLVM's targets, once."""
    llvm = binding()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()
