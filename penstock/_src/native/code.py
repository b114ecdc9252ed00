"""Code: the text of a module, and its identity."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import llvmlite
import llvmlite.binding as llvm

from .target import Target, host

# changes whenever what the object files assume of the process changes: the pool's interface, symbol names
FORMAT = "penstock-native-1"


@dataclass(frozen=True, eq=False)
class Code:
    """LLVM IR text for a target, and the functions in it that may be called from outside."""

    text: str
    exports: tuple[str, ...]
    target: Target

    @classmethod
    def of(cls, module) -> Code:
        """The code of a finished Module."""
        return cls(str(module), tuple(module.exports), module.target)

    @functools.cached_property
    def key(self) -> str:
        """Names this code for ever: text, CPU, features, LLVM's version and ours."""
        digest = hashlib.sha256(f"{_VERSIONS}\n{self.target.identity}\n".encode())
        digest.update(self.text.encode())
        return digest.hexdigest()[:40]

    @property
    def runs_here(self) -> bool:
        """Whether this process can load it (a narrower target of the same system can)."""
        here = host()
        return (self.target.architecture, self.target.system) == (here.architecture, here.system)


_VERSIONS = (
    f"{FORMAT} llvmlite {llvmlite.__version__} llvm {'.'.join(map(str, llvm.llvm_version_info))}"
)
