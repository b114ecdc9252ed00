"""Datasets that select, repeat or combine the elements of others."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError, OpError
from penstock._src.ops.data.iteration.resume import (
    Element,
    Indexed,
    Repeated,
    Resumable,
    State,
    Taken,
    attempt,
)
from penstock._src.ops.data.iteration.rows import Access, ChunkReader, FirstChunks, Rows
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    UnnamedDatasetOp,
    sources_of_seeds,
)


class _Take(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, count: int) -> None:
        self.inputs, self.count = (source,), count

    def access(self, run: Run) -> Access:
        return self.inputs[0].access(run)

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if self.count < 0:
            return count
        if count == INFINITE:
            return self.count
        return 0 if self.count == 0 else UNKNOWN if count < 0 else min(count, self.count)

    def begin(self, run: Run) -> None:
        if self.count:
            super().begin(run)

    def iterate(self, run: Run) -> Iterator[Element]:
        if not self.count:
            return Indexed(_nothing, 0)
        source = self.inputs[0].iterate(run)
        return source if self.count < 0 else Taken(source, self.count)

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None or self.count < 0:
            return rows
        if rows.in_sequence or not self.count:
            return Rows([array[: self.count] for array in rows.arrays])
        return rows.reordered(lambda run: FirstChunks(rows.order(run), self.count))


class TakeDataset(DatasetOp):
    """The first `count` elements; all of them if it is negative."""

    signature = "input_dataset: variant, count: int64 -> handle: variant"

    def pipeline(self, input_dataset, count):
        return _Take(input_dataset, int(count))


class _Skip(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, count: int) -> None:
        self.inputs, self.count = (source,), count

    def access(self, run: Run) -> Access:
        (element,) = self.accesses(self.inputs, run)
        return lambda number: element(number + self.count)

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if self.count < 0:
            return min(count, 0)
        return count if count < 0 else max(0, count - self.count)

    def iterate(self, run: Run) -> Iterator[Element]:
        if self.count < 0:
            return Indexed(_nothing, 0)
        return WithoutFirst(self.inputs[0].iterate(run), self.count)

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None or self.count < 0:
            return None
        if rows.in_sequence:
            return Rows([array[self.count :] for array in rows.arrays])

        def order(run: Run) -> Iterator[Any]:
            reader = ChunkReader(rows.order(run))
            reader.take(self.count)
            return reader

        return rows.reordered(order)


class WithoutFirst(Resumable):
    """Iterates over elements without the next `left`; where one of these fails, it leaves out as many after it, as TensorFlow does."""

    plain = ("left",)

    def __init__(self, source: Iterator[Element], left: int) -> None:
        self.source, self.left = source, left

    def __next__(self) -> Element:
        for _ in range(self.left):
            next(self.source)
        self.left = 0
        return next(self.source)


def _nothing(at: int) -> Any:
    raise IndexError(at)


class SkipDataset(DatasetOp):
    """All but the first `count` elements; none if it is negative."""

    signature = "input_dataset: variant, count: int64 -> handle: variant"

    def pipeline(self, input_dataset, count):
        return _Skip(input_dataset, int(count))


class _Repeat(Pipeline):
    """Passes over a dataset.

    Args:
      source: the dataset.
      count: the number of passes.
      is_one_step: whether it shuffles anew for each pass itself.
    """

    keeps_batches = True

    def __init__(self, source: Pipeline, count: int, is_one_step: bool = False) -> None:
        self.inputs, self.count, self.is_one_step = (source,), count, is_one_step

    def access(self, run: Run) -> Access:
        (element,), count = self.accesses(self.inputs, run), self.inputs[0].cardinality()
        return lambda number: element(number % count)

    def why_in_order(self) -> str | None:
        if self.count < 0:
            return "`repeat(-1)` does not support random access of tf.data datasets."
        return super().why_in_order()

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if self.count < 0:
            return 0 if count == 0 else INFINITE
        if self.count == 0:
            return 0
        return count if count < 0 else count * self.count

    def begin(self, run: Run) -> None:
        if self.count:
            super().begin(run)

    def passes(self, start: Callable[[], Iterator[Any]], run: Run) -> Iterator[Any]:
        """Returns an iterator over passes.

        After the last one, TensorFlow opens another, which nobody reads: the next iteration has the seeds after those of that pass.
        Where shuffle and repeat are one step, there is none.
        """
        source = self.inputs[0]
        fuses = source.shuffles and run.settings.shuffle_and_repeat_fusion
        is_one_step = self.is_one_step or fuses
        return Repeated(start, self.count, None if is_one_step else lambda: source.begin(Run()))

    def iterate(self, run: Run) -> Iterator[Element]:
        return self.passes(lambda: self.inputs[0].iterate(run), run)

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None:
            return None

        def order(run: Run) -> Iterator[Any]:
            return self.passes(lambda: rows.order(run), run)

        return rows.reordered(order, draws_seeds=bool(sources_of_seeds(self.inputs[0])))


class RepeatDataset(DatasetOp):
    """The elements `count` times over; endlessly if it is negative."""

    signature = "input_dataset: variant, count: int64 -> handle: variant"

    def pipeline(self, input_dataset, count):
        return _Repeat(input_dataset, int(count))


class _Concatenate(Pipeline):
    keeps_batches = True

    def __init__(self, first: Pipeline, second: Pipeline) -> None:
        self.inputs = (first, second)

    def access(self, run: Run) -> Access:
        (first, second), count = self.accesses(self.inputs, run), self.inputs[0].cardinality()
        return lambda number: first(number) if 0 <= number < count else second(number - count)

    def cardinality(self) -> int:
        counts = [source.cardinality() for source in self.inputs]
        if INFINITE in counts:
            return INFINITE
        return UNKNOWN if UNKNOWN in counts else sum(counts)

    def begin(self, run: Run) -> None:
        self.inputs[0].begin(run)

    def iterate(self, run: Run) -> Iterator[Element]:
        return Chained(self.inputs, run)


class Chained(Resumable):
    """Iterates over the elements of pipelines, which are opened one after the other; continues after an error."""

    plain = ("at",)

    def __init__(self, parts: tuple[Pipeline, ...], run: Run) -> None:
        self.parts, self.run, self.at = parts, run, 0
        self.source: Iterator[Element] | None = None

    def __next__(self) -> Element:
        while self.at < len(self.parts):
            if self.source is None:
                self.source = self.parts[self.at].iterate(self.run)
            element = next(self.source, None)
            if element is not None:
                return element
            self.source, self.at = None, self.at + 1
        raise StopIteration

    def restore(self, state: State) -> None:
        if state["source"] is not None:
            self.source = self.parts[state["at"]].iterate(self.run)
        super().restore(state)


class ConcatenateDataset(DatasetOp):
    """The elements of one dataset, then those of another."""

    signature = "input_dataset: variant, another_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset, another_dataset):
        return _Concatenate(input_dataset, another_dataset)


def _flat(parts: Iterable[Element]) -> Element:
    return tuple(itertools.chain.from_iterable(parts))


class Zipped(Resumable):
    """Iterates over tuples of elements; all parts advance where one raises an error."""

    sources = ("parts",)

    def __init__(self, parts: list[Iterator[Element]]) -> None:
        self.parts = parts

    def __next__(self) -> Element:
        taken: list[Element] = []
        try:
            for source in self.parts:
                taken.append(next(source))
        except OpError:
            for source in self.parts[len(taken) + 1 :]:
                attempt(next, source, None)
            raise
        return _flat(taken)


class _Zip(Pipeline):
    keeps_batches = True

    def __init__(self, sources: list[Pipeline]) -> None:
        self.inputs = tuple(sources)

    def access(self, run: Run) -> Access:
        parts = self.accesses(self.inputs, run)
        return lambda number: _flat(part(number) for part in parts)

    def cardinality(self) -> int:
        counts = [source.cardinality() for source in self.inputs]
        finite = [count for count in counts if count != INFINITE]
        if not finite:
            return INFINITE
        return UNKNOWN if UNKNOWN in finite else min(finite)

    def iterate(self, run: Run) -> Iterator[Element]:
        if len(self.inputs) == 1:
            return self.inputs[0].iterate(run)
        return Zipped([source.iterate(run) for source in self.inputs])

    def rows(self) -> Rows | None:
        parts = [source.rows() for source in self.inputs]
        if not all(rows is not None and rows.in_sequence for rows in parts):
            return None
        count = min(rows.count for rows in parts if rows is not None)
        return Rows([array[:count] for rows in parts if rows is not None for array in rows.arrays])


class ZipDataset(DatasetOp):
    """Tuples of the elements of several datasets, up to the shortest."""

    signature = "input_datasets: N * variant -> handle: variant"
    minimum = {"N": 1}
    N: int

    def pipeline(self, input_datasets):
        return _Zip(input_datasets)


# Replace the number of shards and the index: the distributor of the dataset sets them.
SHARD_HINT = -1


class _Shard(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, shards: int, index: int, non_empty: bool) -> None:
        self.inputs, self.shards, self.index = (source,), shards, index
        self.non_empty = non_empty

    def access(self, run: Run) -> Access:
        (element,) = self.accesses(self.inputs, run)
        return lambda number: element(self.index + number * self.shards)

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if self.shards == SHARD_HINT:
            return UNKNOWN
        return count if count < 0 else count // self.shards + (self.index < count % self.shards)

    def iterate(self, run: Run) -> Iterator[Element]:
        return Sharded(self, self.inputs[0].iterate(run))

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None or not rows.in_sequence or self.non_empty or self.shards == SHARD_HINT:
            return None
        return Rows([array[self.index :: self.shards] for array in rows.arrays])


class Sharded(Resumable):
    """Iterates over the elements of one shard."""

    plain = ("passed", "is_begun")

    def __init__(self, step: _Shard, source: Iterator[Element]) -> None:
        self.step, self.source = step, source
        # Number of elements before the next one of the shard.
        self.passed, self.is_begun = step.index, False

    def __next__(self) -> Element:
        step = self.step
        if not self.is_begun and step.shards == SHARD_HINT:
            raise FailedPreconditionError(
                "`tf.data.Dataset.shard(SHARD_HINT, ...)` can only be used in "
                "`tf.distribute.Strategy.experimental_distribute_dataset()` with "
                "`tf.data.experimental.AutoShardPolicy.HINT` policy, or tf.data service with "
                "`tf.data.experimental.service.ShardingPolicy.HINT` processing mode."
            )
        if not self.is_begun and step.non_empty:
            return self.first()
        self.is_begun = True
        for _ in range(self.passed):  # all of them again after an error, as TensorFlow does
            next(self.source)
        self.passed = 0
        element = next(self.source)
        self.passed = step.shards - 1
        return element

    def first(self) -> Element:
        """The first element of a shard that must have one; the first of all shards are read, as in TensorFlow."""
        step, self.is_begun = self.step, True
        firsts = list(itertools.islice(self.source, step.shards))
        if step.index < len(firsts) < step.shards:
            raise InvalidArgumentError(too_few_files(len(firsts), step.shards))
        self.passed = step.index
        if step.index >= len(firsts):
            raise StopIteration
        return firsts[step.index]


def too_few_files(count: int, workers: int) -> str:
    """The message for fewer files than workers."""
    return (
        f"Could not apply FILE based sharding: the dataset only has {count} file(s), which is not "
        f"enough for the required {workers} shards/workers. If you are using datasets with "
        "distribution strategy, consider setting the auto sharding policy to either DATA or OFF using "
        "the `experimental_distribute.auto_shard_policy` option of `tf.data.Options()`. Or, split your "
        "input files into a larger number of small files such that number of files is greater than "
        "number of shards/workers."
    )


class ShardDataset(DatasetOp):
    """Every `num_shards`-th element, from the one at `index` on."""

    signature = "input_dataset: variant, num_shards: int64, index: int64 -> handle: variant"
    ranks = {"num_shards": (0,), "index": (0,)}
    require_non_empty: bool = False

    def pipeline(self, input_dataset, num_shards, index):
        shards, at = int(num_shards), int(index)
        if (shards, at) == (SHARD_HINT, SHARD_HINT):
            return _Shard(input_dataset, shards, at, self.require_non_empty)
        if shards < 1:
            raise InvalidArgumentError(
                f"Number of shards must be greater than zero (currently num_shards = {shards})."
            )
        if not 0 <= at < shards:
            raise InvalidArgumentError(
                f"Index must be between 0 and {shards - 1} (currently index = {at})."
            )
        return _Shard(input_dataset, shards, at, self.require_non_empty)


class PassOn(Pipeline):
    """The elements of another dataset, unchanged."""

    passes_on = True
    keeps_batches = True

    def __init__(self, source: Pipeline) -> None:
        self.inputs = (source,)

    def access(self, run: Run) -> Access:
        return self.inputs[0].access(run)

    def iterate(self, run: Run) -> Iterator[Element]:
        return self.inputs[0].iterate(run)

    def rows(self) -> Rows | None:
        return self.inputs[0].rows()


class _WithOptions(PassOn):
    def __init__(self, source: Pipeline, serialized: bytes) -> None:
        super().__init__(source)
        self.serialized = serialized

    def options(self) -> dict[str, Any]:
        inherited = self.inputs[0].options()
        # Messages one after the other are one message with the fields of all.
        return {**inherited, "serialized": inherited.get("serialized", b"") + self.serialized}


class OptionsDataset(DatasetOp):
    """The same elements, with options."""

    signature = "input_dataset: variant -> handle: variant"
    serialized_options: bytes

    def pipeline(self, input_dataset):
        return _WithOptions(input_dataset, self.serialized_options)


class ModelDataset(UnnamedDatasetOp):
    """The same elements; marks where parallelism is tuned."""

    signature = "input_dataset: variant -> handle: variant"
    algorithm: int = 0
    cpu_budget: int = 0
    ram_budget: int = 0

    def pipeline(self, input_dataset):
        return PassOn(input_dataset)


class MaxIntraOpParallelismDataset(UnnamedDatasetOp):
    """The same elements; limits the threads of ops in the pipeline."""

    signature = "input_dataset: variant, max_intra_op_parallelism: int64 -> handle: variant"

    def pipeline(self, input_dataset, max_intra_op_parallelism):
        return PassOn(input_dataset)


class PrivateThreadPoolDataset(UnnamedDatasetOp):
    """The same elements, computed by separate threads."""

    signature = "input_dataset: variant, num_threads: int64 -> handle: variant"

    def pipeline(self, input_dataset, num_threads):
        return PassOn(input_dataset)


class NonSerializable(PassOn):
    """A step before which TensorFlow's rewrites of graphs end."""


class NonSerializableDataset(UnnamedDatasetOp):
    """The same elements; marks the dataset as not serializable."""

    signature = "input_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset):
        return NonSerializable(input_dataset)
