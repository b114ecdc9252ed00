"""Queue of requests for one function of a model, and the choice of requests that are computed together."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.errors import DeadlineExceededError, UnavailableError
from penstock._src.serving.batching.joining import Joining
from penstock._src.serving.batching.pace import Pace
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.request import Request, deliver
from penstock._src.serving.servables.servable import Signature

# Without a proof, this many joined batches of equal requests are also computed alone; of different requests, two are enough.
CHECKS = 8
# How many batches of one request in a row show that requests come one by one.
_ALONE = 16


class Queue:
    """Requests that wait for a signature of a loaded model.

    A queue is idle, or waits for its time, or is in the hands of the scheduler: at most one batch of it runs at a time, so requests gather
    while one is running.

    Args:
      signature: what they ask for.
      model: the name of the model, for metrics.
      parameters: limits.
      schedule: called with the queue when there is something to run now.
      schedule_at: called with a time and the queue when there is something to run then, unless it is full before.
      run_here: called with the queue by a caller that computes the next batch itself.
    """

    def __init__(
        self,
        signature: Signature,
        model: str,
        parameters: BatchingParameters,
        schedule: Callable[[Queue], None],
        schedule_at: Callable[[float, Queue], None],
        run_here: Callable[[Queue], None],
    ) -> None:
        self.signature, self.model, self.parameters = signature, model, parameters
        # The batch that is running, or ran last.
        self.runs, self.run_began, self.run_seconds = 0, 0.0, 0.0
        self.numbers: Any = None  # set by an observer
        self.joining = Joining(signature, parameters)
        # Joined batches that are still to be compared with their requests computed alone.
        self.checks_left = 0 if self.joining.needs_proof else CHECKS
        self.pace = Pace(signature.is_steady and not parameters.pads_variable_lengths)
        self._sizes = frozenset(parameters.sizes)
        self._schedule, self._schedule_at, self._run_here = schedule, schedule_at, run_here
        self._waiting: deque[Request] = deque()
        self._alone = 0  # batches of one request since the last one of more
        self._rows = 0  # that wait; a request of more than a batch counts as one batch
        self._is_scheduled = False  # or running
        self._closed: threading.Event | None = None
        self._lock = threading.Lock()

    @property
    def joins(self) -> bool:
        """True if some requests may be joined."""
        return self.joining.is_possible

    def prove_next(self) -> None:
        """Finds out whether the requests that wait may be joined, if it is not known. Not in a thread that others wait for: it may take some time."""
        with self._lock:
            shapes = self._waiting[0].shapes if len(self._waiting) > 1 else None
        if shapes is not None:
            self.joining.prove(shapes)

    def put(self, request: Request, may_run_here: bool = False) -> bool:
        """Queues a request; its completion is called later, in another thread.

        Args:
          request: to queue.
          may_run_here: True if the caller can compute a quick batch itself.

        Returns:
          True if the caller is to call `run_here` soon: the batch is quick, and nobody else will compute it.

        Raises:
          UnavailableError: the queue is full, or the model is being unloaded.
        """
        with self._lock:
            if self._closed is not None:
                raise UnavailableError("The model is being unloaded.")
            rows = self._rows_of(request)
            if self._waiting and self._rows + rows > self.parameters.max_enqueued_rows:
                raise UnavailableError(
                    f"The queue of '{self.signature.name}' is full: {self._rows} rows wait, and there is room for "
                    f"{self.parameters.max_enqueued_rows}."
                )
            request.times[0] = time.monotonic()
            self._waiting.append(request)
            self._rows += rows
            if self._is_scheduled:
                return False
            if may_run_here and self._runs_here():
                self._is_scheduled = True
                return True
            self._plan_next()
            return False

    def run_here(self) -> None:
        """Computes the next batch in this thread, after `put` returned True; a batch that turns out not to be quick, in another."""
        self._run_here(self)

    def is_quick(self, batch: Sequence[Request]) -> bool:
        """True if a batch that was taken is a single request, and quick, so that this thread may compute it."""
        return len(batch) == 1 and self.pace.is_quick(batch[0].rows, batch[0].shapes)

    def _runs_here(self) -> bool:
        """True if one request waits, for no others, and is quick. The last batches tell if others are likely to join it."""
        return (
            self._alone >= _ALONE
            and not self.parameters.batch_timeout
            and self.is_quick(self._waiting)
        )

    def _rows_of(self, request: Request) -> int:
        """Return the number of rows that a request occupies in the queue."""
        return min(max(request.rows, 1), self.parameters.max_batch_size)

    def _plan_next(self) -> None:
        """Schedules the next batch, now or when its oldest request has waited long enough. The caller holds the lock."""
        due = self._waiting[0].times[0] + self.parameters.batch_timeout
        is_full = self._rows >= self.parameters.max_batch_size or not self.joins
        self._is_scheduled = is_full or self._closed is not None or due <= time.monotonic()
        if self._is_scheduled:
            self._schedule(self)
        else:
            self._schedule_at(due, self)

    def is_due(self) -> None:
        """Called when requests may have waited long enough: schedules them, or asks to be called again."""
        with self._lock:
            if self._waiting and not self._is_scheduled:
                self._plan_next()

    def take(self) -> list[Request]:
        """Remove and return the requests to compute next; there may be none. Call `finished` afterwards."""
        with self._lock:
            expired = self._drop_abandoned()
            taken = self._next_batch()
            self._rows -= sum([self._rows_of(request) for request in taken])
            self._alone = self._alone + 1 if len(taken) == 1 else 0
        if expired:
            deliver(expired)
        return taken

    def finished(self) -> None:
        """Record that the taken requests have been computed."""
        with self._lock:
            self._is_scheduled = False
            if self._waiting:
                self._plan_next()
            elif self._closed is not None:
                self._closed.set()

    def close(self) -> threading.Event:
        """Refuses further requests; the event is set once those that wait have been computed."""
        with self._lock:
            if self._closed is None:
                self._closed = threading.Event()
                if not self._is_scheduled and self._waiting:
                    self._plan_next()
                elif not self._is_scheduled:
                    self._closed.set()
            return self._closed

    def __len__(self) -> int:
        """The requests that wait."""
        return len(self._waiting)

    def _drop_abandoned(self) -> list[Request]:
        """Remove requests that are cancelled or past their deadline, and return them."""
        now = time.monotonic()
        gone = [r for r in self._waiting if r.is_cancelled or 0 < r.deadline < now]
        if not gone:
            return gone
        out = set(map(id, gone))
        self._waiting = deque(r for r in self._waiting if id(r) not in out)
        self._rows -= sum([self._rows_of(request) for request in gone])
        for request in gone:
            request.error = DeadlineExceededError("The request waited until its deadline.")
        return [request for request in gone if not request.is_cancelled]

    def _next_batch(self) -> list[Request]:
        waiting = self._waiting
        if not waiting:
            return []
        # Proofs are for one row or more: a request of none is not joined.
        first = waiting[0]
        if len(waiting) == 1 or not first.rows or not self.joining.allows(first.shapes):
            return [waiting.popleft()]
        key = self.key(first)
        fitting: list[Request] = []
        rows = 0
        for request in waiting:
            if request.rows and self.key(request) == key:
                rows += request.rows
                if fitting and rows > self.parameters.max_batch_size:
                    break
                fitting.append(request)
        taken = fitting[: self._count(fitting)]
        if taken[-1] is waiting[len(taken) - 1]:
            for _ in taken:
                waiting.popleft()
        else:
            out = set(map(id, taken))
            self._waiting = deque(r for r in waiting if id(r) not in out)
        return taken

    def _count(self, fitting: Sequence[Request]) -> int:
        """Return the number of leading requests that make the largest batch of an allowed size; all if none does."""
        totals = list(itertools.accumulate([request.rows for request in fitting]))
        for count in range(len(totals), 0, -1):
            if totals[count - 1] in self._sizes:
                return count
        return len(totals)

    def key(self, request: Request) -> Any:
        """Return the key shared by requests of one batch: their shapes without the first axis, or only the ranks if they are padded."""
        if self.parameters.pads_variable_lengths:
            return tuple(map(len, request.shapes))
        return request.shapes
