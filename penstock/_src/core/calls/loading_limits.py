"""Limits of what loading a file takes, each of which ends by an error.

Time: of its programs and its Python code. Size: of the file's graphs when each call of a function is replaced by the function's body, as compilation
does.
"""

import contextlib
import ctypes
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

from penstock._src.core.errors import DeadlineExceededError, InvalidArgumentError
from penstock._src.util.flags import flags

from . import deadlines

# Seconds after which the exception is raised again: libraries swallow exceptions where they probe for an attribute or a fallback.
_AGAIN = 0.5

# Each of thirty functions that calls the next one twice makes 2**30 nodes of a file of two kilobytes.
MOST = 1 << 16
# A file of many nodes may become this many times as large: loops that a program unrolled call their bodies so often.
MOST_TIMES = 256
DEEPEST = 64  # nesting of functions and subgraphs


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


def check_size(count: int, own: int) -> None:
    """Refuses functions that have too many nodes together.

    Args:
      count: nodes, those of a function as often as it is called.
      own: nodes of the file.

    Raises:
      InvalidArgumentError: they have.
    """
    most = max(MOST, MOST_TIMES * own)
    if count > most:
        raise InvalidArgumentError(
            f"the functions of the model expand to more than {most:,} nodes ({count:,})."
        )


def check_calls(
    functions: Mapping[Any, tuple[int, Iterable[Hashable]]],
    roots: Iterable[Hashable],
    named: Callable[[Any], str] = repr,
) -> None:
    """Refuses functions whose calls expand to too many nodes.

    Args:
      functions: the number of nodes of each, and what they call; a function that two nodes call is there twice.
      roots: the functions that are computed.
      named: the name of a function, for messages.

    Raises:
      InvalidArgumentError: a function calls itself, or calls are too deep or too many.
    """
    own = sum(count for count, _ in functions.values())
    sizes: dict[Any, int] = {}
    around: list[Any] = []  # the functions whose sizes are being computed

    def size_of(key: Any) -> int:
        if key in around:
            raise InvalidArgumentError(f"the function {named(key)} calls itself.")
        if len(around) > DEEPEST:
            raise InvalidArgumentError("functions are nested too deeply.")
        if key not in sizes:
            count, called = functions[key]
            around.append(key)
            sizes[key] = count + sum(map(size_of, called))
            around.pop()
            check_size(sizes[key], own)
        return sizes[key]

    for root in roots:
        size_of(root)
