"""Datasets that batch or unbatch elements."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    Access,
    ChunkReader,
    DatasetOp,
    Element,
    Pipeline,
    PipelineOp,
    Rows,
    Run,
    UnnamedDatasetOp,
    positive,
    row,
    scalar,
)


def stack(values: Sequence[Any], component: int = 0) -> Any:
    """The values of one component, stacked along a new first dimension.

    Raises:
      InvalidArgumentError: their shapes differ.
    """
    first = values[0]
    if not isinstance(first, np.ndarray):  # variants
        stacked = np.empty(len(values), object)
        stacked[:] = values
        return stacked
    shape = first.shape
    for at, value in enumerate(values):
        if value.shape != shape:
            raise InvalidArgumentError(
                f"Cannot batch tensors with different shapes in component {component}. First "
                f"element had shape {list(shape)} and element {at} had shape {list(value.shape)}."
            )
    stacked = np.empty((len(values), *shape), first.dtype)
    for at, value in enumerate(values):
        stacked[at, ...] = value  # [...]: otherwise a rank-0 array would be stored as an object
    return stacked


def stack_elements(elements: Sequence[Element]) -> Element:
    """Elements with each component stacked."""
    return tuple([stack(values, at) for at, values in enumerate(zip(*elements, strict=True))])


class Batches:
    """Iterates over stacks of `size` elements; continues after an error in an element."""

    def __init__(self, source: Iterator[Element], size: int, drop_remainder: bool) -> None:
        self.source, self.size, self.drop_remainder = source, size, drop_remainder

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        elements = list(itertools.islice(self.source, self.size))
        if not elements or (self.drop_remainder and len(elements) < self.size):
            raise StopIteration
        return stack_elements(elements)


class _Batch(Pipeline):
    def __init__(self, source: Pipeline, size: int, drop_remainder: bool) -> None:
        self.inputs, self.size, self.drop_remainder = (source,), size, drop_remainder

    def batch_size(self) -> int:
        return self.size

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if count < 0:
            return count
        return count // self.size if self.drop_remainder else -(-count // self.size)

    def iterate(self, run: Run) -> Iterator[Element]:
        rows = self.inputs[0].rows()
        if rows is not None:
            return self.gathered(rows, run)
        stacks = self.inputs[0].stacks(run, self.size)
        if stacks is not None:
            least = self.size if self.drop_remainder else 1
            # Unlike a generator, this continues after an error.
            return filter(lambda stack: len(stack[0]) >= least, stacks)
        return Batches(self.inputs[0].iterate(run), self.size, self.drop_remainder)

    def access(self, run: Run) -> Access:
        (element,), total = self.accesses(self.inputs, run), self.inputs[0].cardinality()

        def batch(number: int) -> Element:
            first = number * self.size
            last = first + self.size if total < 0 else min(first + self.size, total)
            return stack_elements([element(at) for at in range(first, last)])

        return batch

    def why_in_order(self) -> str | None:
        if not self.drop_remainder:
            return "BatchDatasetV2 does not support global shuffling with `drop_remainder=False`."
        return super().why_in_order()

    def gathered(self, rows: Rows, run: Run) -> Iterator[Element]:
        reader = ChunkReader(rows.order(run))
        least = self.size if self.drop_remainder else 1
        while len(chunk := reader.take(self.size)) >= least:
            yield rows.gather(chunk)


class BatchDataset(DatasetOp):
    """Stacks of `batch_size` elements, the last one maybe smaller."""

    signature = "input_dataset: variant, batch_size: int64 -> handle: variant"

    def pipeline(self, input_dataset, batch_size):
        return _Batch(input_dataset, positive(self, "batch_size", batch_size), False)


class BatchDatasetV2(DatasetOp):
    """Stacks of `batch_size` elements."""

    signature = "input_dataset: variant, batch_size: int64, drop_remainder: bool -> handle: variant"
    parallel_copy: bool = False

    def pipeline(self, input_dataset, batch_size, drop_remainder):
        size = positive(self, "Batch size", batch_size)
        return _Batch(input_dataset, size, bool(drop_remainder))


class ParallelBatchDataset(DatasetOp):
    """Stacks of `batch_size` elements."""

    signature = """input_dataset: variant, batch_size: int64, num_parallel_calls: int64,
        drop_remainder: bool -> handle: variant"""
    parallel_copy: bool = False
    deterministic: str = "default"

    def pipeline(self, input_dataset, batch_size, num_parallel_calls, drop_remainder):
        size = positive(self, "Batch size", batch_size)
        return _Batch(input_dataset, size, bool(drop_remainder))


class _PaddedBatch(_Batch):
    def __init__(self, source: Pipeline, size: int, drop: bool, shapes: Any, fills: Any) -> None:
        super().__init__(source, size, drop)
        self.padded = [[int(extent) for extent in shape] for shape in shapes]
        for at, shape in enumerate(self.padded):
            if any(extent < -1 for extent in shape):
                raise InvalidArgumentError(
                    f"Padded shape of component {at}: values must be non-negative or -1 for dynamic "
                    f"padding, got {shape}"
                )
        self.fills = fills

    def iterate(self, run: Run) -> Iterator[Element]:
        source = self.inputs[0].iterate(run)
        least = self.size if self.drop_remainder else 1
        while len(elements := list(itertools.islice(source, self.size))) >= least:
            components = enumerate(zip(*elements, strict=True))
            yield tuple([self.pad(at, values) for at, values in components])

    access = Pipeline.access

    def pad(self, component: int, values: Sequence[np.ndarray]) -> np.ndarray:
        wanted = self.padded[component]
        shape = []
        for axis, extent in enumerate(wanted):
            largest = max((v.shape[axis] for v in values if v.ndim == len(wanted)), default=0)
            shape.append(largest if extent < 0 else extent)
        for value in values:
            if value.ndim != len(wanted):
                raise InvalidArgumentError(
                    "All elements in a batch must have the same rank as the padded shape for "
                    f"component{component}: expected rank {len(wanted)} but got element with rank "
                    f"{value.ndim}"
                )
            for axis, extent in enumerate(value.shape):
                if extent > shape[axis]:
                    raise DataLossError(
                        "Attempted to pad to a smaller size than the input element: component "
                        f"{component} has shape {list(value.shape)}, padded shape {shape}."
                    )
        stacked = np.empty((len(values), *shape), values[0].dtype)
        stacked[...] = scalar(self.fills[component])
        for at, value in enumerate(values):
            stacked[(at, *map(slice, value.shape))] = value
        return stacked


class PaddedBatchDatasetV2(PipelineOp):
    """Stacks of `batch_size` elements, padded to equal shapes."""

    signature = """input_dataset: variant, batch_size: int64, padded_shapes: N * int64,
        padding_values: *Toutput_types, drop_remainder: bool -> handle: variant"""
    parallel_copy: bool = False
    Toutput_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""
    N: int

    def pipeline(self, input_dataset, batch_size, padded_shapes, padding_values, drop_remainder):
        size = positive(self, "Batch size", batch_size)
        return _PaddedBatch(
            input_dataset, size, bool(drop_remainder), padded_shapes, padding_values
        )


class PaddedBatchDataset(PipelineOp):
    """Stacks of `batch_size` elements, padded to equal shapes; the last one maybe smaller."""

    signature = """input_dataset: variant, batch_size: int64, padded_shapes: N * int64,
        padding_values: *Toutput_types -> handle: variant"""
    Toutput_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""
    N: int

    def pipeline(self, input_dataset, batch_size, padded_shapes, padding_values):
        size = positive(self, "Batch size", batch_size)
        return _PaddedBatch(input_dataset, size, False, padded_shapes, padding_values)


class _Unbatch(Pipeline):
    def __init__(self, source: Pipeline) -> None:
        self.inputs = (source,)

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        shapes = self.inputs[0].shapes
        first = {s[0] for s in shapes if s.rank and s[0] is not None}
        if count >= 0 and len(first) == 1:
            return count * int(first.pop())
        return INFINITE if count == INFINITE else 0 if count == 0 else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        for element in self.inputs[0].iterate(run):
            for component in element:
                if not isinstance(component, np.ndarray) or component.ndim == 0:
                    raise InvalidArgumentError("Cannot unbatch a tensor of rank 0.")
                if len(component) != len(element[0]):
                    raise InvalidArgumentError(
                        "Input element must have the same batch size in each component. Component "
                        f"0 had size {len(element[0])} but another had size {len(component)}."
                    )
            for at in range(len(element[0])):
                yield tuple([row(component, at) for component in element])


class UnbatchDataset(DatasetOp):
    """The rows of the elements as elements."""

    signature = "input_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset):
        return _Unbatch(input_dataset)


class Elements(Pipeline):
    """A pipeline over a given list of elements."""

    def __init__(self, elements: list[Element], types: Any, shapes: Any) -> None:
        self.elements, self.types, self.shapes = elements, types, shapes

    def cardinality(self) -> int:
        return len(self.elements)

    def iterate(self, run: Run) -> Iterator[Element]:
        return iter(self.elements)

    def access(self, run: Run) -> Access:
        return self.elements.__getitem__


class _WindowElements(Elements):
    def iterate(self, run: Run) -> Iterator[Element]:
        run.opaque_step = "WindowOp"
        return super().iterate(run)


class _Window(Pipeline):
    def __init__(self, source: Pipeline, size: int, shift: int, stride: int, drop: bool) -> None:
        self.inputs, self.size, self.shift, self.stride = (source,), size, shift, stride
        self.drop_remainder = drop

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if count < 0:
            return count
        if self.drop_remainder:
            reach = (self.size - 1) * self.stride + 1
            return max(0, (count - reach) // self.shift + 1) if count >= reach else 0
        return -(-count // self.shift)

    def iterate(self, run: Run) -> Iterator[Element]:
        run.opaque_step = self.kind
        source = self.inputs[0].iterate(run)
        reach = (self.size - 1) * self.stride + 1
        held: list[Element] = []
        while True:
            held.extend(itertools.islice(source, reach - len(held)))
            window = held[:: self.stride]
            if not window or (self.drop_remainder and len(window) < self.size):
                return
            yield self.nested(window)
            if self.shift > len(held):
                skipped = self.shift - len(held)
                if len(list(itertools.islice(source, skipped))) < skipped:
                    return
            held = held[self.shift :]

    def nested(self, window: list[Element]) -> Element:
        types, shapes = self.inputs[0].types, self.inputs[0].shapes
        return tuple(
            [
                _WindowElements(
                    [(element[at],) for element in window], types[at : at + 1], shapes[at : at + 1]
                )
                for at in range(len(window[0]))
            ]
        )


class WindowDataset(DatasetOp):
    """Datasets of `size` consecutive elements, one per component."""

    signature = """input_dataset: variant, size: int64, shift: int64, stride: int64,
        drop_remainder: bool -> handle: variant"""

    def pipeline(self, input_dataset, size, shift, stride, drop_remainder):
        return _Window(
            input_dataset,
            positive(self, "Window size", size),
            positive(self, "Window shift", shift),
            positive(self, "Window stride", stride),
            bool(drop_remainder),
        )


class _Rebatch(Pipeline):
    def __init__(self, source: Pipeline, sizes: list[int], drop_remainder: bool) -> None:
        self.inputs, self.sizes, self.drop_remainder = (source,), sizes, drop_remainder

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        source = self.inputs[0].iterate(run)
        held: Element | None = None  # rows that are left; None before the first element
        for size in itertools.cycle(self.sizes):
            while held is None or len(held[0]) < size:
                if held is None and not size and all(map(_is_known, self.shapes)):
                    held = tuple(map(_no_rows, self.types, self.shapes))
                    break
                element = next(source, None)
                if element is None:
                    if held is not None and len(held[0]) and not self.drop_remainder:
                        yield held
                    return
                held = element if held is None else tuple(map(_joined, held, element))
            yield tuple([component[:size] for component in held])
            held = tuple([component[size:] for component in held])


def _is_known(shape: TensorShape) -> bool:
    return shape.rank is not None and None not in shape[1:].as_list()


def _no_rows(dtype: DType, shape: TensorShape) -> np.ndarray:
    return np.zeros([0, *shape[1:].as_list()], dtype.np)


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([first, second])


class RebatchDatasetV2(UnnamedDatasetOp):
    """Batches re-split into the given sizes, cyclically."""

    signature = """input_dataset: variant, batch_sizes: int64, drop_remainder: bool
        -> handle: variant"""

    def pipeline(self, input_dataset, batch_sizes, drop_remainder):
        sizes = np.atleast_1d(batch_sizes).tolist()
        if min(sizes, default=0) < 0 or sum(sizes) <= 0:
            raise InvalidArgumentError(
                f"RebatchDatasetV2: batch_sizes must be positive. Received {sizes}"
            )
        return _Rebatch(input_dataset, sizes, bool(drop_remainder))


class _SlidingWindow(Pipeline):
    def __init__(self, windows: _Window) -> None:
        self.inputs = (windows,)

    def iterate(self, run: Run) -> Iterator[Element]:
        for parts in self.inputs[0].iterate(run):
            yield tuple([stack([e[0] for e in part.elements]) for part in parts])


class SlidingWindowDataset(UnnamedDatasetOp):
    """Stacks of elements under a sliding window."""

    signature = """input_dataset: variant, window_size: int64, window_shift: int64,
        window_stride: int64 -> handle: variant"""
    drop_remainder: bool = True

    def pipeline(self, input_dataset, window_size, window_shift, window_stride):
        return _SlidingWindow(
            _Window(
                input_dataset,
                positive(self, "Window size", window_size),
                positive(self, "Window shift", window_shift),
                positive(self, "Window stride", window_stride),
                self.drop_remainder,
            )
        )
