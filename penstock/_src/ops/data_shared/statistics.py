"""Statistics of the elements that pass through datasets, gathered by an aggregator further down."""

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource, manager
from penstock._src.ops.data.pipeline import Element, Pipeline, Run, UnnamedDatasetOp
from penstock._src.ops.strings.elements import strings
from penstock._src.proto.event import Summary


class Aggregator(Resource):
    """Numbers under tags, of which it keeps extremes, count and sums."""

    def __init__(self, name: str = "", container: str = "") -> None:
        super().__init__(name, container)
        self._lock = threading.Lock()
        self._totals: dict[str, list[float]] = {}

    def add(self, tag: str, value: float) -> None:
        """Counts a number."""
        with self._lock:
            least, most, count, total, squares = self._totals.get(tag, (value, value, 0, 0.0, 0.0))
            self._totals[tag] = [
                min(least, value), max(most, value), count + 1, total + value, squares + value * value,
            ]  # fmt: skip

    def summary(self) -> bytes:
        """The histograms of all tags, as a Summary; a histogram has one bucket."""
        made = Summary()
        with self._lock:
            for tag, (least, most, count, total, squares) in sorted(self._totals.items()):
                histogram = made.value.add(tag=tag).histo
                histogram.min, histogram.max, histogram.num = least, most, count
                histogram.sum, histogram.sum_squares = total, squares
                histogram.bucket_limit.append(sys.float_info.max)
                histogram.bucket.append(count)
        return made.SerializeToString()


class StatsAggregatorHandle(Op):
    """An aggregator; one with a name is shared."""

    signature = "-> handle: resource"
    container: str = ""
    shared_name: str = ""
    stateful = True

    def shape(self):
        return ()

    def eager(self):
        name, container = self.shared_name, self.container

        def make() -> Aggregator:
            return Aggregator(name, container)

        return manager().get_or_create(Aggregator, container, name, make) if name else make()


class StatsAggregatorHandleV2(StatsAggregatorHandle):
    """An aggregator; one with a name is shared."""

    signature = "-> handle: resource"


class ExperimentalStatsAggregatorHandle(StatsAggregatorHandle):
    """An aggregator; one with a name is shared."""

    signature = "-> handle: resource"


class StatsAggregatorSummary(Op):
    """What an aggregator has gathered, as a serialised Summary."""

    signature = "iterator: resource -> summary: string"
    stateful = True

    def shape(self, iterator):
        return ()

    def eager(self, iterator):
        return strings([iterator.summary()], ())


class ExperimentalStatsAggregatorSummary(StatsAggregatorSummary):
    """What an aggregator has gathered, as a serialised Summary."""

    signature = "iterator: resource -> summary: string"


class _Passing(Pipeline):
    """Passes elements on, and tells the run's aggregator a number about each."""

    keeps_batches = True

    def __init__(self, source: Pipeline, tag: str) -> None:
        self.inputs, self.tag = (source,), tag

    def iterate(self, run: Run) -> Iterator[Element]:
        elements = self.inputs[0].iterate(run)
        while True:
            start = time.perf_counter()
            element = next(elements, None)
            if element is None:
                return
            if run.aggregator is not None:
                run.aggregator.add(self.tag, self.number(element, start))
            yield element

    def number(self, element: Element, start: float) -> float:
        """What is told about an element whose making began at `start`."""
        raise NotImplementedError(type(self).__name__)


class _Latencies(_Passing):
    def number(self, element: Element, start: float) -> float:
        return (time.perf_counter() - start) * 1e6


class _Sizes(_Passing):
    def number(self, element: Element, start: float) -> float:
        return float(sum(np.asarray(component).nbytes for component in element))


class _Gathered(Pipeline):
    """Tells what comes before it where to report."""

    keeps_batches = True

    def __init__(self, source: Pipeline, aggregator: Aggregator) -> None:
        self.inputs, self.aggregator = (source,), aggregator

    def iterate(self, run: Run) -> Iterator[Element]:
        run.aggregator = self.aggregator
        return self.inputs[0].iterate(run)


class _TaggedOp(UnnamedDatasetOp):
    """Base of datasets that report under a tag; `reports` is the kind of their pipeline."""

    reports = _Latencies

    def pipeline(self, input_dataset, tag):
        return self.reports(input_dataset, np.asarray(tag).item().decode())


class LatencyStatsDataset(_TaggedOp):
    """The input; how long each element took, in microseconds, goes to the aggregator."""

    signature = "input_dataset: variant, tag: string -> handle: variant"


class ExperimentalLatencyStatsDataset(_TaggedOp):
    """The input; how long each element took, in microseconds, goes to the aggregator."""

    signature = "input_dataset: variant, tag: string -> handle: variant"


class BytesProducedStatsDataset(_TaggedOp):
    """The input; the size of each element in bytes goes to the aggregator."""

    signature = "input_dataset: variant, tag: string -> handle: variant"
    reports = _Sizes


class ExperimentalBytesProducedStatsDataset(_TaggedOp):
    """The input; the size of each element in bytes goes to the aggregator."""

    signature = "input_dataset: variant, tag: string -> handle: variant"
    reports = _Sizes


class SetStatsAggregatorDataset(UnnamedDatasetOp):
    """The input, whose statistics go to an aggregator."""

    signature = (
        "input_dataset: variant, stats_aggregator: resource, tag: string, counter_prefix: string -> "
        "handle: variant"
    )
    stateful = True

    def pipeline(self, input_dataset, stats_aggregator, tag, counter_prefix):
        return _Gathered(input_dataset, stats_aggregator)


class ExperimentalSetStatsAggregatorDataset(SetStatsAggregatorDataset):
    """The input, whose statistics go to an aggregator."""

    signature = SetStatsAggregatorDataset.signature
