"""True or false: this installation can compile. One that only runs lacks LLVM."""

import functools
import importlib.util


@functools.cache
def has_compiler() -> bool:
    """True if LLVM is installed, by llvmlite, which is not loaded by this."""
    return importlib.util.find_spec("llvmlite") is not None
