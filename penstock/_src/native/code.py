"""Code: the text of a module, and its identity.

The identity is a hash of the text. For code whose text is only written on demand, it is a name: a hash of everything that determines the
text. Code cached under a name need not be written again in later processes. A name is made of an *identity*, what the code computes and for which
target, and the state of the sources; packs, which travel, have code by identity (cache/packs).

Object code is kept by the hash of its text. Under a name is kept which text that is: where the compiler's sources have changed, names are
others, and texts are written again, but LLVM does not compile again what it has compiled before.
"""

import ast
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from penstock._src.core.errors import InternalError, UnimplementedError
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags
from penstock._src.util.lazy import ByName
from penstock._src.util.process import forks, layout_samples, layouts
from penstock._src.util.process.compiler import has_compiler
from penstock._src.version import OWN_VERSION

from . import llvm
from .cache import ObjectCache
from .cache.packs import Pack, PackedCode, packs_in_use
from .cache.sources import OF_MODULES, OF_OBJECTS, PACKAGE, digest_of
from .language.module import Module
from .target import Target, host, level, levels_of_host

# Change this when object files rely on a different process interface: the thread pool's, or symbol names.
FORMAT = "penstock-native-3"
DEFAULT_LEVEL = 2  # LLVM's optimization level for code generation


class Code:
    """LLVM IR text for a target, and the names of its exported functions.

    `facts` are other findings from writing the text: tuples, strings and numbers. `emitter` is the file that writes the text, for
    reports: "compiler/codegen/nests/nest.py"; empty for code that is not reported.
    """

    text: str
    exports: tuple[str, ...]
    target: Target
    facts: tuple[Any, ...]
    emitter: str

    @staticmethod
    def of(module: Module, facts: tuple[Any, ...] = ()) -> "WrittenCode":
        """The code of a Module, which is finished by that."""
        if module.code is None:
            _require(tuple(module.layouts))
            module.code = WrittenCode(
                str(module), tuple(module.exports), module.target, facts=facts
            )
            module.parts.clear()  # kernels' emitters live long
        return module.code

    @forks.cached_property
    def key(self) -> str:
        """The permanent identity of this code: a hash of text, CPU, features, the version of LLVM, and how Penstock calls it."""
        return hashed(self.target, self.text.encode())

    @property
    def text_key(self) -> str:
        """The identity of the text, whatever its name."""
        return self.key

    @property
    def packed(self) -> PackedCode | None:
        """Its object code in a pack, if one in use has it."""
        return None

    def kept(self, cache: ObjectCache) -> bytes | None:
        """Its object code, if the cache has it."""
        return cache.read(file_of(self.key))

    def keep(self, cache: ObjectCache, compiled: bytes) -> None:
        """Put its object code into the cache."""
        cache.write(file_of(self.key), compiled)


Said = tuple[tuple[str, ...], tuple[Any, ...]]  # exports and facts of a code


@dataclass(frozen=True, eq=False)
class WrittenCode(Code):
    """Code that has its text."""

    text: str
    exports: tuple[str, ...]
    target: Target
    facts: tuple[Any, ...] = field(default=(), kw_only=True)
    emitter: str = field(default="", kw_only=True)


