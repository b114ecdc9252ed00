"""Keeps Python's cyclic garbage collector from many long-lived objects: while they are created, and afterwards.

It is paused while modules are imported, and graphs and programs built: scanning objects that all stay alive took up to a sixth of that time.
"""

import contextlib
import gc
import threading
from collections.abc import Iterator

from . import forks
from .layouts import FREE_THREADED

# Reentrant: a collection that begins while it is held calls finalizers, which may pause.
_lock = forks.freed_in_child(threading.RLock())
_pauses = 0
_own = threading.local()  # pauses of the thread
_was_enabled = False
_uncollected = 0  # objects made in pauses since the last full collection
_kept = 0  # objects that it left
_has_frozen = False  # objects were frozen when last counted
_has_settled = False
MOST_UNCOLLECTED = 200_000


@contextlib.contextmanager
def paused(lasting: bool = False) -> Iterator[None]:
    """Disables the collector on all threads until the last such `with` block ends.

    Graphs and programs consist of many small long-lived objects. Collections while they are created took up to a sixth of
    the time of a first step.

    Args:
      lasting: what the block creates is kept for ever, as modules are: it brings the next full collection no nearer. (One of 0.3 s, which found
        little, came while Keras was imported.)
    """
    global _pauses, _was_enabled
    with _lock:
        if not _pauses:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
        _own.pauses = getattr(_own, "pauses", 0) + 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            _own.pauses -= 1
            is_due = not _pauses and _was_enabled and _end(lasting)
        if is_due:
            _collect()


def settle() -> None:
    """Collects garbage, and leaves the objects that remain out of later collections, until this is called again.

    For a process that has made its long-lived objects: each full collection looked at all of them, 60 ms for a server of one model.
    """
    global _uncollected, _kept, _has_settled
    if _has_settled:  # objects that it kept may be garbage now
        gc.unfreeze()
    _has_settled = True
    gc.collect()
    _uncollected = _kept = 0
    keep_modules()


def keep_modules() -> None:
    """Leaves all objects that there are out of later collections, until `settle` has been called twice.

    For a process that has imported its modules, which are never garbage.
    """
    global _has_frozen
    gc.freeze()
    _has_frozen = True


def _end(lasting: bool) -> bool:
    """Enables the collector again; returns whether a full collection is due."""
    global _uncollected
    _uncollected += 0 if lasting else gc.get_count()[0]
    _count_as_old()
    gc.enable()
    return _uncollected > max(MOST_UNCOLLECTED, _kept // 4)


def _collect() -> None:
    """Collects all generations: Python does so only after enough collections of the younger ones, which these objects do not trigger."""
    global _uncollected, _kept
    _uncollected = 0
    gc.collect()
    _kept = len(gc.get_objects())


def _in_child() -> None:
    """Ends the pauses of threads that a forked child does not have."""
    global _pauses
    before, _pauses = _pauses, getattr(_own, "pauses", 0)
    if before and not _pauses and _was_enabled:
        gc.enable()


forks.call_in_child(_in_child)


def _count_as_old() -> None:
    """Moves all objects to the oldest generation, so that the next collection skips the new ones.

    Both calls only concatenate lists. Does nothing if the program itself has frozen objects, which would be unfrozen, and in a Python without
    GIL, which has one generation: there both calls stop all threads and visit all objects. Frozen objects are counted until there are some, as
    counting visits each of them. In a program that thaws them later, collections go over new objects once more.
    """
    global _has_frozen
    if FREE_THREADED or _has_frozen:
        return
    _has_frozen = gc.get_freeze_count() > 0
    if not _has_frozen:
        gc.freeze()
        gc.unfreeze()
