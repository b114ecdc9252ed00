"""A limit of the time that loading takes: its programs and its Python code end by an error."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from penstock._src.core.errors import DeadlineExceededError
from penstock._src.util.flags import flags

from . import deadlines

# Libraries swallow exceptions where they try an attribute or another way: one comes again after so many seconds.
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
                # Not by a call, at whose begin an exception may come.
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
        """Leaves no exception pending in this thread, which is the watched one, nor Python's mark that there is one.

        Python clears the mark only where an exception is raised: setting none in place of one that is pending leaves it, and the next
        function that a debugger traces never begins, in Python 3.12 and before.
        """
        self._over.set()
        with self._lock:
            has_raised = self._has_raised
        if has_raised:
            with contextlib.suppress(_Late):
                self._raise()  # in place of one that is pending
                while True:
                    pass
