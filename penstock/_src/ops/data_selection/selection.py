"""Datasets that choose among the elements of others: unique ones, random ones, from several datasets by index."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.iteration.resume import Element, Resumable, State
from penstock._src.ops.data.iteration.rows import Access
from penstock._src.ops.data.iteration.seeds import words
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    UnnamedDatasetOp,
)


class _AssertCardinality(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, expected: int) -> None:
        self.inputs, self.expected = (source,), expected

    def access(self, run: Run) -> Access:
        return self.inputs[0].access(run)

    def cardinality(self) -> int:
        return self.expected

    def iterate(self, run: Run) -> Iterator[Element]:
        return CountChecked(self, self.inputs[0].iterate(run))

    def many(self, count: int) -> str:
        return f"{count} element{'' if count == 1 else 's'}"

    def failed(self, content: str) -> Exception:
        wanted = (
            "an infinite number of elements"
            if self.expected == INFINITE
            else self.many(self.expected)
        )
        return FailedPreconditionError(
            f"Input dataset was expected to contain {wanted} but contained {content}."
        )


class CountChecked(Resumable):
    """Iterates over elements; raises an error where their number is not the expected one."""

    plain = ("count",)

    def __init__(self, step: _AssertCardinality, source: Iterator[Element]) -> None:
        self.step, self.source, self.count = step, source, 0

    def __next__(self) -> Element:
        element, step = next(self.source, None), self.step
        if element is None:
            if self.count < step.expected or step.expected == INFINITE:
                raise step.failed(f"only {step.many(self.count)}")
            raise StopIteration
        if self.count == step.expected:
            raise step.failed(f"at least {step.many(self.count + 1)}")
        self.count += 1
        return element


class AssertCardinalityDataset(UnnamedDatasetOp):
    """The same elements, whose number must match."""

    signature = "input_dataset: variant, cardinality: int64 -> handle: variant"
    ranks = {"cardinality": (0,)}

    def pipeline(self, input_dataset, cardinality):
        return _AssertCardinality(input_dataset, int(cardinality))


class _Unique(Pipeline):
    def __init__(self, source: Pipeline) -> None:
        self.inputs = (source,)

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return Distinct(self.inputs[0].iterate(run))


class Distinct(Resumable):
    """Iterates over the elements that did not come before."""

    plain = ("seen",)

    def __init__(self, source: Iterator[Element]) -> None:
        self.source = source
        self.seen: set[Any] = set()

    def __next__(self) -> Element:
        while True:
            element = next(self.source)
            value = element[0]
            content = tuple(value.ravel().tolist()) if value.dtype == object else value.tobytes()
            key = content, value.shape
            if key not in self.seen:
                self.seen.add(key)
                return element


class UniqueDataset(DatasetOp):
    """Each distinct element once."""

    signature = "input_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset):
        if len(self.output_types) != 1:
            raise InvalidArgumentError(
                "UniqueDataset only supports inputs with a single component."
            )
        return _Unique(input_dataset)


class _Sampling(Pipeline):
    def __init__(self, source: Pipeline, rate: float, seeds: tuple[int, int]) -> None:
        self.inputs, self.rate, self.seeds = (source,), rate, seeds

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return Sampled(self.inputs[0].iterate(run), self.rate, self.seeds)


class Sampled(Resumable):
    """Iterates over elements, each with a probability."""

    plain = ("drawn",)

    def __init__(self, source: Iterator[Element], rate: float, seeds: tuple[int, int]) -> None:
        self.source, self.rate, self.seeds = source, rate, seeds
        self.words, self.drawn = words(*seeds), 0

    def __next__(self) -> Element:
        while True:
            element = next(self.source)
            self.drawn += 1
            mantissa = np.uint32(next(self.words) & 0x7FFFFF | 127 << 23)
            if mantissa.view(np.float32) - np.float32(1) < self.rate:
                return element

    def restore(self, state: State) -> None:
        super().restore(state)
        self.words = words(*self.seeds, self.drawn)


class SamplingDataset(UnnamedDatasetOp):
    """Each element with probability `rate`."""

    signature = """input_dataset: variant, rate: float32, seed: int64, seed2: int64
        -> handle: variant"""
    ranks = {"rate": (0,)}

    def pipeline(self, input_dataset, rate, seed, seed2):
        return _Sampling(input_dataset, float(rate), (int(seed), int(seed2)))


class _Directed(Pipeline):
    def __init__(self, selector: Pipeline, sources: list[Pipeline], stop_on_empty: bool) -> None:
        self.inputs, self.stop_on_empty = (selector, *sources), stop_on_empty

    def cardinality(self) -> int:
        counts = [source.cardinality() for source in self.inputs[1:]]
        return INFINITE if INFINITE in counts else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        selector, *sources = self.inputs
        parts: list[Iterator[Element] | None] = [source.iterate(run) for source in sources]
        return Directed(selector.iterate(run), parts, self.stop_on_empty)


class Directed(Resumable):
    """Iterates over elements of several iterators, each from the one that a selector gives the number of."""

    plain, sources = ("has_ended",), ("selector", "parts")

    def __init__(
        self,
        selector: Iterator[Element],
        parts: list[Iterator[Element] | None],
        stop_on_empty: bool,
    ) -> None:
        # A part is None once it has ended.
        self.selector, self.parts, self.stop_on_empty = selector, parts, stop_on_empty
        self.has_ended = False

    def __next__(self) -> Element:
        while not self.has_ended:
            (choice,) = next(self.selector)
            at = int(choice)
            if not 0 <= at < len(self.parts):
                raise InvalidArgumentError(
                    f"Selector index out of range: {at} >= {len(self.parts)}"
                )
            part = self.parts[at]
            if part is None:
                continue
            element = next(part, None)
            if element is not None:
                return element
            self.parts[at] = None
            self.has_ended = self.stop_on_empty or not any(self.parts)
        raise StopIteration


class DirectedInterleaveDataset(UnnamedDatasetOp):
    """Elements from several datasets, chosen by a dataset of indices."""

    signature = """selector_input_dataset: variant, data_input_datasets: N * variant
        -> handle: variant"""
    minimum = {"N": 1}
    output_types: list[DType]
    output_shapes: list[TensorShape]
    N: int
    stop_on_empty_dataset: bool = False

    def pipeline(self, selector_input_dataset, data_input_datasets):
        return _Directed(selector_input_dataset, data_input_datasets, self.stop_on_empty_dataset)
