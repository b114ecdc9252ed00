"""Code: the text of a module, and its identity."""

import hashlib
from dataclasses import dataclass

import llvmlite
import llvmlite.binding as llvm

from penstock._src.util.process import forks

from .target import Target

# Change this when object files rely on a different process interface: the thread pool's, or symbol names.
FORMAT = "penstock-native-1"


@dataclass(frozen=True, eq=False)
class Code:
    """LLVM IR text for a target, and the names of its exported functions."""

    text: str
    exports: tuple[str, ...]
    target: Target

    @classmethod
    def of(cls, module) -> "Code":
        """The code of a Module, which is finished by that."""
        if module.code is None:
            module.code = cls(str(module), tuple(module.exports), module.target)
            module.parts.clear()  # kernels' emitters live long
        return module.code

    @forks.cached_property
    def key(self) -> str:
        """The permanent identity of this code: a hash of text, CPU, features, and the versions of LLVM and Penstock."""
        digest = hashlib.sha256(f"{_VERSIONS}\n{self.target.identity}\n".encode())
        digest.update(self.text.encode())
        return digest.hexdigest()[:40]


_VERSIONS = (
    f"{FORMAT} llvmlite {llvmlite.__version__} llvm {'.'.join(map(str, llvm.llvm_version_info))}"
)
