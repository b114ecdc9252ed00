"""Batches of all workers together; each worker takes its rows at a step."""

from __future__ import annotations

import weakref
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, OutOfRangeError
from penstock._src.data.dataset import Dataset
from penstock._src.distribute.workers.datasets import WorkerDataset, any_size
from penstock._src.util import nest

# How many iterations of a dataset were begun: later ones draw other random numbers.
_BEGUN: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


class Feed:
    """The batches of an iteration over an elastic dataset.

    Args:
      dataset: of batches for all workers together.

    Attributes:
      taken: how many batches were taken.
      waiting: parts that the next step takes; without one, whoever asks gets whole batches.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset, self.taken = dataset, 0
        self._source: Any = None
        self._index = 0
        self.waiting: deque[Any] = deque()

    @property
    def index(self) -> int:
        """Number of iterations of the dataset that were begun before this one."""
        return _BEGUN.get(self._dataset, 0) if self._source is None else self._index

    def pull(self) -> Any:
        """Returns the next batch of all workers together; None at the end."""
        if self._source is None:
            self._begin()
        batch = self._next()
        if batch is not None:
            self.taken += 1
        return batch

    def advance(self, index: int, taken: int) -> None:
        """Goes on at the place where others are.

        Args:
          index: of their iteration: those before it are begun, as they may draw random numbers.
          taken: batches that they have taken.

        Raises:
          InvalidArgumentError: this process's dataset ends before.
        """
        while self.index < index:
            if self._source is None:
                self._begin()
                self._next()
            self._source, self.taken = None, 0
        while self.taken < taken:
            if self.pull() is None:
                raise InvalidArgumentError(
                    None, None,
                    f"The dataset of this worker ends after {self.taken} batches; the others have taken {taken}.",
                )  # fmt: skip

    def elements(self) -> Iterator[Any]:
        """Yields what steps take."""
        while True:
            if self.waiting:
                yield self.waiting.popleft()
                continue
            batch = self.pull()
            if batch is None:
                return
            yield batch

    def _begin(self) -> None:
        self._index = self.index
        _BEGUN[self._dataset] = self._index + 1
        self._source = iter(self._dataset)

    def _next(self) -> Any:
        try:
            return next(self._source)
        except (StopIteration, OutOfRangeError):
            return None


class ElasticDataset(WorkerDataset):
    """A dataset of batches that the workers of an elastic job divide.

    Args:
      dataset: of batches for all workers together.
    """

    def __init__(self, dataset: Any) -> None:
        super().__init__(dataset, dataset)
        self._spec = nest.map_structure(any_size, dataset.element_spec)

    def __iter__(self) -> Any:
        feed = Feed(self._original)
        iterator = iter(Dataset.from_generator(feed.elements, output_signature=self._spec))
        iterator.feed = feed
        return iterator


def part(batch: Any, rank: int, size: int) -> Any:
    """Returns a worker's rows of a batch: as many as of the others, the first workers one more if need be.

    Args:
      batch: a structure of tensors.
      rank: of the worker.
      size: how many workers there are.
    """

    def rows(leaf: Any) -> Any:
        if leaf.shape.rank == 0:
            return leaf
        each, more = divmod(int(leaf.shape[0]), size)
        begin = rank * each + min(rank, more)
        return leaf[begin : begin + each + (rank < more)]

    return nest.map_structure(rows, batch)


def checksum(batch: Any) -> int:
    """Returns a number that differs between batches that differ."""
    total = 0
    for leaf in nest.flatten(batch, expand_composites=True):
        values = np.asarray(leaf.numpy(), order="C")
        data = repr(values.tolist()).encode() if values.dtype == object else values.tobytes()
        total = zlib.crc32(data, zlib.crc32(str(values.shape).encode(), total))
    return total
