"""Datasets from tensors, ranges, random numbers and Python generators."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.iteration.resume import Counted, Element, Indexed, Resumable, State
from penstock._src.ops.data.iteration.rows import Access, Rows
from penstock._src.ops.data.iteration.seeds import CHUNK, SeedGenerator, words
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    PipelineOp,
    Run,
    Seeded,
)

_ROWS_LIMIT = 1 << 24  # ranges up to this length are stored as an array


class _FromTensors(Pipeline):
    def __init__(self, components: list[Any]) -> None:
        self.components = tuple(components)

    def iterate(self, run: Run) -> Iterator[Element]:
        return Indexed(lambda _: self.components, 1)

    def cardinality(self) -> int:
        return 1

    def access(self, run: Run) -> Access:
        return lambda _: self.components


class TensorDataset(PipelineOp):
    """A single element: the tensors."""

    signature = "components: *Toutput_types -> handle: variant"
    Toutput_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""
    stateful = True

    def pipeline(self, components):
        return _FromTensors(components)


class _Slices(Pipeline):
    def __init__(self, arrays: list[np.ndarray]) -> None:
        self._rows = Rows(arrays)

    def cardinality(self) -> int:
        return self._rows.count

    def rows(self) -> Rows:
        return self._rows

    def access(self, run: Run) -> Access:
        return self._rows.access()


class TensorSliceDataset(PipelineOp):
    """An element per index of the first dimension of the tensors."""

    signature = "components: *Toutput_types -> handle: variant"
    Toutput_types: list[DType]
    output_shapes: list[TensorShape]
    is_files: bool = False
    metadata: str = ""
    replicate_on_split: bool = False
    stateful = True

    def pipeline(self, components):
        for component in components:
            if not isinstance(component, np.ndarray) or component.ndim == 0:
                raise InvalidArgumentError("Unbatching a tensor is only supported for rank >= 1")
            if len(component) != len(components[0]):
                raise InvalidArgumentError(
                    "TensorSliceDataset: all components must have the same size in the first "
                    f"dimension. Received shapes {[list(c.shape) for c in components]}"
                )
        return _Slices(components)


class _Range(Pipeline):
    def __init__(self, start: int, stop: int, step: int, dtype: DType) -> None:
        self.numbers = range(start, stop, step)
        self.dtype = dtype

    def cardinality(self) -> int:
        ends = (dtypes.int64.min, dtypes.int64.max)
        return INFINITE if self.numbers and self.numbers.stop in ends else len(self.numbers)

    def rows(self) -> Rows | None:
        if self.numbers[_ROWS_LIMIT:]:  # `len` takes no more than a word of Python can count
            return None
        values = self.numbers
        return Rows([np.arange(values.start, values.stop, values.step, self.dtype.np)])

    def access(self, run: Run) -> Access:
        values, kind = self.numbers, self.dtype.np
        return lambda number: (np.array(values[number], kind),)

    def iterate(self, run: Run) -> Iterator[Element]:
        rows = self.rows()
        return RangeElements(self.numbers, self.dtype.np) if rows is None else rows.elements(run)


class RangeElements(Resumable):
    """Iterates over the numbers of a range."""

    plain, sources = ("left",), ()

    def __init__(self, values: range, kind: Any) -> None:
        self.left, self.kind = values, kind
        self.numbers, self.at = np.empty(0, kind), 0

    def __next__(self) -> Element:
        if self.at == len(self.numbers):
            chunk = self.left[:CHUNK]
            if not chunk:
                raise StopIteration
            self.numbers, self.at = np.arange(chunk.start, chunk.stop, chunk.step, self.kind), 0
            self.left = self.left[CHUNK:]
        at, self.at = self.at, self.at + 1
        return (self.numbers[at, ...],)

    def save(self) -> State:
        left, buffered = self.left, len(self.numbers) - self.at
        return {"left": range(left.start - buffered * left.step, left.stop, left.step)}


class RangeDataset(DatasetOp):
    """The numbers start, start + step, ... below (or above) stop."""

    signature = "start: int64, stop: int64, step: int64 -> handle: variant"
    ranks = {"start": (0,), "stop": (0,), "step": (0,)}
    output_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""
    replicate_on_split: bool = False
    stateful = True

    def pipeline(self, start, stop, step):
        if int(step) == 0:
            raise InvalidArgumentError("RangeDataset: step must be a non-zero integer.")
        return _Range(int(start), int(stop), int(step), self.output_types[0])


class _Random(Seeded):
    def __init__(self, seeds: SeedGenerator, dtype: DType) -> None:
        self.seeds, self.dtype = seeds, dtype

    def cardinality(self) -> int:
        return INFINITE

    def iterate(self, run: Run) -> Iterator[Element]:
        return RandomWords(self.seeds_of(run), self.dtype.np)


class RandomWords(Resumable):
    """Iterates over the words of the stream with these seeds."""

    plain, sources = ("seeds", "drawn"), ()

    def __init__(self, seeds: tuple[int, int], kind: Any) -> None:
        self.seeds, self.kind, self.drawn = seeds, kind, 0
        self.words = words(*seeds)

    def __next__(self) -> Element:
        self.drawn += 1
        return (np.array(next(self.words), self.kind),)

    def restore(self, state: State) -> None:
        super().restore(state)
        self.words = words(*self.seeds, self.drawn)


class RandomDataset(DatasetOp):
    """Pseudorandom 32-bit numbers, the same in every iteration."""

    signature = "seed: int64, seed2: int64 -> handle: variant"
    stateful = True

    def pipeline(self, seed, seed2):
        return _Random(SeedGenerator(int(seed), int(seed2), False), self.output_types[0])


class RandomDatasetV2(DatasetOp):
    """Pseudorandom 32-bit numbers, optionally new ones in every iteration."""

    signature = "seed: int64, seed2: int64, seed_generator: resource -> handle: variant"
    rerandomize_each_iteration: bool = False

    def pipeline(self, seed, seed2, seed_generator):
        if not self.rerandomize_each_iteration:
            seed_generator = SeedGenerator(int(seed), int(seed2), False)
        return _Random(seed_generator, self.output_types[0])


# The operation that calls Python in TensorFlow's generators.
_PY_FUNC = "PyFunc"


class GeneratorPipeline(Pipeline):
    """Elements from a Python callable: `make()` returns an iterator over tuples of host values."""

    def __init__(self, make: Callable[[], Iterator[Element]]) -> None:
        self.make = make

    def cardinality(self) -> int:
        return UNKNOWN

    def external_state(self) -> str | None:
        return _PY_FUNC

    def iterate(self, run: Run) -> Iterator[Element]:
        source = self.make()
        elements, close = Counted(source), getattr(source, "close", None)
        run.note_state(elements, _PY_FUNC)
        if close is not None:
            run.ends_with(
                elements, lambda: None if getattr(source, "gi_running", False) else close()
            )
        return elements


class _SparseSlices(Pipeline):
    def __init__(self, indices: np.ndarray, values: np.ndarray, dense_shape: np.ndarray) -> None:
        self.indices, self.values, self.dense_shape = indices, values, dense_shape

    def cardinality(self) -> int:
        return int(self.dense_shape[0])

    def iterate(self, run: Run) -> Iterator[Element]:
        bounds = np.searchsorted(self.indices[:, 0], np.arange(self.cardinality() + 1))
        shape = self.dense_shape[1:]

        def sparse_row(at: int) -> Element:
            inside = slice(bounds[at], bounds[at + 1])
            return self.indices[inside, 1:], self.values[inside], shape

        return Indexed(sparse_row, self.cardinality())


class SparseTensorSliceDataset(PipelineOp):
    """The rows of a sparse tensor, each as (indices, values, dense_shape)."""

    signature = "indices: int64, values: Tvalues, dense_shape: int64 -> handle: variant"
    Tvalues: DType
    stateful = True

    def pipeline(self, indices, values, dense_shape):
        if indices.ndim != 2 or indices.shape != (len(values), len(dense_shape)):
            raise InvalidArgumentError(
                "SparseTensorSliceDataset: Number of values must match first dimension of indices, and "
                f"dimensions the second. Got {len(values)} values, indices shape: "
                f"{list(indices.shape)}, dense shape: {dense_shape.tolist()}"
            )
        if len(indices) > 1 and (np.diff(indices[:, 0]) < 0).any():
            raise InvalidArgumentError(
                "SparseTensorSliceDataset: indices must be ordered by the first dimension."
            )
        dataset = _SparseSlices(indices, values, dense_shape)
        dataset.types = (dtypes.int64, self.Tvalues, dtypes.int64)
        dataset.shapes = (TensorShape([None, None]), TensorShape([None]), TensorShape([None]))
        return dataset


class _Repeated(Pipeline):
    def __init__(self, elements: list[Element]) -> None:
        self.elements = elements

    def cardinality(self) -> int:
        return len(self.elements)

    def iterate(self, run: Run) -> Iterator[Element]:
        return Indexed(self.elements.__getitem__, len(self.elements))

    def access(self, run: Run) -> Access:
        return self.elements.__getitem__


class ListDataset(DatasetOp):
    """The tensors as elements, in groups of one per component."""

    signature = "tensors: *Tinput_types -> handle: variant"
    Tinput_types: list[DType]
    stateful = True

    def pipeline(self, tensors):
        width = len(self.output_types)
        return _Repeated([tuple(tensors[at : at + width]) for at in range(0, len(tensors), width)])
