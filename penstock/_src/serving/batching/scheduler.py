"""The threads that compute batches, queue by queue in turn."""

from __future__ import annotations

import heapq
import itertools
import queue as queues
import threading
import time
from collections.abc import Callable, Sequence

from penstock._src.serving.batching.execution import compute
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.request import Request, deliver
from penstock._src.serving.servables.servable import Signature

# Called after each batch with its queue and requests, the number of function runs, and the seconds they took.
Observer = Callable[[Queue, Sequence[Request], int, float], None]


class Scheduler:
    """Run the batches of all queues. A queue with more batches waits for the others, so that a busy model does not block the rest.

    Args:
      threads: batches that run at a time, each of another queue.
      observers: called with each batch, in the thread that ran it.
    """

    def __init__(self, threads: int, observers: Sequence[Observer] = ()) -> None:
        # Queues with something to run, and batches that were taken already.
        self._ready: queues.SimpleQueue[tuple[Queue, list[Request] | None] | None] = (
            queues.SimpleQueue()
        )
        self._timer = _Timer()
        self._observers = tuple(observers)
        self._threads = [
            threading.Thread(target=self._work, name=f"batches-{i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def queue(self, signature: Signature, parameters: BatchingParameters, model: str = "") -> Queue:
        """Returns a new queue for a signature, with the name of the model for metrics."""
        return Queue(signature, model, parameters, self._schedule, self._timer.add, self._run_here)

    def close(self) -> None:
        """Ends the threads, once they have computed the scheduled batches."""
        self._timer.close()
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join()

    def _schedule(self, queue: Queue) -> None:
        self._ready.put((queue, None))

    def _work(self) -> None:
        while (entry := self._ready.get()) is not None:
            queue, batch = entry
            if batch is None:
                queue.prove_next()
                batch = queue.take()
            if batch:
                compute(queue, batch)
                if queue.runs == 1:
                    queue.pace.took(_rows(batch), batch[0].shapes, queue.run_seconds)
            self._end(queue, batch)

    def _run_here(self, queue: Queue) -> None:
        """Compute the next batch of a queue in the thread that asks, or pass it on if it is not quick.

        Joined requests are passed on: while another thread computes them, more gather than while this one does, which saves more than it costs.
        """
        if len(queue) > 1:
            self._schedule(queue)
            return
        batch = queue.take()
        if batch and not queue.is_quick(batch):
            self._ready.put((queue, batch))
            return
        if batch:
            compute(queue, batch)
            queue.pace.took_as_quick(queue.run_seconds)
        self._end(queue, batch)

    def _end(self, queue: Queue, batch: list[Request]) -> None:
        """Notify those that wait for a batch and those that observe it, and let the queue go on."""
        runs, seconds = queue.runs, queue.run_seconds
        queue.finished()
        if batch:
            deliver(batch)
        for observer in self._observers if batch else ():
            observer(queue, batch, runs, seconds)


def _rows(batch: Sequence[Request]) -> int:
    return sum([request.rows for request in batch])


class _Timer:
    """Timer that wakes queues. Its thread starts with the first entry: most servers need none."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Queue]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def add(self, due: float, queue: Queue) -> None:
        """Calls `queue.is_due()` at a time of the monotonic clock."""
        with self._changed:
            heapq.heappush(self._entries, (due, next(self._numbers), queue))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="batch-timer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                if self._is_closed:
                    return
                left = self._entries[0][0] - time.monotonic() if self._entries else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                queue = heapq.heappop(self._entries)[2]
            queue.is_due()
