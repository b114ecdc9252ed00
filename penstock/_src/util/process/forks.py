"""Forks: a child has the thread that forked, and of the others only the locks that they held.

A lock that protects what stays whole when its holder vanishes is made with `freed_in_child`. Where more is needed, as around
LLVM, the forking thread takes the lock first (`held_by_forks`). A fork waits until no other thread imports a module, since
ops are imported when they are first used. Iterators of datasets have threads, which a child lacks: they compare `count()`
with what it was (`ops/data_iterators/handle.py`).
"""

import contextlib
import functools
import importlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Lock = TypeVar("Lock")
T = TypeVar("T")
PATIENCE = 10.0  # seconds that a fork waits for the imports of other threads

_locks: weakref.WeakSet[Any] = weakref.WeakSet()
_calls: list[Callable[[], None]] = []
_contexts: list[Callable[[], contextlib.AbstractContextManager[Any]]] = []
_held = contextlib.ExitStack()  # by the thread that forks
_count = 0


def freed_in_child(lock: Lock) -> Lock:
    """Returns the lock, which will be free in a forked child unless the forking thread itself holds it."""
    _locks.add(lock)
    return lock


def call_in_child(function: Callable[[], None]) -> None:
    """Calls a function in each forked child."""
    _calls.append(function)


def held_by_forks(context: Callable[[], contextlib.AbstractContextManager[Any]]) -> None:
    """Run each fork within a context, which ends in the parent and in the child."""
    _contexts.append(context)


class cached_property(functools.cached_property[T]):
    """A property computed once; Python 3.11 holds a lock meanwhile, which is free in a child."""

    def __init__(self, func: Callable[[Any], T]) -> None:
        super().__init__(func)
        if (lock := getattr(self, "lock", None)) is not None:
            freed_in_child(lock)


def count() -> int:
    """Return the number of forks between the first process and this one."""
    return _count


def _locks_of_modules() -> dict[str, Any]:
    """Python's own list of the locks of modules that are being imported."""
    return getattr(importlib._bootstrap, "_module_locks", {})


def _importers() -> Iterator[int]:
    """The threads that hold locks of modules."""
    for reference in list(_locks_of_modules().values()):
        owner = getattr(reference(), "owner", None)
        if owner is not None:
            yield owner


def _another_imports() -> bool:
    return any(owner != threading.get_ident() for owner in _importers())


def _before() -> None:
    """Enters the contexts at a moment at which no other thread imports."""
    deadline = time.monotonic() + PATIENCE
    while True:
        while _another_imports() and time.monotonic() < deadline:
            time.sleep(0.001)
        for context in _contexts:
            _held.enter_context(context())
        if not _another_imports() or time.monotonic() >= deadline:
            return
        _held.close()


def _in_child() -> None:
    global _count
    _count += 1
    _held.close()
    if _another_imports():  # a module that is half there is an error, its lock would never be free
        _locks_of_modules().clear()
    for lock in list(_locks):
        if not getattr(lock, "_is_owned", bool)():
            lock._at_fork_reinit()
    for function in _calls:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_held.close, after_in_child=_in_child)
