"""The process's pool of threads, which generated code calls by name (`process/workers.py`)."""

import ctypes
import os
import threading

from penstock._src.core import errors
from penstock._src.util import flags
from penstock._src.util.process import forks

from . import python_calls as py
from .cache import ObjectCache
from .code import ModuleCode
from .language.module import Module
from .llvm.compile import compile_object, machine_for
from .loading import Library, provide
from .process import array_memory, bounds, denormals, float16_calls, interrupts, workers
from .systems import system_calls
from .target import host, usable_cores


def write_pool(module: Module) -> None:
    """Writes the pool's native code, with other code that exists once in a process."""
    target = module.target
    module.raw(system_calls(target) + workers.TEXT, workers.EXPORTS)
    module.raw(denormals.text(target), denormals.EXPORTS)
    module.raw(array_memory.TEXT, array_memory.EXPORTS)
    module.raw(interrupts.TEXT, interrupts.EXPORTS)
    module.raw(bounds.TEXT, bounds.EXPORTS)
    module.raw(float16_calls.text(target), float16_calls.exports(target))


class Pool:
    """The process's pool. Generated code calls `penstock_pool_run` by name."""

    def __init__(self, threads: int):
        cache = ObjectCache.from_flags()
        code = ModuleCode(write_pool, (), cache)
        data = code.packed.content if code.packed else code.kept(cache)
        if data is None:
            data = compile_object(code.text, machine_for(host()))
            code.keep(cache, data)
        self.library = Library(data, code.exports)
        for name in code.exports:
            # NumPy has those functions' addresses: no kernel calls them.
            if name not in array_memory.EXPORTS:
                provide(name, self.library[name])
        self._resize = self.library.function("penstock_pool_resize", ctypes.c_int64)
        self._threads = self.library.function("penstock_pool_threads", result=ctypes.c_int64)
        self._work_alone = self.library.function("penstock_pool_work_alone", ctypes.c_int64)
        self._noting = forks.freed_in_child(threading.Lock())
        self._run = self.library.function(
            "penstock_pool_run", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
        )
        self.call_flushing = py.builtin(self.library["py_call_flushing"], "call_flushing")
        self._resize(_checked(threads))
        array_memory.watch_arrays(self.library)
        interrupts.watch_interrupts(self.library)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.library.function("penstock_pool_forked"))

    @property
    def threads(self) -> int:
        """The number of threads, including the caller."""
        return self._threads()

    def resize(self, threads: int) -> None:
        """Sets the number of threads; waits until the pool is idle."""
        self._resize(_checked(threads))

    def work_alone(self, alone: bool = True) -> None:
        """Makes the calling thread run all tasks of its jobs itself.

        This is for programs with at least as many threads as cores: they keep all cores busy, and workers would only compete
        with them.
        """
        with self._noting:
            self._work_alone(int(alone))

    def run(self, function: int, context: int, tasks: int) -> None:
        """Runs the tasks of the function at that address; for tests and tools."""
        self._run(function, context, tasks, self.threads)


def _checked(threads: int) -> int:
    """The number of threads, if a pool can have it; else raises InvalidArgumentError."""
    if not 1 <= threads <= workers.MOST_THREADS:
        raise errors.InvalidArgumentError(
            f"Thread pool: expected a size from 1 to {workers.MOST_THREADS}. Received {threads}."
        )
    return threads


_pools: list[Pool] = []  # the process's pool, after first use
_wanted = [0]  # the requested number of threads; 0: the default
_making = forks.freed_in_child(threading.Lock())


def pool() -> Pool:
    """The process's pool, created on first use with the requested threads, PENSTOCK_THREADS or one per usable core."""
    if not _pools:
        with _making:
            if not _pools:
                _pools.append(Pool(wanted_threads()))
    return _pools[0]


def wanted_threads() -> int:
    """The number of threads that the process's pool has, or will have."""
    if _pools:
        return _pools[0].threads
    return _wanted[0] or flags.flags.threads or usable_cores()


def ask_for_threads(threads: int) -> bool:
    """Requests the number of threads of the process's pool (0: the default); returns False if the pool exists already."""
    with _making:
        if not _pools:
            _wanted[0] = threads
        return not _pools
