"""Threads that wait for a request."""

import threading
import time

import numpy as np

from penstock._src.core.errors import DeadlineExceededError
from penstock._src.serving.batching.request import Request


def on_thread(requests: list[Request]) -> None:
    """Completes requests that threads wait for: `waiter` is an event."""
    for request in requests:
        request.waiter.set()


def wait_on_thread(request: Request) -> list[np.ndarray]:
    """Waits in this thread for a request, until its deadline at most; returns its outputs.

    Raises:
      DeadlineExceededError: the deadline has passed; the request leaves the queue.
    """
    event: threading.Event = request.waiter
    left = request.deadline - time.monotonic() if request.deadline else None
    if not event.wait(left):
        request.is_cancelled = True
        raise DeadlineExceededError("The request's deadline passed before it was computed.")
    return request.result()
