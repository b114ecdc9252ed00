"""Python's collector of cycles, kept from running where many objects are made that all stay."""

import contextlib
import gc
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_pauses = 0
_was_enabled = False


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Keeps the collector from running, on all threads, until the last `with` of them is left.

    Graphs and programs are made of many small objects that live on: to look through them again and again while they
    are being made took up to a sixth of the time of a first step.
    """
    global _pauses, _was_enabled
    with _lock:
        if not _pauses:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses and _was_enabled:
                _count_as_old()
                gc.enable()


def _count_as_old() -> None:
    """Moves all objects to the oldest generation, so that those just made are not looked through at once.

    Both calls only join lists. A program that has frozen objects itself is left alone: they would be thawed.
    """
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
