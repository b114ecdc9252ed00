"""DaemonThreads: an executor with threads that do not keep the process alive.

Those of `concurrent.futures` are waited for when the interpreter ends, however long their calls take, and accept no calls from
then on, though other threads may still be saving a checkpoint.
"""

import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

_Call = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class DaemonThreads(Executor):
    """Up to `width` threads, started on demand. They end with `shutdown`, or when the executor is freed.

    Args:
      width: how many calls run at a time.
      name: the beginning of the threads' names.
      begin: called by each thread before its first call.
    """

    def __init__(self, width: int, name: str, begin: Callable[[], None] = lambda: None) -> None:
        self.width, self.name, self._begin = width, name, begin
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._count, self._is_shut = 0, False
        self._lock = threading.Lock()
        weakref.finalize(self, self._calls.put, None).atexit = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Runs a call in a thread; returns its future."""
        future: Future[Any] = Future()
        with self._lock:
            if self._is_shut:
                raise RuntimeError(f"{self.name}: no calls are taken after shutdown.")
            self._calls.put((future, fn, args, kwargs))
            if not self._idle.acquire(blocking=False) and self._count < self.width:
                self._count += 1
                name = f"{self.name}_{self._count - 1}"
                arguments = self._calls, self._idle, self._begin
                threading.Thread(target=_work, name=name, args=arguments, daemon=True).start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """End the threads after the submitted calls, or without them; do not wait for the threads."""
        with self._lock:
            self._is_shut = True
            while cancel_futures:
                try:
                    call = self._calls.get_nowait()
                except queue.Empty:
                    break
                if call is not None:
                    call[0].cancel()
            self._calls.put(None)


def _work(
    calls: "queue.SimpleQueue[_Call | None]", idle: threading.Semaphore, begin: Callable[[], None]
) -> None:
    """Run a thread's calls without holding the executor."""
    begin()
    while True:
        try:
            call = calls.get_nowait()
        except queue.Empty:
            idle.release()
            call = calls.get()
        if call is None:
            calls.put(None)  # for the next thread
            return
        _run(*call)
        del call  # its arguments and result


def _run(
    future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:  # raised again where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(result)
