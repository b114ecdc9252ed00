"""Processes that end with the one that started them."""

from __future__ import annotations

import ctypes
import os
import sys

SET_PARENT_DEATH_SIGNAL = 1  # number of an option of prctl


def end_with(parent: int, ending: int) -> None:
    """Lets this process get a signal when its parent dies, where the system can do that.

    Args:
      parent: the process that should be the parent; if it has died already, this process ends at once.
      ending: the signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, ending)
        if os.getppid() != parent:
            os._exit(1)
