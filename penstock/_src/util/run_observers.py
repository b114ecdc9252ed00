"""Who is told what runs and how long it takes: a profile that is being taken, a report that measures.

While `RUN_OBSERVERS` is empty programs and host operations run as they are; else programs run with a clock beside each
launch. Times are nanoseconds of `time.perf_counter_ns`.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol


class RunObserver(Protocol):
    """What is told of runs."""

    def program_ran(self, plan: Any, records: Any) -> None:
        """A program ran.

        Args:
          plan: its Plan.
          records: an array of a row for each launch or jump, as they came: word of the launch table, start, end.
        """

    def host_ran(self, op: Any, start: int, end: int) -> None:
        """The kernel of an operation of a graph ran on the host."""


RUN_OBSERVERS: list[RunObserver] = []


@contextlib.contextmanager
def observed_runs(observer: RunObserver) -> Iterator[None]:
    """Tells an observer what runs within."""
    RUN_OBSERVERS.append(observer)
    try:
        yield
    finally:
        RUN_OBSERVERS.remove(observer)
