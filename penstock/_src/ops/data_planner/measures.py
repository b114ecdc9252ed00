"""Measures: how many elements each step of a pipeline makes, and how long its own work takes.

A measured pipeline is a copy of another with a clock behind each step. A step's own time is what it computes itself: neither
its inputs' time, nor that of functions that it calls, which counts as the functions'. Where other threads compute, the time of
the step in the consumer's thread is time that it waits.
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.ops.data.pipeline import Element, Pipeline, Run
from penstock._src.util.dataclass import dataclass


@dataclass
class StepTimes:
    """The measurements of a step, in seconds of all threads together."""

    elements: int = 0
    own: float = 0.0
    calls: int = 0
    functions: float = 0.0
    begun: bool = False
    gave_stacks: bool = False


class _Nesting(threading.local):
    """The time that steps below the current one took in this thread."""

    below = 0.0


class Measures:
    """The times of the steps of one iteration."""

    def __init__(self) -> None:
        self.times: dict[int, StepTimes] = {}
        self._nesting = _Nesting()
        self._lock = threading.Lock()

    def of(self, step: Pipeline) -> StepTimes:
        """The times of a step."""
        with self._lock:
            return self.times.setdefault(id(step), StepTimes())

    def clocked(self, take: Callable[..., Any], add: Callable[[float], None]) -> Any:
        """A function that computes the same, and adds the seconds of its own work."""
        nesting = self._nesting

        def timed(*arguments: Any) -> Any:
            outer, nesting.below = nesting.below, 0.0
            begin = time.perf_counter()
            try:
                return take(*arguments)
            finally:
                whole = time.perf_counter() - begin
                add(whole - nesting.below)
                nesting.below = outer + whole

        return timed

    def function(self, step: Pipeline, call: Callable[..., Any]) -> Callable[..., Any]:
        """A function that a step calls, with a clock."""
        times = self.of(step)

        def add(seconds: float) -> None:
            times.calls += 1
            times.functions += seconds

        return self.clocked(call, add)


class _Clocked:
    """Iterates over the elements of a step and takes the time."""

    def __init__(self, step: Pipeline, source: Iterator[Element], measures: Measures) -> None:
        times = self.times = measures.of(step)

        def add(seconds: float) -> None:
            times.own += seconds

        self._take = measures.clocked(source.__next__, add)

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        element = self._take()
        self.times.elements += 1
        return element


class Measured(Pipeline):
    """A step followed by a clock."""

    passes_on = True
    keeps_batches = True

    def __init__(self, step: Pipeline, measures: Measures) -> None:
        self.inputs, self.step, self.measures = (step,), step, measures
        self.types, self.shapes, self.shuffles = step.types, step.shapes, step.shuffles

    def iterate(self, run: Run) -> Iterator[Element]:
        self.measures.of(self.step).begun = True
        return _Clocked(self.step, iter(self.step.iterate(run)), self.measures)

    def rows(self) -> Any:
        return self.step.rows()

    def clocked_stacks(self, stacks: Iterator[Element]) -> Iterator[Element]:
        """The stacks of the step's elements with a clock."""
        self.measures.of(self.step).gave_stacks = True
        return _Clocked(self.step, iter(stacks), self.measures)

    def access(self, run: Run) -> Any:
        return self.step.access(run)


def measured(step: Pipeline, measures: Measures) -> Measured:
    """A copy of a pipeline with a clock after each of its steps."""
    copied = copy.copy(step)
    clocks = [measured(source, measures) for source in step.inputs]
    copied.inputs = tuple(clocks)
    # A step that chooses among inputs also has them under another name.
    if hasattr(copied, "sources"):
        copied.sources = clocks[len(clocks) - len(copied.sources) :]
    return Measured(copied, measures)