class CachedCode(Code):
    """Code with a text that is written only when needed: not if the object code is cached.

    The cache entry under the name has the exports and facts, which otherwise only the text would provide, and the key of the text.

    name      the hash of everything that determines the text; None: the text itself is the identity
    identity  the part of the name that is the same wherever these sources are; empty: no pack has the code
    """

    identity: str

    def __init__(self, emitter: str, cache: ObjectCache | None) -> None:
        """`cache` may hold exports and facts."""
        self.emitter = emitter
        self._cache = cache
        self._known: Said | None = None  # exports and facts, once they are needed
        # The cache's entry, from reading exports and facts until the object code is asked for.
        self._entry: bytes | None = None

    def _find_name(self) -> str | None:
        raise NotImplementedError

    def _write(self) -> Code:
        raise NotImplementedError

    @forks.cached_property
    def name(self) -> str | None:
        return self._find_name()

    @forks.cached_property
    def written(self) -> Code:
        """The code with its text, which must agree with the cache entry."""
        written = self._write()
        if self._known is not None and self._known != (written.exports, written.facts):
            raise InternalError(
                f"The cached code of {self.name} has the exports and facts {self._known}, which differ from its text's."
            )
        return written

    @property
    def text(self) -> str:  # type: ignore[override]
        return self.written.text

    @property
    def _said(self) -> Said:
        """Exports and facts: from the pack or the cache, else from the text."""
        if self._known is None:
            self._known = self._find_said()
        return self._known

    def _find_said(self) -> Said:
        if self.packed is not None:
            return self.packed.exports, self.packed.facts
        data = None if self._cache is None else self._entry_in(self._cache)
        if data is None:
            return self.written.exports, self.written.facts
        self._entry = data
        exports, facts = ast.literal_eval(data.split(b"\n")[0].decode())
        return exports, facts

    @property
    def exports(self) -> tuple[str, ...]:  # type: ignore[override]
        return self._said[0]

    @property
    def facts(self) -> tuple[Any, ...]:  # type: ignore[override]
        return self._said[1]

    @forks.cached_property
    def key(self) -> str:
        if self.packed is not None:  # known without LLVM's version
            content = f"{FORMAT} {self._said}\n".encode() + self.packed.content
            return hashlib.sha256(content).hexdigest()[:40]
        if not self.name:
            return self.written.key
        return hashed(self.target, f"{self.name} {self._said}".encode())

    @property
    def text_key(self) -> str:
        return self.written.key

    def kept(self, cache: ObjectCache) -> bytes | None:
        own = self._line
        if (entry := self._entry_in(cache)) is not None:
            line, key, *_ = entry.split(b"\n")
            # Other exports or facts under the same name mean that the sources have changed.
            if line == own and (data := cache.read(file_of(key.decode()))) is not None:
                return data
        data = self.written.kept(cache)
        if data is not None:  # written from other sources with the same text
            self._note(cache)
        return data

    def _entry_in(self, cache: ObjectCache) -> bytes | None:
        """The cache's entry under the name, or the one that was just read for exports and facts."""
        entry, self._entry = self._entry, None
        if entry is not None and cache is self._cache:
            return entry
        return None if self.name is None else cache.read(self.name)

    def keep(self, cache: ObjectCache, compiled: bytes) -> None:
        self.written.keep(cache, compiled)
        self._note(cache)

    def _note(self, cache: ObjectCache) -> None:
        """Record the text that belongs to the name, and the identity, by which the code can be exported."""
        if self.name is not None:
            note(cache, self.name, self._said, self.text_key, self.identity)

    @property
    def _line(self) -> bytes:
        return repr(self._said).encode()


class NamedCode(CachedCode):
    """The code of a kernel."""

    def __init__(self, target: Target, write: Callable[[], Code]) -> None:
        """`write` writes the text; it must hold no node of a graph, as codes are kept for long."""
        super().__init__(emitter_of(write), None)
        self.target = target
        self.identity = ""
        self._writer = write
        self._namer: Callable[[], str | None] = _nameless
        self._pack: Pack | None = None

    def name_it(
        self,
        name: Callable[[], str | None],
        cache: ObjectCache,
        identity: str = "",
        pack: Pack | None = None,
    ) -> None:
        """Set the name, before any use, the cache that may hold exports and facts, and the pack that may have the code.

        A function returns the name, which has LLVM's version: code from a pack needs neither.
        """
        self._namer, self._cache, self.identity, self._pack = name, cache, identity, pack

    @forks.cached_property
    def packed(self) -> PackedCode | None:  # type: ignore[override]
        return self._pack.code(self.identity) if self._pack and self.identity else None

    def _find_name(self) -> str | None:
        return self._namer()

    def _write(self) -> Code:
        return self._writer()


def _nameless() -> None:
    return None


