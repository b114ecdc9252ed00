"""The operating system calls that native code needs: a file per system, with one interface.

Each gives IR text that defines
    os_start(fn, arg) -> i32     runs fn(arg) on a new thread; not 0: it could not be started
    os_thread() -> i64           the calling thread, as Python's threading.get_ident() numbers it
    os_wait(word, seen)          sleeps while *word == seen (spurious wake-ups are allowed)
    os_wake(word)                wakes all threads that sleep on the word
    os_yield()                   yields the core to another thread
    os_nanoseconds() -> i64      a monotonic clock, Python's time.perf_counter_ns()
    os_note(key, value)          keeps a pointer for this thread, null on other threads, under the key in the word at `key`,
                                 which is 0 until the first note
    os_noted(key) -> ptr         that pointer
    os_block(p) -> i64           bytes of a block of malloc's; p may be null
    os_handler() -> ptr          the function that handles SIGINT; null or 1 if none does
    os_handle(fn)                makes fn(signal, ...) handle it, if a function does
    os_handled(fn)               to be called by fn at its end
and cpu_pause(), a hint to the core in a spinning loop. A new system is a new file, and its row in _SYSTEMS.
"""

import functools
import sys
from collections.abc import Callable

from penstock._src.core import errors
from penstock._src.util.process.compiler import has_compiler

from ..target import Target
from . import darwin, linux, windows

_SYSTEMS: dict[str, Callable[[str], str]] = {
    "linux": linux.text,
    "darwin": darwin.text,
    "windows": windows.text,
}
_OF_PLATFORM = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_PAUSE = {
    "x86_64": "declare void @llvm.x86.sse2.pause()\n"
    "define internal void @cpu_pause() #0 { call void @llvm.x86.sse2.pause() ret void }",
    "aarch64": "declare void @llvm.aarch64.hint(i32)\n"
    "define internal void @cpu_pause() #0 { call void @llvm.aarch64.hint(i32 1) ret void }",
}
_NO_PAUSE = "define internal void @cpu_pause() #0 { ret void }"


def is_supported(target: Target) -> bool:
    """True if native code has the system calls of the target's operating system."""
    return target.system in _SYSTEMS


@functools.cache
def runs_native_code() -> bool:
    """True if this process can run native code that is written for it: besides packs, an installation without compiler has none."""
    return has_compiler() and _OF_PLATFORM.get(sys.platform) in _SYSTEMS


def system_calls(target: Target) -> str:
    """IR text of the interface for `target`."""
    if target.system not in _SYSTEMS:
        raise errors.UnimplementedError(
            f"Thread pool: supported on {sorted(_SYSTEMS)}. Received {target.system!r}."
        )
    architecture = target.architecture
    return _SYSTEMS[target.system](architecture) + _PAUSE.get(architecture, _NO_PAUSE)


def symbols() -> dict[str, int]:
    """Addresses of functions that generated code calls in this process, if its linker would not find them."""
    return windows.symbols() if sys.platform == "win32" else {}
