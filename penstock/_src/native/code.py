"""Code: the text of a module, and its identity.

The identity is a hash of the text. For code whose text is only written on demand, it is a name: a hash of everything that determines the
text. Code cached under a name need not be written again in later processes.

Object code is kept by the hash of its text. Under a name is kept which text that is: where the compiler's sources have changed, names are
others, and texts are written again, but LLVM does not compile again what it has compiled before.
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
from penstock._src.util.flags import flags
from penstock._src.util.lazy import ByName
from penstock._src.util.process import forks

from .cache import ObjectCache
from .cache.sources import PACKAGE
from .target import Target

# Change this when object files rely on a different process interface: the thread pool's, or symbol names.
FORMAT = "penstock-native-3"
DEFAULT_LEVEL = 2  # LLVM's optimization level for code generation


@dataclass(frozen=True, eq=False)
class Code:
    """LLVM IR text for a target, and the names of its exported functions.

    `facts` are other findings from writing the text: tuples, strings and numbers. `emitter` is the file that writes the text, for
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
    def text_key(self) -> str:
        """The identity of the text, whatever its name."""
        return self.key

    def kept(self, cache: ObjectCache) -> bytes | None:
        """Its object code, if the cache has it."""
        return cache.read(_file_of(self.key))

    def keep(self, cache: ObjectCache, compiled: bytes) -> None:
        """Put its object code into the cache."""
        cache.write(_file_of(self.key), compiled)


class NamedCode(Code):
    """Code with a text that is written only when needed: not if the object code is cached.

    The cache entry under the name has the exports and facts, which otherwise only the text would provide, and the key of the text.

    name   the hash of everything that determines the text; None: the text itself is the identity
    """

    name: str | None
    _write: Callable[[], Code]
    _cache: ObjectCache

    def __init__(self, target: Target, write: Callable[[], Code]) -> None:
        """`write` writes the text; it must hold no node of a graph, as codes are kept for long."""
        self.__dict__.update(target=target, name=None, emitter=emitter_of(write), _write=write)

    def name_it(self, name: str | None, cache: ObjectCache) -> None:
        """Set the name, before any use, and the cache that may hold exports and facts."""
        self.__dict__.update(name=name, _cache=cache)

    @forks.cached_property
    def written(self) -> Code:
        """The code with its text, which must agree with the cache entry."""
        written = replace(self._write(), emitter=self.emitter)
        said = self.__dict__.get("_said")
        if said is not None and said != (written.exports, written.facts):
            raise InternalError(
                f"The cached code of {self.name} has the exports and facts {said}, which differ from its text's."
            )
        return written

    @property
    def text(self) -> str:  # type: ignore[override]
        return self.written.text

    @forks.cached_property
    def _said(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Exports and facts: from the cache, else from the text."""
        data = None if self.name is None else self._cache.read(self.name)
        if data is None:
            return self.written.exports, self.written.facts
        exports, facts = ast.literal_eval(data.partition(b"\n")[0].decode())
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
    def text_key(self) -> str:
        return self.written.key

    def kept(self, cache: ObjectCache) -> bytes | None:
        if self.name is not None:
            line, _, key = (cache.read(self.name) or b"").partition(b"\n")
            if line == self._line and (data := cache.read(_file_of(key.decode()))) is not None:
                return data
        data = self.written.kept(cache)
        if data is not None:  # written from other sources with the same text
            self._note(cache)
        return data

    def keep(self, cache: ObjectCache, compiled: bytes) -> None:
        self.written.keep(cache, compiled)
        self._note(cache)

    def _note(self, cache: ObjectCache) -> None:
        """Record the text that belongs to the name."""
        if self.name is not None:
            cache.write(self.name, b"%b\n%b" % (self._line, self.text_key.encode()))

    @property
    def _line(self) -> bytes:
        return repr(self._said).encode()


def _file_of(key: str) -> str:
    """The name of the file of object code: that of another level of optimization is another."""
    level = flags.optimize
    return key if level == DEFAULT_LEVEL else f"{key}-O{level}"


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
