"""Datasets whose function returns a dataset for each element: flat_map and interleave."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import (
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    EFFORT,
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    positive,
    stateful_operation,
)
from penstock._src.ops.data_planner.settings import available_cores
from penstock._src.ops.data_planner.threads import Prefetched, PrefetchedIfSlow

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
        return lambda element: dataset_of(call(*element)[0]).iterate(run)


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


class _Interleave(_FlatMap):
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

    def iterate(self, run: Run) -> Iterator[Element]:
        source, opened = self.inputs[0].iterate(run), self.opener(run)
        if run.in_order(self.deterministic):
            return InTurn(self, source, opened, run)
        return AsReady(self, source, opened, run)

    def gate(self, run: Run) -> threading.Semaphore | None:
        """A semaphore that limits concurrent datasets to the number of calls; None if all may compute."""
        widths = [self.width if self.width > 1 else self.cycle, run.settings.pool or self.cycle]
        return threading.Semaphore(min(widths)) if min(widths) < self.cycle else None

    def ahead(self) -> int:
        """The number of datasets to open before it is their turn."""
        return self.width if self.width > 1 else 0


class InterleaveOfThreads(_Interleave):
    """Iterators read by threads: a dataset that cannot be opened yields its error in turn, and then ends."""

    fails_in_turn = counts_errors = True


class _ParallelInterleave(InterleaveOfThreads):
    def cardinality(self) -> int:
        # of the sequential one, TensorFlow says nothing here
        return INFINITE if self.inputs[0].cardinality() == INFINITE else super().cardinality()


class Failing(Resumable):
    """Raises errors in the place of elements, each once, and then ends."""

    plain, sources = ("failures",), ()

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)

    def __next__(self) -> Element:
        if not self.failures:
            raise StopIteration
        return unless_failed(self.failures.pop(0))


class _Interleaved(Resumable):
    """Base of iterators over the elements of several datasets that are open at once."""

    plain, sources = ("is_open",), ("source", "parts")

    def __init__(
        self, step: _Interleave, source: Iterator[Element], opened: Open, run: Run
    ) -> None:
        self.step, self.source, self.opened, self.run = step, source, opened, run
        self.gate = step.gate(run)
        self.parts: list[Part | None] = []
        # True if the source may have more elements.
        self.is_open = True

    def open(self, element: Element | None) -> Part:
        if element is None:  # of a dataset that could not be opened
            return Part(None, Failing())
        return Part(element, self.read_ahead(self.opened(element)))

    def read_ahead(self, elements: Iterator[Element]) -> Iterator[Element]:
        """The same elements, which a thread may read ahead."""
        raise NotImplementedError(type(self).__name__)

    def opened_next(self) -> Part | None:
        """Opens the dataset of the next element; None if there is none."""
        element = next(self.source, None)
        if element is None:
            self.is_open = False
            return None
        return self.open(element)

    def restore(self, state: State) -> None:
        self.parts = [part and self.open(part["element"]) for part in state["parts"]]
        super().restore(state)


class AsReady(_Interleaved):
    """Iterates over the elements of the open datasets as they become ready, in blocks."""

    plain = ("is_open", "block")

    def __init__(
        self, step: _Interleave, source: Iterator[Element], opened: Open, run: Run
    ) -> None:
        super().__init__(step, source, opened, run)
        self.changed = threading.Condition()
        # The rest of the current block.
        self.block: list[Element | Failure] = []

    def read_ahead(self, elements: Iterator[Element]) -> Iterator[Element]:
        return Prefetched(elements, 2 * self.step.block, self.run, self.changed, self.gate)

    def __next__(self) -> Element:
        while not self.block:
            if self.is_open and len(self.parts) < self.step.cycle:
                part = self.opened_next()
                if part is not None:
                    self.parts.append(part)
            elif self.parts:
                self.take_block()
            else:
                raise StopIteration
        return unless_failed(self.block.pop(0))

    def take_block(self) -> None:
        """Takes the next block of the first dataset that has an element ready."""
        for part in self.parts:
            part.source.started()
        with self.changed:
            while not any(part.source.ready for part in self.parts):
                self.changed.wait()
        chosen = next(part for part in self.parts if part.source.ready)
        self.parts.remove(chosen)
        block = [attempt(next, chosen.source, None) for _ in range(self.step.block)]
        self.block = [item for item in block if item is not None]
        if None not in block:
            self.parts.append(chosen)


class InTurn(_Interleaved):
    """Iterates over blocks of elements of the open datasets in turn."""

    plain = ("is_open", "count", "at", "taken")
    sources = ("source", "parts", "waiting")

    def __init__(
        self, step: _Interleave, source: Iterator[Element], opened: Open, run: Run
    ) -> None:
        super().__init__(step, source, opened, run)
        self.parts = [None] * step.cycle
        # Number of open datasets, index of the current one, and number of elements taken from its block.
        self.count = self.at = self.taken = 0
        # Those that are opened before it is their turn, so that threads can begin with them; and failures to open one.
        self.waiting: list[Any] = []
        self.most_waiting = step.ahead()

    def read_ahead(self, elements: Iterator[Element]) -> Iterator[Element]:
        width, size = self.step.width, 2 * self.step.block
        if width in (0, 1):
            return elements
        if width == AUTOTUNE:
            return PrefetchedIfSlow(elements, size, self.run, self.gate)
        return Prefetched(elements, size, self.run, gate=self.gate)

    def opened_next(self) -> Part | None:
        while self.is_open and len(self.waiting) <= self.most_waiting:
            part: Any = attempt(super().opened_next)
            if isinstance(part, Failure) and self.step.fails_in_turn:
                part = Part(None, Failing(part))
            if part is not None:
                self.waiting.append(part)
            if isinstance(part, Part) and isinstance(part.source, Prefetched):
                part.source.started()
        return unless_failed(self.waiting.pop(0)) if self.waiting else None

    def restore(self, state: State) -> None:
        self.waiting = [self.open(part["element"]) for part in state["waiting"]]
        super().restore(state)

    def __next__(self) -> Element:
        while self.count or self.is_open or self.waiting:
            part = self.parts[self.at]
            if part is None and (self.is_open or self.waiting):
                self.parts[self.at] = part = self.opened_next()
                self.count += part is not None
                continue
            if part is not None:
                element = attempt(next, part.source, None)
                if element is not None:
                    if type(element) is not Failure or self.step.counts_errors:
                        self.passed_one()
                    return unless_failed(element)
                self.parts[self.at] = None
                self.count -= 1
            self.turn()
        raise StopIteration

    def passed_one(self) -> None:
        """Counts an element of the current block; ends it if it is full."""
        self.taken += 1
        if self.taken == self.step.block:
            self.turn()

    def turn(self) -> None:
        """Advances to the next position."""
        self.at, self.taken = (self.at + 1) % self.step.cycle, 0


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
