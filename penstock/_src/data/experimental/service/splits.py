"""Sources of a dataset that several workers share: each element is given to one of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.data.experimental.service.messages import SplitGiven
from penstock._src.ops.data.iteration.resume import Resumable
from penstock._src.ops.data.pipeline import UNKNOWN, Element, Pipeline, Run
from penstock._src.ops.data_planner.plan import with_inputs

# (source, repetition, number of elements taken) -> the next element, or None at the end.
Next = Callable[[int, int, int], Element | None]


def sources_of(dataset: Pipeline) -> list[Pipeline]:
    """The sources of a pipeline in order; a source that several steps read is repeated for each of them, as each reads all of it."""
    if not dataset.inputs:
        return [dataset]
    return [source for step in dataset.inputs for source in sources_of(step)]


class Shared(Pipeline):
    """The elements of a source that this worker is given. `opened` counts the iterations over it."""

    def __init__(self, source: Pipeline, number: int, take: Next) -> None:
        self.number, self.take, self.opened = number, take, 0
        self.types, self.shapes = source.types, source.shapes
        self.is_fixed = True

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        self.opened += 1
        return SharedElements(self.take, self.number, self.opened - 1)


class SharedElements(Resumable):
    """Iterates over elements of a source that this worker is given, in one of the repetitions."""

    plain, sources = ("number", "repetition", "taken"), ()

    def __init__(self, take: Next, number: int, repetition: int) -> None:
        self.take, self.number, self.repetition, self.taken = take, number, repetition, 0

    def __next__(self) -> Element:
        element = self.take(self.number, self.repetition, self.taken)
        if element is None:
            raise StopIteration
        self.taken += 1
        return element


# Fields of the states of these iterators.
KIND = SharedElements.__name__


def shared(dataset: Pipeline, take: Next) -> Pipeline:
    """Return the pipeline with sources that get their elements from `take`."""
    numbers = itertools.count()  # those of `sources_of`

    def rebuilt(step: Pipeline) -> Pipeline:
        if not step.inputs:
            return Shared(step, next(numbers), take)
        return with_inputs(step, [rebuilt(source) for source in step.inputs])

    return rebuilt(dataset)


class Given:
    """Record of elements given out: the position of each source in each repetition, and each worker's last element."""

    def __init__(self) -> None:
        self.furthest: dict[tuple[int, int], Any] = {}
        self.last: dict[str, Any] = {}

    def add(self, event: Any) -> None:
        """Apply a SplitGiven."""
        key = _key(event.request)
        if key not in self.furthest or event.at > self.furthest[key].at:
            self.furthest[key] = event
        self.last[event.request.worker] = event

    def messages(self) -> list[Any]:
        """The equivalent SplitGivens."""
        return [*self.furthest.values(), *self.last.values()]


class Splits:
    """The sources of a job's dataset. Each element is given out once in each repetition.

    A worker that asks again, as the answer was lost, gets the same element.

    Args:
      dataset: the pipeline.
      history: the splits that were handed out before.
    """

    def __init__(self, dataset: Pipeline, history: Given) -> None:
        self._sources = sources_of(dataset)
        self._iterators: dict[tuple[int, int], Iterator[Element]] = {}
        self._taken: Counter[tuple[int, int]] = Counter()
        self._last: dict[str, tuple[int, Element | None]] = {}
        self._skip(history)

    def next(self, request: Any) -> tuple[Element | None, Any]:
        """The next element of a source for a worker, None at the end; and a SplitGiven unless this repeats a request.

        Args:
          request: a SplitRequest. Workers number their questions.
        """
        last = self._last.get(request.worker)
        if last is not None and last[0] == request.number:
            return last[1], None
        element = self._take(*_key(request))
        self._last[request.worker] = request.number, element
        at = -1 if element is None else self._taken[_key(request)] - 1
        return element, SplitGiven(request=request, at=at)

    def _take(self, source: int, repetition: int) -> Element | None:
        key = source, repetition
        if key not in self._iterators:
            pipeline = self._sources[source]
            self._iterators[key] = pipeline.iterate(Run(pipeline.options()))
        element = next(self._iterators[key], None)
        self._taken[key] += element is not None
        return element

    def _skip(self, history: Given) -> None:
        """Skip the elements that were given out, and keep each worker's last element."""
        for worker, each in history.last.items():
            self._last[worker] = each.request.number, None
        for key, furthest in history.furthest.items():
            wanted = {e.at: w for w, e in history.last.items() if _key(e.request) == key}
            for at in range(furthest.at + 1):
                element = self._take(*key)
                if at in wanted:
                    worker = wanted[at]
                    self._last[worker] = history.last[worker].request.number, element


def _key(request: Any) -> tuple[int, int]:
    return request.source, request.repetition
