"""How workers of a service divide a dataset, and how consumers share a job."""

import enum
import itertools
import threading
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import NotFoundError
from penstock._src.data.experimental.service.servers import DispatchServer
from penstock._src.ops.data.pipeline import Element, Run
from penstock._src.util.export import export


@export("data.experimental.service.ShardingPolicy")
class ShardingPolicy(enum.IntEnum):
    """How a dataset is divided among workers.

    OFF: each worker produces the whole dataset. DYNAMIC: each element comes from a free worker.
    FILE, DATA, FILE_OR_DATA, HINT: each worker has a fixed part, by its position in the dispatcher's `worker_addresses`.
    """

    OFF = 0
    DYNAMIC = 1
    FILE = 2
    DATA = 3
    FILE_OR_DATA = 4
    HINT = 5


def produced(dispatcher: DispatchServer, policy: ShardingPolicy, dataset: Any) -> Iterator[Element]:
    """The elements that the workers produce, round-robin.

    Raises:
      NotFoundError: a worker is not in the dispatcher's `worker_addresses`.
    """
    workers = dispatcher.workers()
    if policy is ShardingPolicy.DYNAMIC:
        sources = [dataset]
    elif policy is ShardingPolicy.OFF:
        sources = [dataset] * len(workers)
    else:
        known = dispatcher.known_workers
        for worker in workers:
            if worker not in known:
                raise NotFoundError(
                    f"Failed to shard dataset in tf.data service: Worker {worker} is not in the "
                    f"workers list. Got workers list {','.join(known)}."
                )
        sources = [dataset.shard(len(known), known.index(worker)) for worker in workers]
    return in_turn([_elements(source) for source in sources])


def _elements(dataset: Any) -> Iterator[Element]:
    pipeline = dataset._variant_tensor._value
    run = Run(pipeline.options())
    try:
        yield from pipeline.iterate(run)
    finally:
        run.close()


def in_turn(sources: list[Iterator[Element]]) -> Iterator[Element]:
    """Elements of the sources, round-robin, until all are exhausted."""
    while sources:
        remaining = []
        for source in sources:
            for element in itertools.islice(source, 1):
                remaining.append(source)
                yield element
        sources = remaining


class Job:
    """Elements that several consumers share: each element goes to one of them."""

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements, self._lock = elements, threading.Lock()

    def consume(self) -> Iterator[Element]:
        """The elements that this consumer gets."""
        while True:
            with self._lock:
                element = next(self._elements, None)
            if element is None:
                return
            yield element


class RoundRobin:
    """Elements in rounds: in each round every consumer gets the one at its own index."""

    def __init__(self, elements: Iterator[Element], consumers: int) -> None:
        self._elements, self._consumers = elements, consumers
        self._rounds: list[list[Element]] = []
        self._lock = threading.Lock()

    def consume(self, number: int) -> Iterator[Element]:
        """The elements at this index; an incomplete last round is dropped."""
        for at in itertools.count():
            with self._lock:
                if at == len(self._rounds):
                    self._rounds.append(list(itertools.islice(self._elements, self._consumers)))
                found = self._rounds[at]
            if len(found) < self._consumers:
                return
            yield found[number]


class Cache:
    """A sliding window of elements, all of which every trainer gets."""

    WINDOW = 1024

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements, self._lock = elements, threading.Lock()
        self._kept: list[Element] = []
        self._first = 0
        self._next: dict[str, int] = {}

    def consume(self, trainer: str) -> Iterator[Element]:
        """The elements from the trainer's position on; those no longer in the cache are skipped."""
        while True:
            with self._lock:
                at = max(self._next.get(trainer, self._first), self._first)
                if at == self._first + len(self._kept):
                    element = next(self._elements, None)
                    if element is None:
                        return
                    self._kept.append(element)
                    if len(self._kept) > self.WINDOW:
                        del self._kept[0]
                        self._first += 1
                element = self._kept[at - self._first]
                self._next[trainer] = at + 1
            yield element
