"""A request for one function, and how its caller learns that it is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Called with all requests of one caller that a batch has finished, in the thread that ran it.
Completion = Callable[[list["Request"]], None]


class Request:
    """Arrays for a signature's inputs, then the outputs or an error.

    Args:
      inputs: an array for each input, checked against the signature.
      rows: the extent of their first axis; 1 for signatures that are not batched.
      completion: called once it is done.
      deadline: on Python's monotonic clock, in seconds; 0 for none.

    Attributes:
      outputs: an array for each output, once it is done.
      error: why there are none.
      waiter: for the completion.
      is_cancelled: True once the caller no longer waits: it leaves the queue.
      times: seconds on the monotonic clock at which it was queued, its batch was taken, and it was done; then at which its batch's function began to
        run, and for how many seconds it ran.
    """

    __slots__ = (
        "inputs",
        "rows",
        "shapes",
        "completion",
        "deadline",
        "outputs",
        "error",
        "waiter",
        "is_cancelled",
        "times",
    )

    def __init__(
        self,
        inputs: Sequence[np.ndarray],
        rows: int,
        completion: Completion,
        deadline: float = 0.0,
    ) -> None:
        self.inputs, self.rows = inputs, rows
        # The key that joined requests have in common.
        self.shapes = tuple([array.shape[1:] for array in inputs])
        self.completion, self.deadline = completion, deadline
        self.outputs: list[np.ndarray] = []
        self.error: Exception | None = None
        self.waiter: Any = None
        self.is_cancelled = False
        self.times = [0.0] * 5

    def result(self) -> list[np.ndarray]:
        """The outputs; raises the error if there is one."""
        if self.error is not None:
            raise self.error
        return self.outputs


def deliver(requests: Sequence[Request]) -> None:
    """Notify the callers of finished requests, each caller once."""
    groups: dict[Completion, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.completion, []).append(request)
    for completion, done in groups.items():
        completion(done)


class OnLoop:
    """Completes requests of an event loop, whose thread makes it: `waiter` is a future of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._thread = loop, threading.get_ident()

    def __call__(self, requests: list[Request]) -> None:
        if threading.get_ident() == self._thread:
            _resolve(requests)
            return
        try:
            self._loop.call_soon_threadsafe(_resolve, requests)
        except RuntimeError:
            if not self._loop.is_closed():  # otherwise no caller waits
                raise

    async def wait(self, request: Request) -> list[np.ndarray]:
        """Wait for a request with a `waiter` set before it was queued. If the caller is cancelled, so is the request."""
        try:
            await request.waiter
        except asyncio.CancelledError:
            request.is_cancelled = True
            raise
        return request.result()


def _resolve(requests: list[Request]) -> None:
    for request in requests:
        if not request.waiter.done():
            request.waiter.set_result(None)
