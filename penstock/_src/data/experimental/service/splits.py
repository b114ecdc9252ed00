"""Sources of a dataset whose elements several workers share: each is given to one of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

from penstock._src.ops.data.pipeline import UNKNOWN, Element, Pipeline, Run
from penstock._src.ops.data_planner.plan import with_inputs

# Of (source, repetition): the next element, or None at the end.
Next = Callable[[int, int], Element | None]


def sources_of(dataset: Pipeline) -> list[Pipeline]:
    """The steps of a pipeline that have no inputs, each once, in order."""
    if not dataset.inputs:
        return [dataset]
    found = [source for step in dataset.inputs for source in sources_of(step)]
    return list({id(source): source for source in found}.values())


class _Shared(Pipeline):
    """The elements of a source that this worker is given."""

    def __init__(self, source: Pipeline, number: int, take: Next) -> None:
        self.source, self.number, self.take = source, number, take
        self.types, self.shapes = source.types, source.shapes
        self.repetitions = itertools.count()
        self.is_fixed = True

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        repetition = next(self.repetitions)
        while (element := self.take(self.number, repetition)) is not None:
            yield element


def shared(dataset: Pipeline, take: Next) -> Pipeline:
    """Returns the pipeline with sources of which it gets what `take` gives."""
    places = {id(source): at for at, source in enumerate(sources_of(dataset))}

    def rebuilt(step: Pipeline) -> Pipeline:
        if not step.inputs:
            return _Shared(step, places[id(step)], take)
        return with_inputs(step, [rebuilt(source) for source in step.inputs])

    return rebuilt(dataset)


class Splits:
    """The sources of a job's dataset, whose elements are given out once in each repetition.

    A worker that asks again, as the answer was lost, gets the same element.

    Args:
      dataset: the pipeline.
    """

    def __init__(self, dataset: Pipeline) -> None:
        self._sources = sources_of(dataset)
        self._iterators: dict[tuple[int, int], Iterator[Element]] = {}
        self._last: dict[str, tuple[int, Element | None]] = {}
        self._lock = threading.Lock()

    def next(self, source: int, repetition: int, worker: str, number: int) -> Element | None:
        """The next element of a source for a worker, which numbers its questions; None at the end."""
        with self._lock:
            held = self._last.get(worker)
            if held is not None and held[0] == number:
                return held[1]
            key = source, repetition
            if key not in self._iterators:
                pipeline = self._sources[source]
                self._iterators[key] = pipeline.iterate(Run(pipeline.options()))
            element = next(self._iterators[key], None)
            self._last[worker] = number, element
            return element
