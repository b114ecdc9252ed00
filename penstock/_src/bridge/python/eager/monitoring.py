"""`tensorflow.python.eager.monitoring`: counters and gauges of the process, by labels."""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any


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
            raise ValueError(f"The {self._name} expects taking {len(self._labels)} labels")
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


class BoolGauge(Metric):
    """A bool that is set."""

    _first = False


class Buckets:
    """The bounds of a sampler's buckets."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = list(bounds)


class ExponentialBuckets(Buckets):
    """Bounds of which each is a multiple of the one before."""

    def __init__(self, scale: float, growth_factor: float, bucket_count: int) -> None:
        super().__init__([scale * growth_factor**i for i in range(bucket_count)])


class Samples:
    """The values that a sampler was given."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds, self._values = list(bounds), list[float]()

    def add(self, value: float) -> None:
        """Adds a value."""
        self._values.append(value)

    def value(self) -> dict[str, Any]:
        """Returns the numbers of values by bucket, and their sums."""
        counts = [0] * (len(self._bounds) + 1)
        for value in self._values:
            counts[sum(value >= bound for bound in self._bounds)] += 1
        return {
            "num": len(self._values),
            "sum": sum(self._values),
            "sum_squares": sum(v * v for v in self._values),
            "bucket": counts,
        }


class Sampler(Metric):
    """Numbers, counted by buckets."""

    def __init__(self, name: str, buckets: Buckets, description: str, *labels: str) -> None:
        super().__init__(name, description, *labels)
        self._buckets = buckets

    def _new_cell(self) -> Samples:
        return Samples(self._buckets.bounds)


class MonitoredTimer:
    """A context that adds the microseconds it took to a cell."""

    def __init__(self, cell: Any, *unused: Any, **also_unused: Any) -> None:
        self.cell = cell

    def __enter__(self) -> "MonitoredTimer":
        self.t = time.time()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.cell.increase_by(int((time.time() - self.t) * 1_000_000))


def monitored_timer(cell: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator that adds the microseconds of each call to a cell."""

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with MonitoredTimer(cell):
                return function(*args, **kwargs)

        return timed

    return decorator
