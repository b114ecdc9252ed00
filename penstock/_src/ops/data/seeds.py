"""Seeds of shuffling and random datasets, and TensorFlow's order of a shuffled dataset."""

import secrets
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource
from penstock._src.ops.random.philox import Stream

T = TypeVar("T")
_BLOCKS = 256


def words(seed: int, seed2: int) -> Iterator[int]:
    """The 32-bit words of the stream with these seeds."""
    stream = Stream.from_seeds(seed, seed2)
    while True:
        yield from stream.blocks(_BLOCKS).ravel().tolist()
        stream = stream.skipped(_BLOCKS)


class SeedGenerator(Resource):
    """The seeds of each iteration: always the same, or the next ones of a stream."""

    def __init__(self, seed: int, seed2: int, reshuffle: bool) -> None:
        super().__init__()
        if seed == 0 and seed2 == 0:
            seed, seed2 = secrets.randbits(63), secrets.randbits(63)
        self.seed, self.seed2, self.reshuffle = seed, seed2, reshuffle
        self._words, self.iterations = words(seed, seed2), 0

    def next(self) -> tuple[int, int]:
        """The two seeds of a new iteration."""
        if not self.reshuffle:
            return self.seed, self.seed2
        self.iterations += 1
        return next(self._words), next(self._words)

    def state(self) -> list[int]:
        """What `restore` needs to continue from here."""
        return [self.seed, self.seed2, self.iterations]

    def restore(self, seed: int, seed2: int, iterations: int) -> None:
        """Continues with the seeds that come after those of a number of iterations."""
        self.seed, self.seed2, self.iterations = seed, seed2, iterations
        self._words = words(seed, seed2)
        if self.reshuffle:
            for _ in range(2 * iterations):
                next(self._words)


def shuffled(elements: Iterator[T], size: int, seeds: tuple[int, int]) -> Iterator[T]:
    """The elements in random order, drawn from a buffer of `size` of them."""
    draw = words(*seeds)
    buffer: list[T] = []
    for element in elements:
        buffer.append(element)
        if len(buffer) == size:
            break
    start = 0
    if len(buffer) == size:
        for element in elements:
            at = (next(draw) % size + start) % size
            chosen = buffer[at]
            place = start % size
            buffer[at] = buffer[place]
            buffer[place] = element
            start += 1
            yield chosen
    held = len(buffer)
    end = start + held
    while start < end:
        at = (next(draw) % (end - start) + start) % held
        chosen = buffer[at]
        buffer[at] = buffer[start % held]
        start += 1
        yield chosen


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
        made = SeedGenerator(int(seed), int(seed2), bool(reshuffle))
        return made, made


class AnonymousRandomSeedGenerator(Op):
    """A generator of new seeds for every iteration, and its deleter."""

    signature = "seed: int64, seed2: int64 -> handle: resource[], deleter: variant[]"

    def eager(self, seed, seed2):
        made = SeedGenerator(int(seed), int(seed2), True)
        return made, made


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
