"""A limit of the time that loading takes: its programs and its Python code end by an error."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from penstock._src.core.errors import DeadlineExceededError
from penstock._src.util.flags import flags

from . import deadlines

# Seconds after which the exception is raised again: libraries swallow exceptions where they probe for an attribute or a fallback.
_AGAIN = 0.5


class _Late(Exception):
    """Raised in the middle of Python code; `loading_limit` raises the error with the message."""


@contextlib.contextmanager
def loading_limit(what: str) -> Iterator[None]:
    """Within the block, this thread raises DeadlineExceededError after PENSTOCK_LOAD_SECONDS.

    Args:
      what: is loaded, for the message.

    Raises:
      DeadlineExceededError: the time was over before the block's end.
    """
    seconds = flags.load_seconds
    if seconds <= 0 or deadlines.current():  # a block around this one has the limit
        yield
        return
    watch = _Watch(threading.get_ident(), seconds)
    try:
        with deadlines.deadline(max(1, round(seconds * 1000))):
            try:
                yield
            finally:
                # Assigned directly: the pending exception could be raised at the start of a call.
                watch.ended = True
                watch.end()
    except (DeadlineExceededError, _Late) as error:
        raise DeadlineExceededError(
            f"Loading {what} took longer than {seconds:g} s, which PENSTOCK_LOAD_SECONDS allows."
        ) from error


class _Watch:
    """Raises in a thread from a time on, until it has `ended`."""

    def __init__(self, thread: int, seconds: float) -> None:
        self.ended = False
        self._thread = ctypes.c_ulong(thread)
        self._has_raised = False
        self._over = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, args=(seconds,), daemon=True).start()

    def _run(self, seconds: float) -> None:
        while not self._over.wait(seconds):
            with self._lock:
                if self.ended:
                    return
                self._has_raised = True
                self._raise()
            seconds = _AGAIN

    def _raise(self) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(_Late))

    def end(self) -> None:
        """Clears the exception pending in this thread, the watched one, and Python's flag that there is one.

        Python clears the flag only when an exception is raised. Replacing a pending exception by none leaves the flag set, and then the
        next function that a debugger traces never starts (Python 3.12 and before).
        """
        self._over.set()
        with self._lock:
            has_raised = self._has_raised
        if has_raised:
            with contextlib.suppress(_Late):
                self._raise()  # in place of one that is pending
                while True:
                    pass
