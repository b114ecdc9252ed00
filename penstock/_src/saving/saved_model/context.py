"""State of this thread's SavedModel export: is one being written, and with which options?"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class _Saving(threading.local):
    active = False
    options: Any = None


_SAVING = _Saving()


@contextlib.contextmanager
def save_context(options: Any) -> Iterator[None]:
    """A context in which a SavedModel is written.

    Raises:
      ValueError: the thread is in one already.
    """
    if in_save_context():
        raise ValueError("Already in a SaveContext.")
    _SAVING.active, _SAVING.options = True, options
    try:
        yield
    finally:
        _SAVING.active, _SAVING.options = False, None


def in_save_context() -> bool:
    """True if a SavedModel is being written by this thread."""
    return _SAVING.active


def get_save_options() -> Any:
    """Returns the options with which it is written.

    Raises:
      ValueError: none is being written.
    """
    if not in_save_context():
        raise ValueError("Not in a SaveContext.")
    return _SAVING.options
