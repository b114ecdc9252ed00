"""Iterators over the results of a function whose first part is computed for groups of elements.

A group is what the source gives within a short time, so that a slow source is not read ahead. Where the first part fails for a
group, its elements are computed one by one, and the error is that of its element.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.errors import OpError
from penstock._src.core.values.groups import NotGrouped
from penstock._src.ops.data.iteration.resume import (
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data_planner import call_times
from penstock._src.ops.data_planner.group_functions import GroupCall, elements_of

Call = Callable[..., list[Any]]

_WAIT = 3e-4  # seconds that the elements of a group are waited for
_FIRST, _MOST = 4, 256  # elements of the first groups, and of the largest
_MISFITS = 2  # groups without a form, after which none are made


class Clock:
    """Takes the time of a function for an element: the least of its calls.

    Args:
      call: the function.
    """

    def __init__(self, call: Call) -> None:
        self.call, self.calls, self.fastest = call, 0, float("inf")

    def __call__(self, *values: Any) -> Any:
        return self.of_elements(1, *values)

    def of_elements(self, count: int, *values: Any) -> Any:
        """The result of a call for as many elements."""
        self.calls += 1
        begin = time.perf_counter()
        try:
            return self.call(*values)
        finally:
            self.fastest = min(self.fastest, (time.perf_counter() - begin) / count)


class Grouped(Resumable):
    """Iterates over the results of a function, computed in groups unless the first ones are found to be slow.

    Args:
      source: the elements.
      group: the first part of the function.
      single: the function.
      rest: the function of the results of the first part, or None if they are the results.
      otherwise: gives the results for elements where calls are slow.
    """

    plain, sources = ("is_quick",), ("results",)

    def __init__(
        self,
        source: Iterator[Element],
        group: GroupCall,
        single: Call,
        rest: Call | None,
        otherwise: Callable[[Iterator[Element]], Iterator[Element]],
    ) -> None:
        self.source, self.otherwise, self.part = source, otherwise, group.part
        self.clock = Clock(group.compute)
        self.rest_clock = None if rest is None else Clock(rest)
        self.elements = GroupedElements(source, self.clock, single, self.rest_clock)
        self.is_quick = group.part.is_quick
        self.results = self.elements if self.is_quick is not False else otherwise(source)

    def __next__(self) -> Element:
        if (
            self.is_quick is None
            and self.elements.is_idle
            and self.clock.calls >= call_times.PROBES
        ):
            rest = 0.0 if self.rest_clock is None else self.rest_clock.fastest
            self.is_quick = self.part.is_quick = self.clock.fastest + rest < call_times.QUICK
            if not self.is_quick:
                self.results = self.otherwise(self.source)
        return next(self.results)

    def restore(self, state: State) -> None:
        is_slow = state["is_quick"] is False
        self.results = self.otherwise(self.source) if is_slow else self.elements
        super().restore(state)


class GroupedElements(Resumable):
    """Iterates over the results of a function whose first part is computed for groups.

    Args:
      source: the elements.
      group: the first part.
      single: the function.
      rest: the function of the results of the first part, or None if they are the results.
    """

    plain = ("held", "results", "size", "singly", "failure", "exhausted")

    def __init__(
        self, source: Iterator[Element], group: Clock, single: Call, rest: Call | None
    ) -> None:
        self.source, self.group, self.single, self.rest = source, group, single, rest
        # Elements that were read, results of a group that were not taken (the next one last), and the next group's size.
        self.held: list[Element] = []
        self.results: list[Any] = []
        self.size = _FIRST
        # Number of elements to compute one by one, and the error of the source after them.
        self.singly = 0
        self.failure: Failure | None = None
        self.exhausted = False
        self.misfits = 0

    def __next__(self) -> Element:
        while not self.results:
            if self.singly:
                self.singly -= 1
                return tuple(self.single(*self.held.pop(0)))
            if not self.held:
                self.read()
            self.compute()
        result = self.results.pop()
        return result if self.rest is None else tuple(self.rest(*result))

    @property
    def is_idle(self) -> bool:
        """True if all elements read so far have been returned."""
        return not (self.held or self.results or self.failure)

    def read(self) -> None:
        """Takes the elements that the source returns in a short time."""
        self.fail()
        until = time.perf_counter() + _WAIT
        while not self.exhausted and len(self.held) < self.size:
            element = attempt(next, self.source, None)
            if element is None:
                self.exhausted = True
            elif type(element) is Failure:
                self.failure = element
                break
            else:
                self.held.append(element)
                if time.perf_counter() > until:
                    break
        if not self.held:
            self.fail()
            raise StopIteration

    def fail(self) -> None:
        """Raises the source's error, once."""
        failure, self.failure = self.failure, None
        unless_failed(failure)

    def compute(self) -> None:
        """Computes a group of the elements read; if that fails, smaller ones, and finally single elements."""
        chosen = self.held[: self.size]
        if len(chosen) == 1 or self.misfits == _MISFITS:
            self.singly = len(chosen)
            return
        try:
            results = self.group.of_elements(len(chosen), chosen)
            self.results = elements_of(results, len(chosen))[::-1]
        except NotGrouped:
            self.misfits += 1
            self.singly = len(chosen)
        except (OpError, MemoryError):  # of some element: single calls show which
            if len(chosen) <= _FIRST:
                self.singly = len(chosen)
            else:
                self.size = len(chosen) // 2
        else:
            self.held = self.held[self.size :]
            if self.group.calls >= call_times.PROBES:
                self.size = min(2 * self.size, _MOST)
