"""Deadlines of runs: times of Python's performance counter, in nanoseconds, which native code reads too, by which a thread's run must end.

Programs look between their launches, operations on the host before they begin, queues while they wait. `SET` has an entry for each
deadline of any thread, so that runs without one look at nothing else.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

from penstock._src.core.errors import DeadlineExceededError

SET: list[int] = []


class _Current(threading.local):
    at = 0  # 0: none


_CURRENT = _Current()
MESSAGE = "Timed out waiting for notification"


@contextlib.contextmanager
def deadline(milliseconds: int) -> Iterator[None]:
    """Within the block, runs of this thread raise DeadlineExceededError after so long; 0 or less is no deadline."""
    if milliseconds <= 0:
        yield
        return
    before = _CURRENT.at
    _CURRENT.at = time.perf_counter_ns() + milliseconds * 1_000_000
    SET.append(_CURRENT.at)
    try:
        yield
    finally:
        SET.remove(_CURRENT.at)
        _CURRENT.at = before


def current() -> int:
    """This thread's deadline, or 0."""
    return _CURRENT.at


def check() -> None:
    """Raises DeadlineExceededError if this thread's deadline has passed."""
    if _CURRENT.at and time.perf_counter_ns() > _CURRENT.at:
        raise DeadlineExceededError(MESSAGE)


def wait(condition: threading.Condition) -> None:
    """Waits for a notification, until the deadline at most.

    Raises:
      DeadlineExceededError: none came.
    """
    if not _CURRENT.at:
        condition.wait()
        return
    condition.wait(max(0, _CURRENT.at - time.perf_counter_ns()) / 1e9)
    check()
