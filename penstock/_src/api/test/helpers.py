"""Helpers of test cases: threads that report their errors, captured writes, the folder of the process."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any


class CheckedThread:
    """A thread that a test case joins; its exception fails the test."""

    def __init__(
        self,
        testcase: Any,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self._case, self._target = testcase, target
        self._args, self._kwargs = args or (), kwargs or {}
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._joined = False

    def _run(self) -> None:
        try:
            self._target(*self._args, **self._kwargs)
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
        """True if the thread is running."""
        return self._thread.is_alive()

    def check_termination(self) -> None:
        """Fails the test unless the thread was joined.

        Raises:
          RuntimeError: it was, and still runs.
        """
        if not self._joined:
            self._case.fail("A checked thread was not joined.")
        if self.is_alive():
            raise RuntimeError(
                "Thread was not joined with main thread, and is still running when the test finished."
            )


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
    def of(cls, stream: Any, folder: str | None = None) -> Iterator[CapturedWrites]:
        """Redirects the file descriptor of a stream, so that native code is caught as well."""
        stream.flush()
        number = _descriptor(stream)
        kept = os.dup(number)
        handle, path = tempfile.mkstemp(dir=folder)
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


_FOLDER: list[str] = []


def folder_of_process() -> str:
    """Returns a folder for the files of tests, the same one within a process; removed at its end."""
    if not _FOLDER:
        root = os.environ.get("TEST_TMPDIR")
        prefix = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        _FOLDER.append(tempfile.mkdtemp(dir=root, prefix=prefix))
        atexit.register(shutil.rmtree, _FOLDER[0], ignore_errors=True)
    return _FOLDER[0]
