"""Datasets whose function returns a dataset for each element: flat_map and interleave."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import (
    Element,
    Resumable,
    State,
)
from penstock._src.ops.data.iteration.settings import available_cores
from penstock._src.ops.data.occurrences import made_within
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    EFFORT,
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Planned,
    Run,
    positive,
    stateful_operation,
)

Open = Callable[[Element], Iterator[Element]]


def dataset_of(value: Any) -> Pipeline:
    """The dataset in the result of a function.

    Raises:
      InvalidArgumentError: it is something else.
    """
    dataset = value[()] if isinstance(value, np.ndarray) else value
    if not isinstance(dataset, Pipeline):
        raise InvalidArgumentError(
            f"Expected the function to return a dataset. Received {dataset!r}"
        )
    return dataset


class _FlatMap(Pipeline):
    def __init__(self, source: Pipeline, function: Any, captured: list[Any]) -> None:
        self.inputs, self.function, self.captured = (source,), function, captured

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if count == 0:
            return 0 if EFFORT.calls_functions else UNKNOWN
        if count < 0 or not EFFORT.calls_functions or stateful_operation(self.function):
            return UNKNOWN
        return self.counted()

    def counted(self) -> int:
        """The number of elements of all datasets that the function returns."""
        run, total = Run(), 0
        call = bound(self.function, self.captured, run, self)
        try:
            for element in self.inputs[0].iterate(run):
                count = dataset_of(call(*element)[0]).cardinality()
                if count < 0:
                    return count
                total += count
        finally:
            run.close()
        return total

    def iterate(self, run: Run) -> Iterator[Element]:
        return Flattened(self.inputs[0].iterate(run), self.opener(run))

    def opener(self, run: Run) -> Open:
        """Returns an opener of the dataset that the function creates from an element."""
        call = bound(self.function, self.captured, run, self)
        captured = self.captured

        def opened(element: Element) -> Iterator[Element]:
            return made_within(self, captured, dataset_of(call(*element)[0])).iterate(run)

        return opened


class Part(Resumable):
    """Iterates over the dataset made of an element."""

    plain = ("element",)

    def __init__(self, element: Element, source: Iterator[Element]) -> None:
        self.element, self.source = element, source

    def __next__(self) -> Element:
        return next(self.source)


class Flattened(Resumable):
    """Iterates over the elements of the datasets made of elements; continues after an error."""

    sources = ("source", "part")

    def __init__(self, source: Iterator[Element], opened: Open) -> None:
        self.source, self.opened = source, opened
        self.part: Part | None = None

    def __next__(self) -> Element:
        while True:
            if self.part is not None:
                element = next(self.part.source, None)
                if element is not None:
                    return element
                self.part = None
            self.part = self.open(next(self.source))

    def open(self, element: Element) -> Part:
        return Part(element, self.opened(element))

    def restore(self, state: State) -> None:
        if state["part"] is not None:
            self.part = self.open(state["part"]["element"])
        super().restore(state)


class FlatMapDataset(DatasetOp):
    """The concatenated elements of the datasets that `f` returns for each element."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    f: Function
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments):
        return _FlatMap(input_dataset, self.f, other_arguments)


class _Interleave(Planned, _FlatMap):
    # True if an error in opening a dataset replaces its elements, instead of the next dataset replacing it.
    fails_in_turn = False
    # True if an error counts as one of a block's elements.
    counts_errors = False

    def __init__(
        self,
        source: Pipeline,
        function: Any,
        captured: Any,
        cycle: int,
        block: int,
        width: int,
        deterministic: str = "true",
    ) -> None:
        super().__init__(source, function, captured)
        self.cycle, self.block, self.width = cycle, block, width
        self.deterministic = deterministic


class InterleaveOfThreads(_Interleave):
    """Iterators read by threads: a dataset that cannot be opened yields its error in turn, and then ends."""

    fails_in_turn = counts_errors = True


class _ParallelInterleave(InterleaveOfThreads):
    def cardinality(self) -> int:
        # of the sequential one, TensorFlow says nothing here
        return INFINITE if self.inputs[0].cardinality() == INFINITE else super().cardinality()


def _cycle(op: Any, cycle_length: Any, width: int | None = None) -> int:
    cycle, cores = int(cycle_length), available_cores()
    if cycle == AUTOTUNE:
        return (
            cores if width is None else -(-cores // 3) if width == AUTOTUNE else min(width, cores)
        )
    if cycle <= 0:
        raise InvalidArgumentError("`cycle_length` must be greater than zero.")
    return cycle


class InterleaveDataset(DatasetOp):
    """`block_length` elements at a time from each of `cycle_length` datasets that `f` returns."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64 -> handle: variant"""
    f: Function
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments, cycle_length, block_length):
        block = positive(self, "`block_length`", block_length)
        cycle = _cycle(self, cycle_length)
        return _Interleave(input_dataset, self.f, other_arguments, cycle, block, 1)


class ParallelInterleaveDatasetV2(DatasetOp):
    """The same order as InterleaveDataset, the datasets read ahead by threads."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, num_parallel_calls: int64 -> handle: variant"""
    f: Function
    Targuments: list[DType]
    sloppy: bool = False

    def pipeline(
        self, input_dataset, other_arguments, cycle_length, block_length, num_parallel_calls
    ):
        block = positive(self, "`block_length`", block_length)
        cycle, width = _cycle(self, cycle_length), int(num_parallel_calls)
        order = "false" if self.sloppy else "default"
        return _ParallelInterleave(
            input_dataset, self.f, other_arguments, cycle, block, width, order
        )


class ParallelInterleaveDatasetV4(DatasetOp):
    """The same order as InterleaveDataset, the datasets read ahead by threads."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, buffer_output_elements: int64, prefetch_input_elements: int64,
        num_parallel_calls: int64 -> handle: variant"""
    f: Function
    deterministic: str = "default"
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments, cycle_length, block_length, *rest):
        block = positive(self, "`block_length`", block_length)
        width, order = int(rest[-1]), self.deterministic
        if width != AUTOTUNE:
            positive(self, "`num_parallel_calls`", width)
        cycle = _cycle(self, cycle_length, width)
        if width != AUTOTUNE and width > cycle:
            raise self.invalid(
                "If `cycle_length` is set to a fixed value, `num_parallel_calls` must be either "
                "`tf.data.AUTOTUNE` or a value less than or equal to `cycle_length`. However, "
                f"`num_parallel_calls` is {width} and `cycle_length` is {cycle}"
            )
        return _ParallelInterleave(
            input_dataset, self.f, other_arguments, cycle, block, width, order
        )
