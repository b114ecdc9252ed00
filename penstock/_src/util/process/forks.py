"""Forks: a child has the thread that forked, and of the others only the locks that they held.

A lock that protects what stays whole when its holder vanishes is made with `freed_in_child`. Where more is needed, as around
LLVM, the forking thread takes the lock first (`native/kernels.py`). Iterators of datasets have threads, which a child lacks:
they compare `count()` with what it was (`ops/data/iterator.py`).
"""

import os
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

Lock = TypeVar("Lock")

_locks: weakref.WeakSet[Any] = weakref.WeakSet()
_calls: list[Callable[[], None]] = []
_count = 0


def freed_in_child(lock: Lock) -> Lock:
    """Returns the lock, which will be free in a forked child unless the forking thread itself holds it."""
    _locks.add(lock)
    return lock


def call_in_child(function: Callable[[], None]) -> None:
    """Calls a function in each forked child."""
    _calls.append(function)


def count() -> int:
    """How many forks are between the first process and this one."""
    return _count


def _in_child() -> None:
    global _count
    _count += 1
    for lock in list(_locks):
        if not getattr(lock, "_is_owned", bool)():
            lock._at_fork_reinit()
    for function in _calls:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
