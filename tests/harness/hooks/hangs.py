"""Ends a process of tests in which one hangs, and shows where each of its threads stands.

pytest's own `faulthandler_timeout` starts a thread for each test and ends it: a fifth of what pytest does for a short one.
"""

import faulthandler
import os
import sys
import time

import pytest

LIMIT = 900  # seconds
RENEWED = 60  # seconds after which a test begins to count anew


class HangWatch:
    """Hooks that end the process when no test has begun for LIMIT seconds, or RENEWED more."""

    def __init__(self) -> None:
        assert sys.__stderr__ is not None
        self._file = os.dup(sys.__stderr__.fileno())  # tests' own is captured
        self._since: float | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Counts anew, now and then."""
        now = time.monotonic()
        if self._since is None or now - self._since > RENEWED:
            self._since = now
            faulthandler.dump_traceback_later(LIMIT + RENEWED, file=self._file, exit=True)

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self) -> None:
        """Lets the next test count anew: pytest ends the count where a test fails, in which one may wait for a person."""
        self._since = None

    @pytest.hookimpl(trylast=True)
    def pytest_enter_pdb(self) -> None:
        """Lets the next test count anew."""
        self._since = None

    def pytest_sessionfinish(self) -> None:
        """Ends the count."""
        faulthandler.cancel_dump_traceback_later()
