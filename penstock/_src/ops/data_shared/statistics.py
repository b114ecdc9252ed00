"""Statistics of dataset elements, gathered by an aggregator further down the pipeline."""

import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource, manager
from penstock._src.ops.data.iteration.resume import Element, Resumable
from penstock._src.ops.data.pipeline import Pipeline, Run, UnnamedDatasetOp
from penstock._src.ops.strings.elements import strings
from penstock._src.ops.summaries.summary import Histogram, SummaryWriterHandle
from penstock._src.proto.event import Event, Summary


class Aggregator(Resource):
    """Histograms of values by tag."""

    def __init__(self, name: str = "", container: str = "") -> None:
        super().__init__(name, container)
        self._lock = threading.Lock()
        self._histograms: dict[str, Histogram] = {}

    def add(self, tag: str, value: float, step: int) -> None:
        """Adds a value, reported for element number `step`."""
        del step
        with self._lock:
            self._histograms.setdefault(tag, Histogram()).add(value)

    def summary(self) -> bytes:
        """The histograms of all tags, as a Summary."""
        message = Summary()
        with self._lock:
            for tag, histogram in sorted(self._histograms.items()):
                message.value.add(tag=tag).histo.CopyFrom(histogram.proto())
        return message.SerializeToString()

    def write_to(self, writer: SummaryWriterHandle) -> None:
        """Does nothing: this kind is read through its summary."""


class WritingAggregator(Aggregator):
    """Histograms that are written to a summary writer as they grow; without a writer values are dropped."""

    _writer: SummaryWriterHandle | None = None

    def add(self, tag: str, value: float, step: int) -> None:
        """Adds a value and writes the histogram of its tag."""
        if self._writer is None:
            return
        with self._lock:
            histogram = self._histograms.setdefault(tag, Histogram())
            histogram.add(value)
            event = Event(wall_time=time.time(), step=step)
            event.summary.value.add(tag=tag).histo.CopyFrom(histogram.proto())
            self._writer.opened().write(event)

    def summary(self) -> bytes:
        """Empty: the writer has the histograms."""
        return b""

    def write_to(self, writer: SummaryWriterHandle) -> None:
        """Sets the writer."""
        self._writer = writer


class StatsAggregatorHandle(Op):
    """An aggregator; one with a name is shared."""

    signature = "-> handle: resource[]"
    container: str = ""
    shared_name: str = ""
    kind: ClassVar[type[Aggregator]] = Aggregator

    def eager(self):
        name, container, kind = self.shared_name, self.container, self.kind

        def make() -> Aggregator:
            return kind(name, container)

        return manager().get_or_create(kind, container, name, make) if name else make()


class StatsAggregatorHandleV2(StatsAggregatorHandle):
    """An aggregator that writes to a summary writer; one with a name is shared."""

    kind: ClassVar[type[Aggregator]] = WritingAggregator


class ExperimentalStatsAggregatorHandle(StatsAggregatorHandle):
    """An aggregator; one with a name is shared."""


class StatsAggregatorSetSummaryWriter(Op):
    """Makes an aggregator write to a summary writer."""

    signature = "stats_aggregator: resource, summary: resource ->"

    def eager(self, stats_aggregator, summary):
        if not isinstance(stats_aggregator, Aggregator):
            raise self.invalid("Trying to access a handle's resource using the wrong type.")
        summary.opened()
        stats_aggregator.write_to(summary)
        return ()


class StatsAggregatorSummary(Op):
    """Returns the statistics of an aggregator as a serialized Summary."""

    signature = "iterator: resource -> summary: string[]"

    def eager(self, iterator):
        return strings([iterator.summary()], ())


class ExperimentalStatsAggregatorSummary(StatsAggregatorSummary):
    """Returns the statistics of an aggregator as a serialized Summary."""


class _Passing(Pipeline):
    """Passes elements on and reports a value for each to the run's aggregator."""

    keeps_batches = True

    def __init__(self, source: Pipeline, tag: str) -> None:
        self.inputs, self.tag = (source,), tag

    def iterate(self, run: Run) -> Iterator[Element]:
        return Reported(self, self.inputs[0].iterate(run), run)

    def number(self, element: Element, start: float) -> float:
        """The value to report for an element whose computation began at `start`."""
        raise NotImplementedError(type(self).__name__)


class Reported(Resumable):
    """Iterates over elements and reports a value for each."""

    plain = ("taken",)

    def __init__(self, step: _Passing, source: Iterator[Element], run: Run) -> None:
        self.step, self.source, self.run, self.taken = step, source, run, 0

    def __next__(self) -> Element:
        start = time.perf_counter()
        element = next(self.source)
        if self.run.aggregator is not None:
            aggregator, prefix = self.run.aggregator
            value = self.step.number(element, start)
            aggregator.add(prefix + self.step.tag, value, self.taken)
        self.taken += 1
        return element


class _Latencies(_Passing):
    def number(self, element: Element, start: float) -> float:
        return (time.perf_counter() - start) * 1e6


class _Sizes(_Passing):
    def number(self, element: Element, start: float) -> float:
        return float(sum(np.asarray(component).nbytes for component in element))


class _Gathered(Pipeline):
    """Sets the aggregator of the pipeline before it."""

    keeps_batches = True

    def __init__(self, source: Pipeline, aggregator: Aggregator, tag: str) -> None:
        self.inputs, self.aggregator = (source,), aggregator
        self.prefix = f"{tag}::" if tag else ""

    def iterate(self, run: Run) -> Iterator[Element]:
        run.aggregator = self.aggregator, self.prefix
        return self.inputs[0].iterate(run)


class _TaggedOp(UnnamedDatasetOp):
    """Base of datasets that report under a tag; `reports` is the kind of their pipeline."""

    signature = "input_dataset: variant, tag: string -> handle: variant"
    ranks = {"tag": (0,)}

    reports = _Latencies

    def pipeline(self, input_dataset, tag):
        return self.reports(input_dataset, np.asarray(tag).item().decode())


class LatencyStatsDataset(_TaggedOp):
    """The input; how long each element took, in microseconds, goes to the aggregator."""


class ExperimentalLatencyStatsDataset(_TaggedOp):
    """The input; how long each element took, in microseconds, goes to the aggregator."""


class BytesProducedStatsDataset(_TaggedOp):
    """The input; the size of each element in bytes goes to the aggregator."""

    reports = _Sizes


class ExperimentalBytesProducedStatsDataset(_TaggedOp):
    """The input; the size of each element in bytes goes to the aggregator."""

    reports = _Sizes


class SetStatsAggregatorDataset(UnnamedDatasetOp):
    """The input, whose statistics go to an aggregator."""

    signature = """input_dataset: variant, stats_aggregator: resource, tag: string,
        counter_prefix: string -> handle: variant"""

    def pipeline(self, input_dataset, stats_aggregator, tag, counter_prefix):
        return _Gathered(input_dataset, stats_aggregator, np.asarray(tag).item().decode())


class ExperimentalSetStatsAggregatorDataset(SetStatsAggregatorDataset):
    """The input, whose statistics go to an aggregator."""
