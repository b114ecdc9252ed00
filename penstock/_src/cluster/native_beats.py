"""Beats that native code sends by MPI, besides those of heartbeat.py: a process that waits for the interpreter's lock sends none itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from penstock._src.cluster import heartbeat
from penstock._src.cluster.description import Cluster
from penstock._src.cluster.progress import PROGRESS as COUNTERS
from penstock._src.cluster.transport import NativeCalls, as_word

# Words of the state of the thread: addresses of functions, MPI's handles, the ranks of this process and of the one that listens, addresses of
# progress.Progress's words, of the message and of MPI's records, how many slices of sleep are between beats and have passed,
# whether a message is on its way, whether the thread has begun.
(
    ISEND, TEST, WORD_TYPE, COMMUNICATOR, RANK, FOLLOWING, PROGRESS, MESSAGE, REQUEST, STATUS,
    EVERY, SLICES, GOING, RUNNING, STOP, WORDS,
) = range(16)  # fmt: skip
SLICE = 0.02  # seconds of sleep
# Runs the beats of a state in the thread that calls it, without the interpreter's lock, until STOP is set. Native code's: a layer
# above this one puts it here.
SENDERS: list[Callable[[np.ndarray], None]] = []


class NativeBeats:
    """Sends beats until it is stopped.

    Args:
      calls: how MPI is called.
      communicator: the handle of the heartbeat's.
      cluster: the processes.
      pause: seconds between beats.
    """

    def __init__(
        self, calls: NativeCalls, communicator: int, cluster: Cluster, pause: float
    ) -> None:
        self._words = np.zeros(WORDS, np.int64)
        self._message = np.zeros(heartbeat.WORDS, np.int64)
        self._records = [
            np.zeros(size, np.uint8) for size in (calls.request_bytes, calls.status_bytes)
        ]
        for word, value in (
            (ISEND, calls.functions["MPI_Isend"]),
            (TEST, calls.functions["MPI_Test"]),
            (WORD_TYPE, calls.types["int64"]),
            (COMMUNICATOR, communicator),
            (RANK, cluster.rank),
            (FOLLOWING, (cluster.rank + 1) % cluster.size),
            (PROGRESS, COUNTERS.address),
            (MESSAGE, self._message.ctypes.data),
            (REQUEST, self._records[0].ctypes.data),
            (STATUS, self._records[1].ctypes.data),
            (EVERY, max(1, int(pause / SLICE))),
        ):
            self._words[word] = as_word(value)
        self._threads = [
            threading.Thread(target=run, args=(self._words,), name="penstock beats", daemon=True)
            for run in SENDERS
        ]
        for thread in self._threads:
            thread.start()
        # From here on it needs no lock.
        while any(t.is_alive() for t in self._threads) and not self._words[RUNNING]:
            time.sleep(1e-3)

    def stop(self) -> None:
        """Ends it; no message is sent from here on."""
        self._words[STOP] = 1
        for thread in self._threads:
            thread.join()
