"""Seeds of shuffling and random datasets, and TensorFlow's order of a shuffled dataset."""

import itertools
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.iteration.resume import Resumable, State
from penstock._src.ops.random.philox import Stream
from penstock._src.util.process import forks

_BLOCKS = 256
CHUNK = 4096  # numbers in a chunk


def words(seed: int, seed2: int, start: int = 0) -> Iterator[int]:
    """The 32-bit words of the stream with these seeds, without the first `start`."""
    blocks, within = divmod(start, 4)
    stream = Stream.from_seeds(seed, seed2).skipped(blocks)
    while True:
        yield from stream.blocks(_BLOCKS).ravel()[within:].tolist()
        stream, within = stream.skipped(_BLOCKS), 0


class SeedGenerator(Resource):
    """The seeds of each iteration: always the same, or the next ones of a stream. Iterations may begin in several threads.

    If `restarts`, every dataset that is iterated over has a stream of its own, also where one is made of another (`in_own_steps`).
    """

    def __init__(self, seed: int, seed2: int, reshuffle: bool, restarts: bool = False) -> None:
        super().__init__()
        self.given, self.restarts = (seed, seed2), restarts
        if seed == 0 and seed2 == 0:
            seed, seed2 = secrets.randbits(63), secrets.randbits(63)
        self.seed, self.seed2, self.reshuffle = seed, seed2, reshuffle
        self._words, self.iterations = words(seed, seed2), 0
        self._lock = forks.freed_in_child(threading.Lock())

    def next(self) -> tuple[int, int]:
        """The two seeds of a new iteration."""
        if not self.reshuffle:
            return self.seed, self.seed2
        with self._lock:
            self.iterations += 1
            return next(self._words), next(self._words)

    def renewed(self) -> "SeedGenerator":
        """A generator that restarts, with new seeds if none were given."""
        return SeedGenerator(*self.given, self.reshuffle, self.restarts)

    def state(self) -> list[int]:
        """The state from which `restore` continues."""
        with self._lock:
            return [self.seed, self.seed2, self.iterations]

    def restore(self, seed: int, seed2: int, iterations: int) -> None:
        """Continues with the seeds that come after those of a number of iterations."""
        with self._lock:
            self.seed, self.seed2, self.iterations = seed, seed2, iterations
            self._words = words(seed, seed2)
            if self.reshuffle:
                for _ in range(2 * iterations):
                    next(self._words)


class Shuffled(Resumable):
    """Iterates over the items that `begin` opens in random order, drawn from a buffer of `size` of them.

    The buffer is a ring: item number n is at n modulo `size`. Like TensorFlow's, it is full before an item is drawn, and no more
    is read: who sees when the source is read, by an error in it or by its own state, sees the same order.
    """

    plain = ("is_begun", "seeds", "start", "held", "buffer")

    def __init__(
        self, begin: Callable[[], Iterator[Any]], size: int, seeds: tuple[int, int]
    ) -> None:
        self.begin, self.is_begun = begin, False
        self.source: Iterator[Any] | None = None
        self.size, self.seeds = size, seeds
        self.buffer: list[Any] = []
        # The number of the first item in the buffer, and how many there are.
        self.start = self.held = 0
        # True if a buffer that was full lacks the item that was drawn last.
        self.is_steady = False
        self.words = words(*seeds)

    def __next__(self) -> Any:
        if not self.is_steady:
            return self.filled_and_drawn()
        item = next(self.source, None)  # type: ignore[call-overload]
        if item is None:
            self.source, self.is_steady = None, False
            return self.filled_and_drawn()
        buffer, size, start = self.buffer, self.size, self.start
        buffer[(start - 1) % size] = item
        self.start = start + 1
        at = (next(self.words) % size + start) % size
        chosen = buffer[at]
        buffer[at] = buffer[start % size]
        return chosen

    def filled_and_drawn(self) -> Any:
        """The next item from a buffer that is filled as far as the source goes."""
        if not self.is_begun:
            self.source, self.is_begun = self.begin(), True
        buffer, size = self.buffer, self.size
        while self.source is not None and self.held < size:
            item, place = next(self.source, None), self.start + self.held
            if item is None:
                self.source = None
                break
            if place < size:
                buffer.append(item)
            else:
                buffer[place % size] = item
            self.held += 1
        if not self.held:
            raise StopIteration
        at = (next(self.words) % self.held + self.start) % size
        chosen = buffer[at]
        buffer[at] = buffer[self.start % size]
        self.start, self.held = self.start + 1, self.held - 1
        self.is_steady = self.source is not None
        return chosen

    def restore(self, state: State) -> None:
        if state["source"] is not None:
            self.source = self.begin()
        super().restore(state)
        self.is_steady = False
        self.words = words(*self.seeds, self.start)


class Chunked(Resumable):
    """Iterates over numbers in chunks of `size`."""

    def __init__(self, source: Iterator[int], size: int) -> None:
        self.source, self.size = source, size

    def __next__(self) -> np.ndarray:
        chunk = np.fromiter(itertools.islice(self.source, self.size), np.int64)
        if not chunk.size:
            raise StopIteration
        return chunk


class Permutation(Resumable):
    """One chunk: all numbers below a count in random order."""

    plain, sources = ("seeds", "is_taken"), ()

    def __init__(self, count: int, seeds: tuple[int, int]) -> None:
        self.count, self.seeds, self.is_taken = count, seeds, not count

    def __next__(self) -> np.ndarray:
        if self.is_taken:
            raise StopIteration
        self.is_taken = True
        return permutation(self.count, self.seeds)


def permutation(count: int, seeds: tuple[int, int]) -> np.ndarray:
    """range(count) in the order of `shuffled` with a buffer of `count`."""
    drawn = Stream.from_seeds(*seeds).words(count).astype(np.int64)
    positions = np.arange(count)
    chosen = (drawn % (count - positions) + positions).tolist()
    order = positions.tolist()
    for position, at in enumerate(chosen):
        order[position], order[at] = order[at], order[position]
    return np.array(order, np.int64)


class AnonymousSeedGenerator(Op):
    """A generator of seeds for shuffling, and its deleter."""

    signature = """seed: int64, seed2: int64, reshuffle: bool
        -> handle: resource[], deleter: variant[]"""

    def eager(self, seed, seed2, reshuffle):
        generator = SeedGenerator(int(seed), int(seed2), bool(reshuffle))
        return generator, generator


class AnonymousRandomSeedGenerator(Op):
    """A generator of new seeds for every iteration, and its deleter."""

    signature = "seed: int64, seed2: int64 -> handle: resource[], deleter: variant[]"

    def eager(self, seed, seed2):
        generator = SeedGenerator(int(seed), int(seed2), True)
        return generator, generator


class DummySeedGenerator(Op):
    """A placeholder for a seed generator: new seeds in every iteration."""

    signature = "-> handle: resource[]"

    def eager(self):
        return SeedGenerator(0, 0, True)


class DeleteSeedGenerator(Op):
    """Does nothing: a seed generator lives as long as it is referenced."""

    signature = "handle: resource, deleter: variant -> "

    def eager(self, handle: Any, deleter: Any):
        return ()


class DeleteRandomSeedGenerator(Op):
    """Does nothing: a seed generator lives as long as it is referenced."""

    signature = "handle: resource, deleter: variant -> "

    def eager(self, handle: Any, deleter: Any):
        return ()
