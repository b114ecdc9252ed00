"""The native code of the process by key; code in use, or used recently, is neither compiled nor read again."""

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from penstock._src.util import flags
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks, progress

from . import llvm
from .cache import ObjectCache
from .cache.recently_used import RecentlyUsed
from .code import Code
from .llvm.compile import Compilation
from .loading import Library
from .pool import pool
from .target import usable_cores

UNUSED_KERNELS = 512  # that are kept for programs to come, of some 20 KB each


@dataclass
class KernelStatistics:
    """Counts and times of loading kernels."""

    compiled: int = 0  # with LLVM
    from_packs: int = 0  # read from signed packs
    from_disk: int = 0  # read from the object cache
    reused: int = 0  # already in this process
    compile_seconds: float = 0.0  # writing texts included
    load_seconds: float = 0.0


class Kernels:
    """Loads codes.  Thread-safe; compiles on as many threads as the process has cores."""

    def __init__(self, cache: ObjectCache | None = None, threads: int | None = None):
        self.cache = ObjectCache.from_flags() if cache is None else cache
        self.threads = threads or usable_cores()
        self.statistics = KernelStatistics()
        self._libraries = RecentlyUsed[str, Library](UNUSED_KERNELS)
        self._lock = threading.RLock()

    def held(self) -> contextlib.AbstractContextManager[Any]:
        """Waits until no thread loads code; no loading starts before the context ends."""
        return self._lock

    def load(self, codes: Iterable[Code]) -> dict[str, Library]:
        """Makes every code executable; returns {key: Library}. Code stays loaded while its Library is alive."""
        codes = list(codes)
        with self._lock:
            pool()  # kernels may link to the pool's functions
            loaded: dict[str, Library] = {}
            objects, new = self._objects(codes, loaded)
            start = time.perf_counter()
            equal: dict[
                tuple[bytes, tuple[str, ...]], Library
            ] = {}  # codes of other names may be the same
            for key, code in new.items():
                content = objects[key], code.exports
                if content not in equal:
                    equal[content] = Library(*content)
                loaded[key] = self._libraries[key] = equal[content]
            self.statistics.load_seconds += time.perf_counter() - start
            return loaded

    def objects(self, codes: Iterable[Code]) -> dict[str, bytes]:
        """The object code of codes by their keys, compiled if it is not cached; nothing is loaded."""
        with self._lock:
            return self._objects(list(codes), {})[0]

    def __getitem__(self, code: Code) -> Library:
        return self.load((code,))[code.key]

    def _objects(
        self, codes: Sequence[Code], loaded: dict[str, Library]
    ) -> tuple[dict[str, bytes], dict[str, Code]]:
        """The object code of codes that are not loaded, and these by key; adds the libraries of others to `loaded`.

        A code may have to be written before its key is known: LLVM compiles those that are written meanwhile.
        """
        batch = _Batch(self.cache, len(codes))
        start = time.perf_counter()
        verify = bool(flags.flags.verify)
        with Compilation(self.threads, batch.compiled, verify=verify) as compilation:
            for code in codes:
                library = self._libraries.get(code.key)
                if library is not None:
                    loaded[code.key] = library
                elif batch.add(code):
                    compilation.add(code)
        batch.share_equal()
        self.statistics.reused += len(loaded)
        self.statistics.from_packs += batch.from_packs
        self.statistics.from_disk += batch.from_disk
        self.statistics.compiled += len(batch.to_compile)
        self.statistics.compile_seconds += time.perf_counter() - start if batch.to_compile else 0.0
        return batch.objects, batch.codes


class _Batch:
    """Codes that are loaded together.

    Attributes:
      codes: by their keys.
      objects: object code by the key of its code; complete after `share_equal`.
      to_compile: codes that are stored nowhere, by their texts: codes of different names may have equal texts.
      from_packs: number of codes whose object code came from packs.
      from_disk: number of codes whose object code came from the cache.
    """

    def __init__(self, cache: ObjectCache, total: int) -> None:
        self._cache, self._total = cache, total
        self.codes: dict[str, Code] = {}
        self.objects: dict[str, bytes] = {}
        self.to_compile: dict[str, list[Code]] = {}
        self._compiled: dict[str, bytes] = {}
        self.from_packs = self.from_disk = 0

    def add(self, code: Code) -> bool:
        """Adds a code unless one of its key is there; True if it is to be compiled."""
        if code.key in self.codes:
            return False
        self.codes[code.key] = code
        packed = code.packed
        if packed is not None:
            self.from_packs += 1
            self.objects[code.key] = packed.content
            return False
        if flags.flags.debug >= 4:
            print(code.text, file=sys.stderr)
        stored = code.kept(self._cache)
        if stored is not None:
            self.from_disk += 1
            self.objects[code.key] = stored
            return False
        equal = self.to_compile.setdefault(code.text_key, [])
        equal.append(code)
        return len(equal) == 1

    def compiled(self, code: Code, data: bytes) -> None:
        """Notes the object code of a code that `add` asked to compile."""
        self._compiled[code.text_key] = data
        code.keep(self._cache, data)
        progress.note("kernel", len(self.objects) + len(self._compiled), self._total)

    def share_equal(self) -> None:
        """Gives the compiled object code to all codes of equal text."""
        for text, equal in self.to_compile.items():
            for code in equal:
                self.objects[code.key] = self._compiled[text]
                if code is not equal[0]:
                    code.keep(self._cache, self._compiled[text])


@functools.cache
def kernels() -> Kernels:
    """The process's kernels."""
    process_kernels = Kernels()
    forks.held_by_forks(process_kernels.held)
    forks.held_by_forks(llvm.lock)
    return process_kernels
