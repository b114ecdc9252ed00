"""A worker's tasks for a job, and the sharing of elements by consumers."""

from __future__ import annotations

import enum
import itertools
import threading
from collections import Counter, deque
from collections.abc import Iterator

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.ops.data.pipeline import INFINITE, Element, Pipeline, Run
from penstock._src.util.export import export


@export("data.experimental.service.ShardingPolicy")
class ShardingPolicy(enum.IntEnum):
    """Division of a dataset among workers.

    OFF: each worker produces the whole dataset. DYNAMIC: each element of its sources goes to a free worker.
    FILE, DATA, FILE_OR_DATA, HINT: each worker has a fixed part, by its position in the dispatcher's `worker_addresses`.
    """

    OFF = 0
    DYNAMIC = 1
    FILE = 2
    DATA = 3
    FILE_OR_DATA = 4
    HINT = 5


STATIC = (
    ShardingPolicy.FILE,
    ShardingPolicy.DATA,
    ShardingPolicy.FILE_OR_DATA,
    ShardingPolicy.HINT,
)


class Task:
    """A worker's part of a job: elements, each for one consumer. A repeated request, after a lost answer, gets the same element.

    Args:
      dataset: its pipeline.
      compression: of the elements that are sent.
    """

    def __init__(self, dataset: Pipeline, compression: str) -> None:
        self.compression = compression
        self._run = Run(dataset.options())
        self._elements: Iterator[Element] = dataset.iterate(self._run)
        self._last: dict[str, tuple[int, Element | None]] = {}
        self.lock = threading.Lock()

    def element(self, consumer: str, number: int) -> Element | None:
        """The answer to a consumer's question of this number; None at the end."""
        with self.lock:
            last = self._last.get(consumer)
            if last is None or last[0] != number:
                last = self._last[consumer] = number, self._next(consumer, number)
            return last[1]

    def _next(self, consumer: str, number: int) -> Element | None:
        return next(self._elements, None)

    def close(self) -> None:
        """Ends it."""
        with self.lock:
            self._run.close()


class RoundTask(Task):
    """Elements in unlimited rounds: in each one every consumer gets the element at its own index.

    Args:
      dataset: its pipeline.
      compression: of the elements that are sent.
      consumers: how many there are.
      cardinality: of the dataset as it was registered.

    Raises:
      FailedPreconditionError: the dataset ends.
    """

    def __init__(
        self, dataset: Pipeline, compression: str, consumers: int, cardinality: int
    ) -> None:
        if cardinality != INFINITE:
            raise FailedPreconditionError(
                "Round robin reads require that the input dataset has infinite cardinality, but the dataset has "
                f"cardinality {cardinality}. Consider adding a `.repeat()` transformation to the dataset."
            )
        super().__init__(dataset, compression)
        self._consumers = consumers
        self._rounds: dict[int, list[Element]] = {}  # rounds that some consumer has yet to request
        self._made = 0
        self._asked: Counter[int] = Counter()

    def _next(self, consumer: str, number: int) -> Element | None:
        if not consumer.isdecimal() or int(consumer) >= self._consumers or number > self._made:
            raise InvalidArgumentError(
                f"tf.data service: consumer {consumer} has no round {number}."
            )
        if number < self._made and number not in self._rounds:
            raise FailedPreconditionError(
                f"tf.data service: Consumer {consumer} requested data for round {number}, but the current round has already "
                f"reached {self._made}. This may indicate that the consumer was restarted with the same iteration name."
            )
        if number == self._made:
            self._rounds[number] = list(itertools.islice(self._elements, self._consumers))
            self._made += 1
        elements, place = self._rounds[number], int(consumer)
        self._asked[number] += 1
        if self._asked[number] == self._consumers:
            del self._rounds[number], self._asked[number]
        return (
            elements[place] if len(elements) == self._consumers and place < len(elements) else None
        )


class CachedTask(Task):
    """A sliding window of elements. Every trainer gets all of them, except those that left the window before."""

    WINDOW = 1024

    def __init__(self, dataset: Pipeline, compression: str) -> None:
        super().__init__(dataset, compression)
        self._kept: deque[Element] = deque()
        self._first = 0
        self._at: dict[str, int] = {}

    def _next(self, consumer: str, number: int) -> Element | None:
        at = max(self._at.get(consumer, 0), self._first)
        if at == self._first + len(self._kept):
            element = next(self._elements, None)
            if element is None:
                return None
            self._kept.append(element)
            if len(self._kept) > self.WINDOW:
                self._kept.popleft()
                self._first += 1
        self._at[consumer] = at + 1
        return self._kept[at - self._first]
