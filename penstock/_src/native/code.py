"""Code: the text of a module, and its identity.

The identity is a hash of the text, or, of code whose text is written when somebody needs it, a name: a hash of all that the text follows
from. What the cache keeps under a name need not be written again in later processes.
"""

import ast
import functools
import hashlib
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from penstock._src.core.errors import InternalError
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName
from penstock._src.util.process import forks

from .target import Target

# Change this when object files rely on a different process interface: the thread pool's, or symbol names.
FORMAT = "penstock-native-2"

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, eq=False)
class Code:
    """LLVM IR text for a target, and the names of its exported functions.

    `facts` is what else was found while the text was written: tuples, strings and numbers. `emitter` is the file that writes the text, for
    reports: "compiler/codegen/nests/nest.py"; empty for code that is not reported.
    """

    text: str
    exports: tuple[str, ...]
    target: Target
    facts: tuple[Any, ...] = field(default=(), kw_only=True)
    emitter: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, module, facts: tuple[Any, ...] = ()) -> "Code":
        """The code of a Module, which is finished by that."""
        if module.code is None:
            module.code = cls(str(module), tuple(module.exports), module.target, facts=facts)
            module.parts.clear()  # kernels' emitters live long
        return module.code

    @forks.cached_property
    def key(self) -> str:
        """The permanent identity of this code: a hash of text, CPU, features, and the versions of LLVM and Penstock."""
        return hashed(self.target, self.text.encode())

    @property
    def file_name(self) -> str:
        """The key under which its object code is kept."""
        return self.key

    def kept(self, read: Callable[[str], bytes | None]) -> bytes | None:
        """Its object code, if what reads kept files has it."""
        return read(self.file_name)

    def file(self, compiled: bytes) -> bytes:
        """Return the cached form of the object code."""
        return compiled


class NamedCode(Code):
    """Code with a text that is written only when needed: not if the object code is cached.

    A file that is kept begins with a line of exports and facts, which only the text would tell.

    name   the hash of all that the text follows from; None: the text itself is the identity
    """

    name: str | None
    _write: Callable[[], Code]
    _read: Callable[[str], bytes | None]  # reads cached files
    _object: bytes | None  # object code that was read, until it is taken

    def __init__(self, target: Target, write: Callable[[], Code]) -> None:
        """`write` writes the text; it must hold no node of a graph, as codes are kept for long."""
        self.__dict__.update(
            target=target, name=None, emitter=emitter_of(write), _write=write, _object=None
        )

    def name_it(self, name: str | None, read: Callable[[str], bytes | None]) -> None:
        """Set the name, before anything asks for it, and the reader of the cached files."""
        self.__dict__.update(name=name, _read=read)

    @forks.cached_property
    def written(self) -> Code:
        """The code with its text."""
        return replace(self._write(), emitter=self.emitter)

    @property
    def text(self) -> str:  # type: ignore[override]
        written = self.written
        said = self.__dict__.get("_said")
        if said is not None and said != (written.exports, written.facts):
            raise InternalError(
                f"The cached code of {self.name} has the exports and facts {said}, which differ from its text's."
            )
        return written.text

    @forks.cached_property
    def _said(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Exports and facts: what a kept file says, else the text."""
        data = None if self.name is None else self._read(self.name)
        if data is None:
            return self.written.exports, self.written.facts
        line, _, self.__dict__["_object"] = data.partition(b"\n")
        exports, facts = ast.literal_eval(line.decode())
        return exports, facts

    @property
    def exports(self) -> tuple[str, ...]:  # type: ignore[override]
        return self._said[0]

    @property
    def facts(self) -> tuple[Any, ...]:  # type: ignore[override]
        return self._said[1]

    @forks.cached_property
    def key(self) -> str:
        if self.name is None:
            return self.written.key
        return hashed(self.target, f"{self.name} {self._said}".encode())

    @property
    def file_name(self) -> str:
        return self.key if self.name is None else self.name

    def kept(self, read: Callable[[str], bytes | None]) -> bytes | None:
        if self.name is None:
            return read(self.key)
        expected, cached = self._line, self._object
        self.__dict__["_object"] = None
        if cached is None:  # taken before, or not kept when it was asked for
            line, _, cached = (read(self.name) or b"").partition(b"\n")
            cached = cached if line == expected else None
        return cached

    def file(self, compiled: bytes) -> bytes:
        return compiled if self.name is None else b"%b\n%b" % (self._line, compiled)

    @property
    def _line(self) -> bytes:
        return repr(self._said).encode()


def emitter_of(write: Callable[..., Any]) -> str:
    """Return the file in which a function that writes code is defined, relative to the package's sources."""
    while isinstance(write, functools.partial):
        write = write.func
    if isinstance(write, ByName):
        _, _, inside = write.module.partition("._src.")
        return inside.replace(".", "/") + ".py"
    path = Path(write.__code__.co_filename)
    return (path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else path).as_posix()


def hashed(target: Target, content: bytes) -> str:
    """A hash of content, CPU, features, and the versions of LLVM and Penstock."""
    digest = hashlib.sha256(f"{_VERSIONS}\n{target.identity}\n".encode())
    digest.update(content)
    return digest.hexdigest()[:40]


_VERSIONS = (
    f"{FORMAT} llvmlite {llvmlite.__version__} llvm {'.'.join(map(str, llvm.llvm_version_info))}"
)
