"""Iterators over the elements of several datasets that are open at once, which threads may read ahead."""

import threading
from collections.abc import Iterator
from typing import Any

from penstock._src.ops.data.iteration.resume import (
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.nested import Open, Part
from penstock._src.ops.data.pipeline import AUTOTUNE, Run
from penstock._src.ops.data_planner.threads import Prefetched, PrefetchedIfSlow


class Failing(Resumable):
    """Raises errors instead of elements, each once, and then ends."""

    plain, sources = ("failures",), ()

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)

    def __next__(self) -> Element:
        if not self.failures:
            raise StopIteration
        return unless_failed(self.failures.pop(0))


class _Interleaved(Resumable):
    """Base of iterators over the elements of several datasets that are open at once."""

    plain, sources = ("is_open",), ("source", "parts")

    def __init__(self, step: Any, source: Iterator[Element], opened: Open, run: Run) -> None:
        self.step, self.source, self.opened, self.run = step, source, opened, run
        self.gate = _gate(step, run)
        self.parts: list[Part | None] = []
        # True if the source may have more elements.
        self.is_open = True

    def open(self, element: Element | None) -> Part:
        if element is None:  # of a dataset that could not be opened
            return Part(None, Failing())
        return Part(element, self.read_ahead(self.opened(element)))

    def read_ahead(self, elements: Iterator[Element]) -> Iterator[Element]:
        """The same elements, which a thread may read ahead."""
        raise NotImplementedError(type(self).__name__)

    def opened_next(self) -> Part | None:
        """Opens the dataset of the next element; None if there is none."""
        element = next(self.source, None)
        if element is None:
            self.is_open = False
            return None
        return self.open(element)

    def restore(self, state: State) -> None:
        self.parts = [part and self.open(part["element"]) for part in state["parts"]]
        super().restore(state)


class AsReady(_Interleaved):
    """Iterates over the elements of the open datasets as they become ready, in blocks."""

    plain = ("is_open", "block")

    def __init__(self, step: Any, source: Iterator[Element], opened: Open, run: Run) -> None:
        super().__init__(step, source, opened, run)
        self.changed = threading.Condition()
        # The rest of the current block.
        self.block: list[Element | Failure] = []

    def read_ahead(self, elements: Iterator[Element]) -> Iterator[Element]:
        return Prefetched(elements, 2 * self.step.block, self.run, self.changed, self.gate)

    def __next__(self) -> Element:
        while not self.block:
            if self.is_open and len(self.parts) < self.step.cycle:
                part = self.opened_next()
                if part is not None:
                    self.parts.append(part)
            elif self.parts:
                self.take_block()
            else:
                raise StopIteration
        return unless_failed(self.block.pop(0))

    def take_block(self) -> None:
        """Takes the next block of the first dataset that has an element ready."""
        for part in self.parts:
            part.source.started()
        with self.changed:
            while not any(part.source.ready for part in self.parts):
                self.changed.wait()
        chosen = next(part for part in self.parts if part.source.ready)
        self.parts.remove(chosen)
        block = [attempt(next, chosen.source, None) for _ in range(self.step.block)]
        self.block = [item for item in block if item is not None]
        if None not in block:
            self.parts.append(chosen)


class InTurn(_Interleaved):
    """Iterates over blocks of elements of the open datasets in turn."""

    plain = ("is_open", "count", "at", "taken")
    sources = ("source", "parts", "waiting")

    def __init__(self, step: Any, source: Iterator[Element], opened: Open, run: Run) -> None:
        super().__init__(step, source, opened, run)
        self.parts = [None] * step.cycle
        # Number of open datasets, index of the current one, and number of elements taken from its block.
        self.count = self.at = self.taken = 0
        # Those that are opened before it is their turn, so that threads can begin with them; and failures to open one.
        self.waiting: list[Any] = []
        self.most_waiting = step.width if step.width > 1 else 0

    def read_ahead(self, elements: Iterator[Element]) -> Iterator[Element]:
        width, size = self.step.width, 2 * self.step.block
        if width in (0, 1):
            return elements
        if width == AUTOTUNE:
            return PrefetchedIfSlow(elements, size, self.run, self.gate)
        return Prefetched(elements, size, self.run, gate=self.gate)

    def opened_next(self) -> Part | None:
        while self.is_open and len(self.waiting) <= self.most_waiting:
            part: Any = attempt(super().opened_next)
            if isinstance(part, Failure) and self.step.fails_in_turn:
                part = Part(None, Failing(part))
            if part is not None:
                self.waiting.append(part)
            if isinstance(part, Part) and isinstance(part.source, Prefetched):
                part.source.started()
        return unless_failed(self.waiting.pop(0)) if self.waiting else None

    def restore(self, state: State) -> None:
        self.waiting = [self.open(part["element"]) for part in state["waiting"]]
        super().restore(state)

    def __next__(self) -> Element:
        while self.count or self.is_open or self.waiting:
            part = self.parts[self.at]
            if part is None and (self.is_open or self.waiting):
                self.parts[self.at] = part = self.opened_next()
                self.count += part is not None
                continue
            if part is not None:
                element = attempt(next, part.source, None)
                if element is not None:
                    if type(element) is not Failure or self.step.counts_errors:
                        self.passed_one()
                    return unless_failed(element)
                self.parts[self.at] = None
                self.count -= 1
            self.turn()
        raise StopIteration

    def passed_one(self) -> None:
        """Counts an element of the current block; ends it if it is full."""
        self.taken += 1
        if self.taken == self.step.block:
            self.turn()

    def turn(self) -> None:
        """Advances to the next position."""
        self.at, self.taken = (self.at + 1) % self.step.cycle, 0


def _gate(step: Any, run: Run) -> threading.Semaphore | None:
    """A semaphore that limits concurrent datasets to the number of calls; None if all may compute."""
    widths = [step.width if step.width > 1 else step.cycle, run.settings.pool or step.cycle]
    return threading.Semaphore(min(widths)) if min(widths) < step.cycle else None
