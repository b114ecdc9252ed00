"""`tensorflow.python.eager.monitoring`: counters and gauges of the process, by labels."""

import functools
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.proto.event import HistogramProto
from penstock._src.util.export import export


class Cell:
    """A value of a metric."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def value(self) -> Any:
        """Returns the value."""
        return self._value

    def set(self, value: Any) -> None:
        """Sets the value."""
        self._value = value

    def increase_by(self, value: int) -> None:
        """Adds to the value."""
        self._value += value


class Metric:
    """Cells by the values of labels.

    Args:
      name: of the metric.
      description: what it measures.
      *labels: the names of its labels.
    """

    _first: Any = 0

    def __init__(self, name: str, description: str, *labels: str) -> None:
        self._name, self._description, self._labels = name, description, labels
        self._cells: dict[tuple[Any, ...], Any] = {}

    def get_cell(self, *labels: str) -> Any:
        """Returns the cell of these values of the labels."""
        if len(labels) != len(self._labels):
            raise ValueError(f"The {type(self).__name__} expects taking {len(self._labels)} labels")
        if labels not in self._cells:
            self._cells[labels] = self._new_cell()
        return self._cells[labels]

    def _new_cell(self) -> Any:
        return Cell(self._first)


class Counter(Metric):
    """A number that grows."""


class IntGauge(Metric):
    """A number that is set."""


class StringGauge(Metric):
    """Text that is set."""

    _first = ""


@export("__internal__.monitoring.BoolGauge", v1=[])
class BoolGauge(Metric):
    """A bool that is set.

    Args:
      name: of the metric.
      description: what it measures.
      *labels: the names of its labels.
    """

    _first = False


class Buckets:
    """The bounds of a sampler's buckets."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = list(bounds)


class ExponentialBuckets(Buckets):
    """Bounds, each a multiple of the one before."""

    def __init__(self, scale: float, growth_factor: float, bucket_count: int) -> None:
        super().__init__([scale * growth_factor**i for i in range(bucket_count)])


class Samples:
    """The values that a sampler was given."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds, self._values = list(bounds), list[float]()

    def add(self, value: float) -> None:
        """Adds a value."""
        self._values.append(value)

    def value(self) -> Any:
        """Returns a HistogramProto: the numbers of values by bucket, and their sums."""
        counts = [0.0] * (len(self._bounds) + 1)
        for value in self._values:
            counts[sum(value >= bound for bound in self._bounds)] += 1
        return HistogramProto(
            min=min(self._values, default=sys.float_info.max),
            max=max(self._values, default=-sys.float_info.max),
            num=len(self._values),
            sum=sum(self._values),
            sum_squares=sum(v * v for v in self._values),
            bucket_limit=[*self._bounds, sys.float_info.max],
            bucket=counts,
        )


class Sampler(Metric):
    """Numbers, counted by buckets."""

    def __init__(self, name: str, buckets: Buckets, description: str, *labels: str) -> None:
        super().__init__(name, description, *labels)
        self._buckets = buckets

    def _new_cell(self) -> Samples:
        return Samples(self._buckets.bounds)


# The names of the sections that are being timed.
MonitoredTimerSections: list[str] = []


class MonitoredTimer:
    """A context that adds the microseconds it took to a cell.

    Args:
      cell: of a counter.
      monitored_section_name: the name of what is timed.
      avoid_repetitive_counting: whether nothing is added within a section of the same name.
    """

    def __init__(
        self,
        cell: Any,
        monitored_section_name: str | None = None,
        avoid_repetitive_counting: bool = False,
    ) -> None:
        self.cell, self.monitored_section_name = cell, monitored_section_name
        self._once, self._counting = avoid_repetitive_counting, True

    def __enter__(self) -> "MonitoredTimer":
        if self._once and self.monitored_section_name in MonitoredTimerSections:
            self._counting = False
            return self
        self.t = time.time()
        if self.monitored_section_name:
            MonitoredTimerSections.append(self.monitored_section_name)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if not self._counting:
            return
        self.cell.increase_by(int((time.time() - self.t) * 1_000_000))
        if self.monitored_section_name:
            MonitoredTimerSections.remove(self.monitored_section_name)


def monitored_timer(cell: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that adds the microseconds of each call to a cell."""

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with MonitoredTimer(cell):
                return function(*args, **kwargs)

        return timed

    return decorator
