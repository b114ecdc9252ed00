"""Shuffled datasets, in TensorFlow's order for the same seeds."""

import itertools
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.ops.data.basic import _Repeat
from penstock._src.ops.data.iteration.resume import Element, Resumable, State
from penstock._src.ops.data.iteration.rows import Access, Numbers, Rows
from penstock._src.ops.data.iteration.seeds import (
    CHUNK,
    Chunked,
    Permutation,
    SeedGenerator,
    Shuffled,
    permutation,
)
from penstock._src.ops.data.pipeline import (
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    Seeded,
)
from penstock._src.ops.random.index_shuffle import permutation as permuted

_UNLIMITED = 1 << 62
_ROUNDS = 8  # of the permutation of all elements


class _Shuffle(Seeded):
    keeps_batches = shuffles = True

    def __init__(self, source: Pipeline, size: int, seeds: SeedGenerator) -> None:
        self.inputs, self.size, self.seeds = (source,), size, seeds

    def iterate(self, run: Run) -> Iterator[Element]:
        rows = self.rows()
        if rows is not None:
            return rows.elements(run)
        source = self.inputs[0]
        return Shuffled(lambda: source.iterate(run), self.buffer(), self.seeds_of(run))

    def access(self, run: Run) -> Access:
        (element,), count = self.accesses(self.inputs, run), self.inputs[0].cardinality()
        order = permutation(max(count, 0), (self.seeds.seed, self.seeds.seed2)).tolist()
        return lambda number: element(order[number])

    def why_in_order(self) -> str | None:
        return "ShuffleDatasetV3 does not support random access."

    def buffer(self) -> int:
        if self.size != UNKNOWN:
            return self.size
        count = self.inputs[0].cardinality()
        return count if count > 0 else _UNLIMITED

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None:
            return None
        size = self.buffer()

        def order(run: Run) -> Iterator[Any]:
            seeds = self.seeds_of(run)
            if rows.in_sequence and rows.count <= size:
                return Permutation(rows.count, seeds)
            numbers = Shuffled(lambda: Numbers(rows.order(run)), size, seeds)
            return Chunked(numbers, 1 if rows.draws_seeds else CHUNK)

        return rows.reordered(order)


def _checked(op: Any, buffer_size: Any) -> int:
    size = int(buffer_size)
    if size <= 0 and size != UNKNOWN:
        raise InvalidArgumentError(
            f"buffer_size must be greater than zero or UNKNOWN_CARDINALITY. Received {size}"
        )
    return size


class ShuffleDataset(DatasetOp):
    """The elements in random order, drawn from a buffer."""

    signature = """input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64
        -> handle: variant"""
    reshuffle_each_iteration: bool = True

    def pipeline(self, input_dataset, buffer_size, seed, seed2):
        seeds = SeedGenerator(int(seed), int(seed2), self.reshuffle_each_iteration, restarts=True)
        return _Shuffle(input_dataset, _checked(self, buffer_size), seeds)


class ShuffleDatasetV2(DatasetOp):
    """The elements in random order, drawn from a buffer."""

    signature = """input_dataset: variant, buffer_size: int64, seed_generator: resource
        -> handle: variant"""

    def pipeline(self, input_dataset, buffer_size, seed_generator):
        return _Shuffle(input_dataset, _checked(self, buffer_size), seed_generator)


class ShuffleDatasetV3(DatasetOp):
    """The elements in random order, drawn from a buffer."""

    signature = """input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64,
        seed_generator: resource -> handle: variant"""
    reshuffle_each_iteration: bool = True

    def pipeline(self, input_dataset, buffer_size, seed, seed2, seed_generator):
        if not self.reshuffle_each_iteration:
            seed_generator = SeedGenerator(int(seed), int(seed2), False)
        return _Shuffle(input_dataset, _checked(self, buffer_size), seed_generator)


class ShuffleAndRepeatDatasetV2(DatasetOp):
    """The elements in random order, `count` times over."""

    signature = """input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64,
        count: int64, seed_generator: resource -> handle: variant"""
    reshuffle_each_iteration: bool = True

    def pipeline(self, input_dataset, buffer_size, seed, seed2, count, seed_generator):
        if not self.reshuffle_each_iteration:
            seed_generator = SeedGenerator(int(seed), int(seed2), False)
        shuffle = _Shuffle(input_dataset, _checked(self, buffer_size), seed_generator)
        if count < -1 or count == 0:
            raise InvalidArgumentError("count must be greater than zero or equal to -1.")
        shuffle.types, shuffle.shapes = self.output_types, self.output_shapes
        return _Repeat(shuffle, int(count), is_one_step=True)


class _Whole(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, seeds: SeedGenerator) -> None:
        self.inputs, self.seeds = (source,), seeds

    def iterate(self, run: Run) -> Iterator[Element]:
        element, last = self.inputs[0].access(run), self.cardinality() - 1
        first, second = self.seeds.next()
        keys = [key & 0xFFFFFFFF for key in (first, second, self.seeds.next()[0])]
        return WholeOrder(element, keys, last)


class WholeOrder(Resumable):
    """Iterates over elements by their positions in random order."""

    plain, sources = ("keys", "taken"), ()

    def __init__(self, element: Access, keys: list[int], last: int) -> None:
        self.element, self.keys, self.last, self.taken = element, keys, last, 0
        self.positions = permuted(keys, last, _ROUNDS)

    def __next__(self) -> Element:
        position = next(self.positions)
        self.taken += 1
        return self.element(position)

    def restore(self, state: State) -> None:
        super().restore(state)
        positions = permuted(self.keys, self.last, _ROUNDS)
        self.positions = itertools.islice(positions, self.taken, None)


class GlobalShuffleDataset(DatasetOp):
    """A global permutation of all elements."""

    signature = """input_dataset: variant, seed: int64, seed2: int64, seed_generator: resource
        -> handle: variant"""
    reshuffle_each_iteration: bool = True

    def pipeline(self, input_dataset, seed, seed2, seed_generator):
        if not self.reshuffle_each_iteration:
            seed_generator = SeedGenerator(int(seed), int(seed2), False)
        problem = input_dataset.why_in_order()
        if problem is not None:
            raise FailedPreconditionError(
                "`global_shuffle` requires all upstream transformations be compatible with random "
                f"access. Got: FAILED_PRECONDITION: {problem}"
            )
        count = input_dataset.cardinality()
        if count <= 0:
            raise InvalidArgumentError(
                "`global_shuffle` requires the input dataset to have a non-empty finite cardinality. "
                f"Got cardinality {count} for dataset {input_dataset.kind}."
            )
        return _Whole(input_dataset, seed_generator)
