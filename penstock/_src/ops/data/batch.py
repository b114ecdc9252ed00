"""Datasets that batch or unbatch elements."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.iteration.resume import (
    Applied,
    Element,
    Failure,
    Indexed,
    Resumable,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.iteration.rows import Access, row
from penstock._src.ops.data.iteration.stacking import (
    has_large_rows,
    stack,
    stack_elements,
    stacked_one_by_one,
)
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    PipelineOp,
    Planned,
    Run,
    UnnamedDatasetOp,
    positive,
    scalar,
)


class Batches(Resumable):
    """Iterates over stacks of `size` elements; continues after an error in an element."""

    def __init__(
        self,
        source: Iterator[Element],
        size: int,
        drop_remainder: bool,
        stacked: Callable[[list[Element]], Element] = stack_elements,
    ) -> None:
        self.source, self.size, self.drop_remainder = source, size, drop_remainder
        self.stacked = stacked

    def __next__(self) -> Element:
        elements = itertools.islice(self.source, self.size)
        first = next(elements, None)
        least = self.size if self.drop_remainder else 1
        if first is not None and self.stacked is stack_elements and has_large_rows(first):
            batch = stacked_one_by_one(first, elements, self.size, least)
            if not batch:
                raise StopIteration
            return batch
        rest = [] if first is None else [first, *elements]
        if len(rest) < least:
            raise StopIteration
        return self.stacked(rest)


class AlignedBatches(Batches):
    """Iterates over stacks of `size` elements, those that raise errors counted."""

    def __next__(self) -> Element:
        items = iter(lambda: attempt(next, self.source, None), None)
        batch = [unless_failed(item) for item in list(itertools.islice(items, self.size))]
        if not batch or (self.drop_remainder and len(batch) < self.size):
            raise StopIteration
        return self.stacked(batch)


class _Batch(Planned):
    # True if a batch begins where it would without errors before it.
    is_aligned = False
    # True if threads were asked for: then it is never one step with a map.
    is_parallel = False

    def __init__(self, source: Pipeline, size: int, drop_remainder: bool) -> None:
        self.inputs, self.size, self.drop_remainder = (source,), size, drop_remainder

    def batch_size(self) -> int:
        return self.size

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if count < 0:
            return count
        return count // self.size if self.drop_remainder else -(-count // self.size)

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


class BatchDataset(DatasetOp):
    """Stacks of `batch_size` elements, the last one maybe smaller."""

    signature = "input_dataset: variant, batch_size: int64 -> handle: variant"
    ranks = {"batch_size": (0,)}

    def pipeline(self, input_dataset, batch_size):
        return _Batch(input_dataset, positive(self, "batch_size", batch_size), False)


class BatchDatasetV2(DatasetOp):
    """Stacks of `batch_size` elements."""

    signature = "input_dataset: variant, batch_size: int64, drop_remainder: bool -> handle: variant"
    ranks = {"batch_size": (0,), "drop_remainder": (0,)}
    parallel_copy: bool = False

    def pipeline(self, input_dataset, batch_size, drop_remainder):
        size = positive(self, "Batch size", batch_size)
        return _Batch(input_dataset, size, bool(drop_remainder))


class ParallelBatchDataset(DatasetOp):
    """Stacks of `batch_size` elements."""

    signature = """input_dataset: variant, batch_size: int64, num_parallel_calls: int64,
        drop_remainder: bool -> handle: variant"""
    ranks = {"batch_size": (0,), "num_parallel_calls": (0,), "drop_remainder": (0,)}
    parallel_copy: bool = False
    deterministic: str = "default"

    def pipeline(self, input_dataset, batch_size, num_parallel_calls, drop_remainder):
        size = positive(self, "Batch size", batch_size)
        dataset = _Batch(input_dataset, size, bool(drop_remainder))
        dataset.is_parallel = True
        return dataset


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
        return Batches(source, self.size, self.drop_remainder, self.padded_stack)

    access = Pipeline.access

    def padded_stack(self, elements: list[Element]) -> Element:
        components = enumerate(zip(*elements, strict=True))
        return tuple([self.pad(at, values) for at, values in components])

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
            # The ellipsis copies a scalar of strings, where an index alone would put the array itself there.
            stacked[(at, *map(slice, value.shape), ...)] = value
        return stacked


class PaddedBatchDatasetV2(PipelineOp):
    """Stacks of `batch_size` elements, padded to equal shapes."""

    signature = """input_dataset: variant, batch_size: int64, padded_shapes: N * int64,
        padding_values: *Toutput_types, drop_remainder: bool -> handle: variant"""
    ranks = {"batch_size": (0,), "drop_remainder": (0,)}
    minimum = {"N": 1}
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
    ranks = {"batch_size": (0,)}
    minimum = {"N": 1}
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
        return RowsOfElements(self.inputs[0].iterate(run))


class RowsOfElements(Resumable):
    """Iterates over the rows of elements."""

    plain = ("element", "at", "count")

    def __init__(self, source: Iterator[Element]) -> None:
        self.source = source
        self.element: Element = ()
        self.at = self.count = 0

    def __next__(self) -> Element:
        while self.at == self.count:
            self.at = self.count = 0
            element = next(self.source)
            self.count, self.element = _row_count(element), element
        at, self.at = self.at, self.at + 1
        return tuple([row(component, at) for component in self.element])


def _row_count(element: Element) -> int:
    for component in element:
        if not isinstance(component, np.ndarray) or component.ndim == 0:
            raise InvalidArgumentError("Cannot unbatch a tensor of rank 0.")
        if len(component) != len(element[0]):
            raise InvalidArgumentError(
                "Input element must have the same batch size in each component. Component "
                f"0 had size {len(element[0])} but another had size {len(component)}."
            )
    return len(element[0])


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
        return Indexed(self.elements.__getitem__, len(self.elements))

    def access(self, run: Run) -> Access:
        return self.elements.__getitem__


class WindowElements(Elements):
    """The elements of a window."""

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
        return Windows(self, self.inputs[0].iterate(run))

    def nested(self, window: list[Element]) -> Element:
        types, shapes = self.inputs[0].types, self.inputs[0].shapes
        return tuple(
            [
                WindowElements(
                    [(element[at],) for element in window], types[at : at + 1], shapes[at : at + 1]
                )
                for at in range(len(window[0]))
            ]
        )


class Windows(Resumable):
    """Iterates over datasets of consecutive elements; an error is in each window that its element would be in."""

    plain = ("held", "passed")

    def __init__(self, step: _Window, source: Iterator[Element]) -> None:
        self.step, self.source = step, source
        self.held: list[Element | Failure] = []
        # Number of elements before the next window, including the buffered ones.
        self.passed = 0

    def __next__(self) -> Element:
        step, buffered, passed = self.step, self.held[self.passed :], self.passed - len(self.held)
        self.held, self.passed = buffered, max(0, passed)
        items = iter(lambda: attempt(next, self.source, None), None)
        while self.passed and next(items, None) is not None:
            self.passed -= 1
        reach = (step.size - 1) * step.stride + 1
        buffered.extend(itertools.islice(items, reach - len(buffered)))
        window = buffered[:: step.stride]
        if not window or (step.drop_remainder and len(window) < step.size):
            raise StopIteration
        self.passed = step.shift
        for item in window:
            if type(item) is Failure:
                unless_failed(item.again())
        return step.nested(window)


class WindowDataset(DatasetOp):
    """Datasets of `size` consecutive elements, one per component."""

    signature = """input_dataset: variant, size: int64, shift: int64, stride: int64,
        drop_remainder: bool -> handle: variant"""
    ranks = {"size": (0,), "shift": (0,), "stride": (0,), "drop_remainder": (0,)}

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
        return Resplit(self, self.inputs[0].iterate(run))


class Resplit(Resumable):
    """Iterates over batches of the sizes in turn, made of the rows of others."""

    plain = ("held", "turn")

    def __init__(self, step: _Rebatch, source: Iterator[Element]) -> None:
        self.step, self.source, self.turn = step, source, 0
        # Rows that are left; None before the first element.
        self.held: Element | None = None

    def __next__(self) -> Element:
        step = self.step
        size = step.sizes[self.turn % len(step.sizes)]
        while self.held is None or len(self.held[0]) < size:
            if self.held is None and not size and all(map(_is_known, step.shapes)):
                self.held = tuple(map(_no_rows, step.types, step.shapes))
                break
            try:
                element = next(self.source, None)
            except BaseException:
                self.held = None  # TensorFlow drops the rows of an unfinished batch
                raise
            if element is None:
                return self.remainder()
            self.held = element if self.held is None else tuple(map(_joined, self.held, element))
        buffered, self.turn = self.held, self.turn + 1
        self.held = tuple([component[size:] for component in buffered])
        return tuple([component[:size] for component in buffered])

    def remainder(self) -> Element:
        """The rows left at the end, if there are any and they are wanted."""
        rest = self.held
        if rest is None or not len(rest[0]) or self.step.drop_remainder:
            raise StopIteration
        self.held = tuple([component[:0] for component in rest])
        return rest


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
        return Applied(self.inputs[0].iterate(run), _window_stacks)


def _window_stacks(parts: Element) -> Element:
    return tuple([stack([e[0] for e in part.elements]) for part in parts])


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