class ModuleCode(CachedCode):
    """The code of a module that a process needs once, such as the thread pool, written by a function from strings and numbers.

    Object code for any processor of the machine's kind serves: that of a pack in use may be for a lesser one than the target.
    """

    def __init__(
        self,
        write: Callable[..., None],
        arguments: tuple[str | int, ...],
        cache: ObjectCache,
        target: Target | None = None,
        kinds: tuple[str, ...] = layouts.OF_ALL_CODE,
    ) -> None:
        """`write(module, *arguments)` writes the module, by default for this process, which then may take it from a pack.

        Raises:
          UnimplementedError: objects of some of the kinds, whose fields the module reads or writes, are laid out otherwise than it assumes.
        """
        # Without a pack's code, the target is found by LLVM.
        super().__init__(emitter_of(write), cache)
        self._writer, self._arguments, self._kinds = write, arguments, kinds
        self._target = target
        _require(kinds)
        if target is None:
            MODULES.setdefault((write, arguments), kinds)

    @forks.cached_property
    def target(self) -> Target:  # type: ignore[override]
        return self._target or host()

    @forks.cached_property
    def identity(self) -> str:  # type: ignore[override]
        return self._identity_for(self.target)

    def _identity_for(self, target: Target) -> str:
        facts = self._writer.__module__, self._writer.__qualname__, self._arguments
        return identity_of("module", target, repr((facts, layouts.LAYOUTS.of(self._kinds))))

    def _find_name(self) -> str | None:
        return name_of_module(self.identity)

    def _write(self) -> Code:
        m = Module(self.target)
        self._writer(m, *self._arguments)
        if not m.layouts.issubset(self._kinds):
            raise InternalError(
                f"{self.emitter} uses the layouts of {sorted(m.layouts)}; its key holds those of {self._kinds}."
            )
        return Code.of(m)

    @forks.cached_property
    def packed(self) -> PackedCode | None:  # type: ignore[override]
        if self._target is not None:
            return None
        levels = [level(name) for name in levels_of_host()] if packs_in_use() else []
        for target in levels:
            identity = self._identity_for(target)
            for pack in packs_in_use():
                code = pack.code(identity)
                if code is not None:
                    return code
        return None


def _require(kinds: tuple[str, ...]) -> None:
    differing = layout_samples.differing(kinds) if kinds else ()
    if differing:
        raise UnimplementedError(
            None,
            None,
            f"Native code: objects of {layout_samples.libraries()} are laid out otherwise than it assumes: {', '.join(differing)}.",
        )


# The modules that this process has needed so far, in order: functions and arguments, and the kinds of objects whose fields they use.
MODULES: dict[tuple[Callable[..., None], tuple[str | int, ...]], tuple[str, ...]] = {}


def identity_of(kind: str, target: Target, content: str) -> str:
    """Name of a code by its computation, its kind ("kernel" or "module") and its target; equal in all installations of these sources."""
    facts = f"{target.identity} {target.vector_bytes} {target.registers} {target.sum_threads}"
    digest = hashlib.sha256(f"{FORMAT}\n{facts}\n{content}".encode()).hexdigest()
    return f"{kind}-{digest[:40]}"


def note(
    cache: ObjectCache,
    name: str,
    said: tuple[tuple[str, ...], tuple[Any, ...]],
    key: str,
    identity: str,
) -> None:
    """Keep under a name the exports and facts of a code, the key of its object code, and its identity."""
    cache.write(name, f"{said!r}\n{key}\n{identity}".encode())


def name_of_module(identity: str) -> str | None:
    """The name of a module in this user's cache; None if the sources are not files."""
    return None if _SOURCES is None else name_of(_SOURCES, identity)


def name_of(sources: str, identity: str) -> str:
    """The name of a code in this user's cache, for a state of the sources."""
    facts = f"{versions()}\n{libraries()}\n{sources}\n{identity}"
    return hashlib.sha256(facts.encode()).hexdigest()[:40]


def file_of(key: str) -> str:
    """The name of the file of object code: that of another level of optimization is another."""
    level = flags.optimize
    return key if level == DEFAULT_LEVEL else f"{key}-O{level}"


def emitter_of(write: Callable[..., Any]) -> str:
    """Return the file in which a function that writes code is defined, relative to the package's sources."""
    write = inspect.unwrap(write)  # of a kernel: its function
    while isinstance(write, functools.partial):
        write = write.func
    if isinstance(write, ByName):
        _, _, inside = write.module.partition("._src.")
        return inside.replace(".", "/") + ".py"
    path = Path(write.__code__.co_filename)
    return (path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else path).as_posix()


def hashed(target: Target, content: bytes) -> str:
    """A hash of content, CPU, features, the version of LLVM, and how Penstock calls it."""
    digest = hashlib.sha256(f"{versions()}\n{_COMPILER}\n{target.identity}\n".encode())
    digest.update(content)
    return digest.hexdigest()[:40]


@functools.cache
def versions() -> str:
    """Versions that object code in this user's cache depends on."""
    return f"{FORMAT} {llvm.versions() if has_compiler() else 'run-only'}"


def libraries() -> str:
    """Versions that texts and plans depend on: of what computes constants, and of Python, whose objects modules read."""
    return f"python {sys.version} numpy {np.__version__} ml_dtypes {ml_dtypes.__version__}"


# The states of the sources that write modules, and that call LLVM: an installation without sources is known by its version. Computed when this is
# loaded: if they change while this process runs, it still has the old code.
_SOURCES = digest_of(OF_MODULES)
_COMPILER = digest_of(OF_OBJECTS) or OWN_VERSION
