"""Helpers of test cases: threads that report their errors, and captured stream writes."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any


class CheckedThread:
    """A thread that a test case joins; its exception fails the test."""

    def __init__(self, case: Any, target: Callable[[], Any]) -> None:
        self._case, self._target = case, target
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._joined = False

    def _run(self) -> None:
        try:
            self._target()
        except Exception as error:  # reported by `join`
            self._error = error

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def join(self) -> None:
        """Waits for the end; fails the test if the thread raised."""
        self._joined = True
        self._thread.join()
        if self._error is not None:
            self._case.fail(f"Error in checkedThread: {self._error}")

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def check_termination(self) -> None:
        """Fails the test unless the thread was joined and has ended."""
        if not self._joined:
            self._case.fail("A checked thread was not terminated: `join` was not called.")
        if self.is_alive():
            self._case.fail("A checked thread did not terminate.")


class CapturedWrites:
    """The writes to a stream while it is redirected to a file."""

    def __init__(self, capture_location: str) -> None:
        self.capture_location = capture_location

    def contents(self) -> str:
        """Returns the text written."""
        with open(self.capture_location, encoding="utf-8") as file:
            return file.read()

    @classmethod
    @contextlib.contextmanager
    def of(cls, stream: Any) -> Iterator[CapturedWrites]:
        """Redirects the file descriptor of a stream, so that native code is caught as well."""
        stream.flush()
        number = _descriptor(stream)
        kept = os.dup(number)
        handle, path = tempfile.mkstemp()
        os.dup2(handle, number)
        os.close(handle)
        try:
            yield cls(path)
        finally:
            stream.flush()
            os.dup2(kept, number)
            os.close(kept)


def _descriptor(stream: Any) -> int:
    standard = {id(sys.stdout): 1, id(sys.stderr): 2}
    return standard.get(id(stream)) or stream.fileno()
