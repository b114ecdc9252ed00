"""Progress of this process: read by its heartbeat, by error messages, and by the process that watches it."""

from __future__ import annotations

import contextlib
import mmap
import time
from collections.abc import Iterator

import numpy as np

# Words: steps that have begun, exchanges that have begun, nanoseconds spent waiting for others, since when it waits (0: it does not).
STEPS, EXCHANGES, WAITED, WAITING = range(4)


class Progress:
    """Counters in memory that a forked child can share with its parent."""

    def __init__(self) -> None:
        self._words = np.zeros(4, np.int64)

    def share(self) -> None:
        """Let children forked from now on count in the memory of this process."""
        self._words = np.frombuffer(mmap.mmap(-1, self._words.nbytes), np.int64)

    def begin_step(self) -> None:
        """Counts a training step: a batch that all processes take."""
        self._words[STEPS] += 1

    def begin_exchange(self, count: int = 1) -> None:
        """Counts exchanges of values."""
        self._words[EXCHANGES] += count

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """The time of the block is spent waiting for other processes."""
        self._words[WAITING] = begun = time.perf_counter_ns()
        try:
            yield
        finally:
            self._words[WAITING] = 0
            self._words[WAITED] += time.perf_counter_ns() - begun

    @property
    def steps(self) -> int:
        """Number of steps begun."""
        return int(self._words[STEPS])

    @property
    def exchanges(self) -> int:
        """Number of exchanges begun."""
        return int(self._words[EXCHANGES])

    @property
    def address(self) -> int:
        """Address at which native code reads the words."""
        return self._words.ctypes.data

    @property
    def waited_address(self) -> int:
        """Address of native code's counter of nanoseconds spent waiting for others."""
        return self._words[WAITED:].ctypes.data

    @property
    def waited(self) -> int:
        """Nanoseconds spent waiting for others, until now."""
        waited, since = int(self._words[WAITED]), int(self._words[WAITING])
        return waited + (time.perf_counter_ns() - since if since else 0)


PROGRESS = Progress()


def place(steps: int, exchanges: int) -> str:
    """Words for how far a process has come; none if it has not begun."""
    if steps:
        return f"step {steps}"
    return f"exchange {exchanges}" if exchanges else ""
