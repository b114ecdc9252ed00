"""Messages between two processes by MPI's point-to-point functions."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.cluster.messages import Messages
from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import Transport, late_ranks
from penstock._src.core.values.arrays import empty_aligned

TAG = 1
# Seconds between looks of the thread that lets messages travel, and of one that waits: the first come without a pause.
LOOK_EVERY, PATIENCE, SHORTEST_PAUSE, LONGEST_PAUSE = 5e-4, 2e-4, 2e-6, 2e-4


class MpiMessages(Messages):
    """Messages in a communicator of their own.

    MPI works on large messages only within its calls, so a thread calls it while the process computes.

    Args:
      mpi: the library.
      communicator: of all processes.
      transport: knows which processes have stopped answering.
    """

    def __init__(self, mpi: Any, communicator: Any, transport: Transport) -> None:
        self._mpi, self._communicator, self._transport = mpi, communicator, transport
        self._lock = threading.Lock()
        self._going: list[tuple[Any, np.ndarray]] = []
        self._coming: dict[int, collections.deque[tuple[Any, np.ndarray]]] = {}
        self._is_working = threading.Event()
        self._has_threads = mpi.Query_thread() == mpi.THREAD_MULTIPLE
        if self._has_threads:
            threading.Thread(target=self._work, name="penstock messages", daemon=True).start()

    def send(self, rank: int, message: np.ndarray) -> None:
        self._transport.usable()
        with self._lock:
            request = self._communicator.Isend([message, self._mpi.BYTE], rank, TAG)
            self._going.append((request, message))

    def receive(self, rank: int) -> np.ndarray:
        self._transport.usable()
        PROGRESS.begin_exchange()
        with PROGRESS.waiting():
            return self._received(rank)

    def _received(self, rank: int) -> np.ndarray:
        start, pause = time.monotonic(), SHORTEST_PAUSE
        while True:
            with self._lock:
                coming = self._coming.setdefault(rank, collections.deque())
                self._look()
                if coming and coming[0][0].Test():
                    return coming.popleft()[1]
            waited, timeout = time.monotonic() - start, self._transport.timeout
            self._transport.check(self)
            if timeout and waited > timeout:
                error = late_ranks([rank], self._transport.cluster.size, timeout)
                self._transport.abandon(error.message, self)
                raise error
            if waited > PATIENCE:
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _look(self) -> None:
        """Let MPI make progress, and begin to receive announced messages. The lock must be held."""
        self._going = [(request, kept) for request, kept in self._going if not request.Test()]
        status = self._mpi.Status()
        for rank, coming in self._coming.items():
            while (message := self._communicator.Improbe(rank, TAG, status)) is not None:
                place = empty_aligned((status.Get_count(self._mpi.BYTE),), np.dtype(np.uint8))
                coming.append((message.Irecv([place, self._mpi.BYTE]), place))
            if coming:
                coming[0][0].Test()

    @contextlib.contextmanager
    def travelling(self) -> Iterator[None]:
        self._is_working.set()
        try:
            yield
        finally:
            self._is_working.clear()
            with self._lock:  # the thread is in no call of MPI from here on
                pass

    def _work(self) -> None:
        while self._is_working.wait():
            try:
                with self._lock:
                    if self._is_working.is_set():
                        self._look()
            except self._mpi.Exception as error:
                self._transport.lose(f"MPI has failed: {error}.")
                return
            time.sleep(LOOK_EVERY)
