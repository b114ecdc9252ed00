"""Iterators over stacks of the results of a function that is computed for groups of elements, a stack or a part of one each.

Where calls are slow, threads make them. An error is that of its element: then what was computed ahead is dropped, and the stack is computed
from calls for each element.
"""

import collections
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np

from penstock._src.core.errors import OpError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.groups import NotGrouped
from penstock._src.ops.data.batch import AlignedBatches, Batches
from penstock._src.ops.data.iteration.resume import (
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.data_planner import call_times
from penstock._src.ops.data_planner.call_times import CallTime, Stopwatch
from penstock._src.ops.data_planner.group_functions import GroupCall, stacks_of
from penstock._src.ops.data_planner.threads import Mapped, abandon

Call = Callable[..., list[Any]]

_SHARED = 2e-2  # seconds for a stack, above which several threads compute its parts
_FAILURES = (OpError, MemoryError, NotGrouped)


class Replayed(Resumable):
    """Iterates over what was put back, and then over a source."""

    plain = ("held",)

    def __init__(self, source: Iterator[Element]) -> None:
        self.source = source
        # Elements, and failures in the place of elements.
        self.held: list[Any] = []

    def __next__(self) -> Element:
        return unless_failed(self.held.pop(0)) if self.held else next(self.source)

    def take(self, count: int) -> list[Element] | None:
        """The next elements, fewer at the end; None if one of them has failed, and nothing is taken."""
        buffered = self.held
        while len(buffered) < count and not (buffered and type(buffered[-1]) is Failure):
            element = attempt(next, self.source, None)
            if element is None:
                break
            buffered.append(element)
        taken = buffered[:count]
        if any(type(item) is Failure for item in taken):
            return None
        self.held = buffered[count:]
        return taken

    def put_back(self, elements: list[Element]) -> None:
        """Makes elements that were taken the next ones again."""
        self.held = [*elements, *self.held]


class GroupedBatches(Resumable):
    """Iterates over stacks of `size` results of a function that is computed for whole groups; the last stack may be smaller.

    Args:
      source: the elements.
      group: the function for groups.
      single: the function.
      run: the iteration.
      size: of the stacks.
      width: returns the number of threads for calls, from the time of an element.
      aligned: whether stacks behind one with an error begin where they would without it.
    """

    plain = ("threads",)

    def __init__(
        self,
        source: Iterator[Element],
        group: GroupCall,
        single: Call,
        run: Run,
        size: int,
        width: Callable[[CallTime], int],
        aligned: bool,
    ) -> None:
        self.batches = AlignedBatches if aligned else Batches
        self.source, self.group, self.size, self.run = Replayed(source), group, size, run
        self.single, self.width, self.calls = single, width, 0
        self.fastest = CallTime(math.inf, 0.0, False)
        # How many threads work; 0 as long as that is not known.
        self.threads = group.part.threads
        self.ahead: _Ahead | None = None

    def __next__(self) -> Element:
        if self.threads > 1:
            return self.computed_ahead()
        elements = self.source.take(self.size)
        if elements == []:
            raise StopIteration
        if elements is None:
            return self.one_by_one()
        watch = Stopwatch()
        try:
            return _stacks(self.group.compute, elements)
        except _FAILURES:  # of some element: which, tells a call for each
            self.source.put_back(elements)
            return self.one_by_one()
        finally:
            self.add(watch.stop(), len(elements))

    def add(self, taken: CallTime, count: int) -> None:
        """Adds the time of a call for `count` elements, and chooses the number of threads once there are enough."""
        if self.threads:
            return
        self.calls += 1
        if taken.seconds / count < self.fastest.seconds:
            self.fastest = CallTime(taken.seconds / count, taken.busy / count, taken.is_exact)
        if self.calls >= call_times.PROBES or taken.mostly_waits:
            is_quick = self.fastest.seconds < call_times.QUICK
            self.threads = self.group.part.threads = 1 if is_quick else self.width(self.fastest)
            self.group.part.seconds = self.fastest.seconds

    def computed_ahead(self) -> Element:
        """The next stack, from threads."""
        if self.ahead is None:
            parts = max(1, min(self.threads, int(self.group.part.seconds * self.size / _SHARED)))
            self.ahead = _Ahead(self.group.compute, self.run, self.threads, parts)
            self.end = self.run.ends_with(self, self.ahead.abandon)
        ahead = self.ahead
        elements: list[Element] | None = None
        while ahead.has_room:
            elements = self.source.take(self.size)
            if not elements:
                break
            ahead.begin(elements)
        if ahead.is_empty:
            if elements is None:
                return self.one_by_one()
            self.end()
            raise StopIteration
        futures, elements = ahead.pending.popleft()
        try:
            return _joined([future.result() for future in futures])
        except _FAILURES:  # of some element: which, tells a call for each
            self.source.put_back([*elements, *ahead.drop()])
            return self.one_by_one()

    def one_by_one(self) -> Element:
        """The next stack from calls for each element."""
        return next(self.batches(Mapped(self.source, self.single), self.size, False))

    def save(self) -> State:
        if self.ahead is not None:
            self.source.put_back(self.ahead.drop())
        return super().save()

    def restore(self, state: State) -> None:
        super().restore(state)
        self.ahead = None


class _Ahead:
    """Stacks that threads compute; holds nothing of the iterator whose stacks they are.

    Args:
      compute: the function for groups.
      run: the iteration.
      width: the number of threads.
      parts: the number of calls for a stack.
    """

    def __init__(self, compute: Call, run: Run, width: int, parts: int) -> None:
        self.compute, self.parts = compute, parts
        self.pool, self.own = run.pool(width), not run.settings.pool
        # A thread that is done finds one more stack to begin.
        self.most = (
            width if parts > 1 or run.settings.pool else width + min(width, run.settings.cores)
        )
        self.pending: collections.deque[tuple[list[Future], list[Element]]] = collections.deque()

    @property
    def has_room(self) -> bool:
        """True if a stack may be begun."""
        return len(self.pending) < self.most

    @property
    def is_empty(self) -> bool:
        """True if no stack was begun that was not taken."""
        return not self.pending

    def begin(self, elements: list[Element]) -> None:
        """Lets threads compute the stack of elements."""
        size = -(-len(elements) // self.parts)
        groups = [elements[at : at + size] for at in range(0, len(elements), size)]
        futures = [self.pool.submit(_stacks, self.compute, group) for group in groups]
        self.pending.append((futures, elements))

    def drop(self) -> list[Element]:
        """The elements of all stacks that were not taken, which are dropped."""
        elements = [element for _, group in self.pending for element in group]
        for futures, _ in self.pending:
            for future in futures:
                if not future.cancel():
                    future.exception()
        self.pending.clear()
        return elements

    def abandon(self) -> None:
        """Cancels the calls that no thread has begun, and ends the threads."""
        futures = [future for group, _ in self.pending for future in group]
        abandon(futures, self.pool if self.own else None)


def _stacks(compute: Call, elements: list[Element]) -> Element:
    return tuple(stacks_of(compute(elements), len(elements)))


def _joined(stacks: list[Element]) -> Element:
    """The rows of all stacks.

    Raises:
      NotGrouped: they have different shapes.
    """
    if len(stacks) == 1:
        return stacks[0]
    return tuple([_rows(parts) for parts in zip(*stacks, strict=True)])


def _rows(parts: tuple[np.ndarray, ...]) -> np.ndarray:
    if len({part.shape[1:] for part in parts}) > 1:
        raise NotGrouped
    if parts[0].dtype == object:
        return np.concatenate(parts)
    room = empty_aligned((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    return np.concatenate(parts, out=room)
