"""Deadlines of runs, and cancellation of a run by another thread.

A deadline is the time by which a thread's run must end, in nanoseconds of Python's performance counter (native code reads the same clock).
Programs check it between kernel launches, host operations before they start, queues while they wait. `SET` has an entry for each
deadline and each cancellable run of any thread: while it is empty, a run checks nothing else.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from penstock._src.core.errors import DeadlineExceededError, OpError

SET: list[int] = []
# The entry of a run that may be cancelled and has no deadline.
_NEVER = 0


class Cancellation:
    """Means for other threads to end runs within `cancellable(self)`: waiting ones, and those about to begin."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._error: OpError | None = None
        self._conditions: list[threading.Condition] = []

    def cancel(self, error: OpError) -> None:
        """Makes runs raise `error`."""
        with self._lock:
            self._error = self._error or error
            conditions = list(self._conditions)
        for condition in conditions:
            with condition:
                condition.notify_all()

    def check(self) -> None:
        """Raises the error, if there is one."""
        if self._error is not None:
            raise self._error

    @contextlib.contextmanager
    def waking(self, condition: threading.Condition) -> Iterator[None]:
        """Within the block, in which this thread holds the condition, `cancel` wakes those that wait for it."""
        with self._lock:
            self._conditions.append(condition)
        try:
            yield
        finally:
            with self._lock:
                self._conditions.remove(condition)


class _Current(threading.local):
    at = 0  # 0: none
    cancellation: Cancellation | None = None


_CURRENT = _Current()
MESSAGE = "Timed out waiting for notification"


@contextlib.contextmanager
def deadline(milliseconds: int) -> Iterator[None]:
    """Within the block, runs of this thread raise DeadlineExceededError after `milliseconds`; 0 or less means none."""
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


@contextlib.contextmanager
def cancellable(cancellation: Cancellation) -> Iterator[None]:
    """Within the block, `cancellation` ends runs of this thread."""
    before, _CURRENT.cancellation = _CURRENT.cancellation, cancellation
    SET.append(_NEVER)
    try:
        yield
    finally:
        SET.remove(_NEVER)
        _CURRENT.cancellation = before


def current() -> int:
    """This thread's deadline, or 0."""
    return _CURRENT.at


def milliseconds_left() -> int:
    """Return the milliseconds until this thread's deadline, at least 1; 0 if it has none."""
    if not _CURRENT.at:
        return 0
    return max(1, (_CURRENT.at - time.perf_counter_ns()) // 1_000_000)


def check() -> None:
    """Raises DeadlineExceededError if this thread's deadline has passed, or the error with which its run was cancelled."""
    if _CURRENT.at and time.perf_counter_ns() > _CURRENT.at:
        raise DeadlineExceededError(MESSAGE)
    if _CURRENT.cancellation is not None:
        _CURRENT.cancellation.check()


def wait(condition: threading.Condition, seconds: float | None = None) -> None:
    """Waits for a notification, until the deadline or `seconds` at most.

    Raises:
      DeadlineExceededError: none came until the deadline.
      OpError: the run was cancelled.
    """
    if _CURRENT.at:
        left = max(0, _CURRENT.at - time.perf_counter_ns()) / 1e9
        seconds = left if seconds is None else min(left, seconds)
    cancellation = _CURRENT.cancellation
    if cancellation is None:
        condition.wait(seconds)
    else:
        with cancellation.waking(condition):
            cancellation.check()
            condition.wait(seconds)
    check()


def wait_for(
    condition: threading.Condition, holds: Callable[[], bool], seconds: float | None = None
) -> bool:
    """Waits until `holds()`, or for `seconds` at most; returns whether it holds. Raises as `wait` does."""
    until = None if seconds is None else time.monotonic() + seconds
    while not holds():
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            return False
        wait(condition, left)
    return True
