"""Datasets that select, repeat or combine the elements of others."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError, OpError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    Access,
    Chained,
    ChunkReader,
    DatasetOp,
    Element,
    Failure,
    Pipeline,
    Raising,
    Rows,
    Run,
    UnnamedDatasetOp,
    attempt,
)
from penstock._src.ops.data.seeds import words


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
        source = self.inputs[0].iterate(run)
        return source if self.count < 0 else itertools.islice(source, self.count)

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None or self.count < 0:
            return rows
        if rows.in_sequence:
            return Rows([array[: self.count] for array in rows.arrays])

        def order(run: Run) -> Iterator[Any]:
            left = self.count
            for chunk in rows.order(run):
                if not left:
                    return
                chunk = chunk[:left]
                left -= len(chunk)
                yield chunk

        return rows.reordered(order)


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
            return iter(())
        return itertools.islice(self.inputs[0].iterate(run), self.count, None)

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None or self.count < 0:
            return None
        if rows.in_sequence:
            return Rows([array[self.count :] for array in rows.arrays])

        def order(run: Run) -> Iterator[Any]:
            reader = ChunkReader(rows.order(run))
            reader.take(self.count)
            return reader.rest()

        return rows.reordered(order)


class SkipDataset(DatasetOp):
    """All but the first `count` elements; none if it is negative."""

    signature = "input_dataset: variant, count: int64 -> handle: variant"

    def pipeline(self, input_dataset, count):
        return _Skip(input_dataset, int(count))


class _Repeat(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, count: int) -> None:
        self.inputs, self.count = (source,), count

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

    def epochs(self) -> Iterator[int]:
        return itertools.count() if self.count < 0 else iter(range(self.count))

    def iterate(self, run: Run) -> Iterator[Element]:
        return Raising(self.repeated(run))

    def repeated(self, run: Run) -> Iterator[Element | Failure]:
        for _ in self.epochs():
            empty, source = True, self.inputs[0].iterate(run)
            while (element := attempt(next, source, None)) is not None:
                empty = False
                yield element
            if empty and self.count < 0:
                return

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None:
            return None

        def order(run: Run) -> Iterator[Any]:
            for _ in self.epochs():
                empty = True
                for chunk in rows.order(run):
                    empty = empty and not len(chunk)
                    yield chunk
                if empty and self.count < 0:
                    return

        return rows.reordered(order)


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
        return Chained(source.iterate(run) for source in self.inputs)


class ConcatenateDataset(DatasetOp):
    """The elements of one dataset, then those of another."""

    signature = "input_dataset: variant, another_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset, another_dataset):
        return _Concatenate(input_dataset, another_dataset)


def _flat(parts: Iterable[Element]) -> Element:
    return tuple(itertools.chain.from_iterable(parts))


class _Zipped:
    """Iterates over tuples of elements; all sources advance where one raises an error."""

    def __init__(self, sources: list[Iterator[Element]]) -> None:
        self.sources = sources

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        taken: list[Element] = []
        try:
            for source in self.sources:
                taken.append(next(source))
        except OpError:
            for source in self.sources[len(taken) + 1 :]:
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
        return _Zipped([source.iterate(run) for source in self.inputs])

    def rows(self) -> Rows | None:
        parts = [source.rows() for source in self.inputs]
        if not all(rows is not None and rows.in_sequence for rows in parts):
            return None
        count = min(rows.count for rows in parts if rows is not None)
        return Rows([array[:count] for rows in parts if rows is not None for array in rows.arrays])


class ZipDataset(DatasetOp):
    """Tuples of the elements of several datasets, up to the shortest."""

    signature = "input_datasets: N * variant -> handle: variant"
    N: int

    def pipeline(self, input_datasets):
        return _Zip(input_datasets)


# In place of the number of shards and the index: what distributes the dataset says them.
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
        if self.shards == SHARD_HINT:
            raise FailedPreconditionError(
                "`tf.data.Dataset.shard(SHARD_HINT, ...)` can only be used in "
                "`tf.distribute.Strategy.experimental_distribute_dataset()` with "
                "`tf.data.experimental.AutoShardPolicy.HINT` policy, or tf.data service with "
                "`tf.data.experimental.service.ShardingPolicy.HINT` processing mode."
            )
        source = self.inputs[0].iterate(run)
        if not self.non_empty:
            yield from itertools.islice(source, self.index, None, self.shards)
            return
        first = list(
            itertools.islice(source, self.shards)
        )  # all are read at once, as in TensorFlow
        if self.index < len(first) < self.shards:
            raise InvalidArgumentError(too_few_files(len(first), self.shards))
        yield from first[self.index : self.index + 1]
        yield from itertools.islice(source, self.index, None, self.shards)

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        if rows is None or not rows.in_sequence or self.non_empty or self.shards == SHARD_HINT:
            return None
        return Rows([array[self.index :: self.shards] for array in rows.arrays])


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
        held = self.inputs[0].options()
        # Messages one after the other are one message with the fields of all.
        return {**held, "serialized": held.get("serialized", b"") + self.serialized}


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


class NonSerializableDataset(UnnamedDatasetOp):
    """The same elements; marks the dataset as not serializable."""

    signature = "input_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset):
        return PassOn(input_dataset)


class _AssertCardinality(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, expected: int) -> None:
        self.inputs, self.expected = (source,), expected

    def access(self, run: Run) -> Access:
        return self.inputs[0].access(run)

    def cardinality(self) -> int:
        return self.expected

    def iterate(self, run: Run) -> Iterator[Element]:
        count = 0
        for element in self.inputs[0].iterate(run):
            if count == self.expected:
                raise self.failed(f"at least {self.many(count + 1)}")
            count += 1
            yield element
        if count < self.expected or self.expected == INFINITE:
            raise self.failed(f"only {self.many(count)}")

    def many(self, count: int) -> str:
        return f"{count} element{'' if count == 1 else 's'}"

    def failed(self, found: str) -> Exception:
        wanted = (
            "an infinite number of elements"
            if self.expected == INFINITE
            else self.many(self.expected)
        )
        return FailedPreconditionError(
            f"Input dataset was expected to contain {wanted} but contained {found}."
        )


class AssertCardinalityDataset(UnnamedDatasetOp):
    """The same elements, whose number must match."""

    signature = "input_dataset: variant, cardinality: int64 -> handle: variant"

    def pipeline(self, input_dataset, cardinality):
        return _AssertCardinality(input_dataset, int(cardinality))


class _Unique(Pipeline):
    def __init__(self, source: Pipeline) -> None:
        self.inputs = (source,)

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        seen = set()
        for element in self.inputs[0].iterate(run):
            value = element[0]
            key = (
                tuple(value.ravel().tolist()) if value.dtype == object else value.tobytes(),
                value.shape,
            )
            if key not in seen:
                seen.add(key)
                yield element


class UniqueDataset(DatasetOp):
    """Each distinct element once."""

    signature = "input_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset):
        return _Unique(input_dataset)


class _Sampling(Pipeline):
    def __init__(self, source: Pipeline, rate: float, seeds: tuple[int, int]) -> None:
        self.inputs, self.rate, self.seeds = (source,), rate, seeds

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        draw = words(*self.seeds)
        for element in self.inputs[0].iterate(run):
            mantissa = np.uint32(next(draw) & 0x7FFFFF | 127 << 23)
            if mantissa.view(np.float32) - np.float32(1) < self.rate:
                yield element


class SamplingDataset(UnnamedDatasetOp):
    """Each element with probability `rate`."""

    signature = """input_dataset: variant, rate: float32, seed: int64, seed2: int64
        -> handle: variant"""

    def pipeline(self, input_dataset, rate, seed, seed2):
        return _Sampling(input_dataset, float(rate), (int(seed), int(seed2)))


class _Directed(Pipeline):
    def __init__(self, selector: Pipeline, sources: list[Pipeline], stop_on_empty: bool) -> None:
        self.inputs, self.sources = (selector, *sources), sources
        self.stop_on_empty = stop_on_empty

    def cardinality(self) -> int:
        if INFINITE in [source.cardinality() for source in self.sources]:
            return INFINITE
        counts = [source.cardinality() for source in self.inputs]
        return 0 if 0 in counts and self.stop_on_empty else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        live: list[Iterator[Element] | None] = [s.iterate(run) for s in self.sources]
        left = len(live)
        for (choice,) in self.inputs[0].iterate(run):
            at = int(choice)
            if not 0 <= at < len(live):
                raise InvalidArgumentError(f"Selector index out of range: {at} >= {len(live)}")
            source = live[at]
            if source is None:
                continue
            element = next(source, None)
            if element is not None:
                yield element
                continue
            live[at] = None
            left -= 1
            if self.stop_on_empty or not left:
                return


class DirectedInterleaveDataset(UnnamedDatasetOp):
    """Elements from several datasets, chosen by a dataset of indices."""

    signature = """selector_input_dataset: variant, data_input_datasets: N * variant
        -> handle: variant"""
    output_types: list[DType]
    output_shapes: list[TensorShape]
    N: int
    stop_on_empty_dataset: bool = False

    def pipeline(self, selector_input_dataset, data_input_datasets):
        return _Directed(selector_input_dataset, data_input_datasets, self.stop_on_empty_dataset)
