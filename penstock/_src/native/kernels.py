"""The native code of the process by key; code in use, or used recently, is neither compiled nor read again."""

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import llvmlite.binding as llvm

from penstock._src.util import flags
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks, progress

from .cache import ObjectCache
from .cache.recently_used import RecentlyUsed
from .code import Code
from .compile import compile_all
from .loader import Library
from .pool import pool
from .target import host

UNUSED_KERNELS = 512  # that are kept for programs to come, of some 20 KB each


@dataclass
class KernelStatistics:
    """Counts and times of loading kernels."""

    compiled: int = 0  # with LLVM
    from_disk: int = 0  # read from the object cache
    reused: int = 0  # already in this process
    compile_seconds: float = 0.0
    load_seconds: float = 0.0


class Kernels:
    """Loads codes.  Thread-safe; compiles on as many threads as the process has cores."""

    def __init__(self, cache: ObjectCache | None = None, threads: int | None = None):
        self.cache = ObjectCache.from_flags() if cache is None else cache
        self.threads = threads or host().cores
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
            known = {c.key: self._libraries.get(c.key) for c in codes}
            loaded = {key: library for key, library in known.items() if library is not None}
            new = {c.key: c for c in codes if c.key not in loaded}
            self.statistics.reused += len(loaded)
            objects = self._objects(new)
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

    def __getitem__(self, code: Code) -> Library:
        return self.load((code,))[code.key]

    def _objects(self, new: dict[str, Code]) -> dict[str, bytes]:
        objects: dict[str, bytes] = {}
        todo: dict[
            str, list[Code]
        ] = {}  # those to compile, by their texts: of some names, texts are the same
        for key, code in new.items():
            if flags.flags.debug >= 4:
                print(code.text, file=sys.stderr)
            stored = code.kept(self.cache)
            if stored is None:
                todo.setdefault(code.text_key, []).append(code)
            else:
                objects[key] = stored
        self.statistics.from_disk += len(objects)

        def done(code: Code, data: bytes):
            for same in todo[code.text_key]:
                objects[same.key] = data
                same.keep(self.cache, data)
            progress.note("kernel", len(objects), len(new))

        start = time.perf_counter()
        if todo:
            different = [codes[0] for codes in todo.values()]
            compile_all(different, self.threads, done, verify=bool(flags.flags.verify))
        self.statistics.compiled += len(todo)
        self.statistics.compile_seconds += time.perf_counter() - start
        return objects


@functools.cache
def kernels() -> Kernels:
    """The process's kernels."""
    process_kernels = Kernels()
    # LLVM's locks would never be free in a child that was forked while another thread is in LLVM.
    forks.held_by_forks(process_kernels.held)
    forks.held_by_forks(lambda: llvm.ffi.lib._lock)
    return process_kernels
