"""Observers of runs and their durations: an active profile, or a report with measurements.

If `RUN_OBSERVERS` is empty, programs and host operations run without measurement; otherwise each launch of a program is
timed. Times are nanoseconds of `time.perf_counter_ns`.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol


class RunObserver(Protocol):
    """The interface of observers."""

    def program_ran(self, plan: Any, records: Any) -> None:
        """Called after a program ran.

        Args:
          plan: its Plan.
          records: an array with a row for each launch or jump in order of execution: word of the launch table, start, end.
        """

    def host_ran(self, op: Any, start: int, end: int) -> None:
        """Called after the host kernel of a graph's operation ran."""


class WorkObserver(Protocol):
    """The interface of observers of events other than runs: tracing, compiling, waiting for data, and creation of variables."""

    def traced(self, function: Any, reason: str) -> None:
        """Called before a tf.function is traced."""

    def compiled(self, function: Any, seconds: dict[str, float]) -> None:
        """Called after a function of primitives was compiled.

        Args:
          function: the function.
          seconds: what each stage has taken so far for it; the same dict for all of its programs.
        """

    def waited(self, seconds: float) -> None:
        """Called after a dataset's iterator gave an element."""

    def made(self, variable: Any) -> None:
        """Called with each new VariableHandle."""

    def defined(self, dataset: Any) -> None:
        """Called with the pipeline of each dataset that a program defines."""

    def iterates(self, root: Any, measures: Any) -> None:
        """Called before an iteration over a dataset.

        Args:
          root: its pipeline, with a timer after each step.
          measures: the times of the steps so far.
        """

    def iterated(self, root: Any, measures: Any) -> None:
        """Called with the same when the iteration ends or is abandoned."""


WORK_OBSERVERS: list[WorkObserver] = []
RUN_OBSERVERS: list[RunObserver] = []
# Called with each operation of a graph that the host ran and that remembers something, and its results.
RESULT_OBSERVERS: list[Callable[[Any, Sequence[Any]], None]] = []


@contextlib.contextmanager
def observed_runs(observer: RunObserver) -> Iterator[None]:
    """A context in which an observer is notified of runs."""
    RUN_OBSERVERS.append(observer)
    try:
        yield
    finally:
        RUN_OBSERVERS.remove(observer)
