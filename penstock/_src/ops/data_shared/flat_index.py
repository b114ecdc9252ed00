"""A flat map with random access by index."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import OutOfRangeError
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import Element, Resumable
from penstock._src.ops.data.pipeline import UNKNOWN, DatasetOp, Pipeline, Run

Call = Callable[..., list[Any]]


class _Pieces(Pipeline):
    def __init__(self, op: Any, source: Pipeline, captured: tuple[Any, Any], count: int) -> None:
        self.op, self.inputs, self.captured, self.count = op, (source,), captured, count

    def cardinality(self) -> int:
        return self.count if self.count >= 0 else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        cut = bound(self.op.map_func, self.captured[0], run)
        locate = bound(self.op.index_map_func, self.captured[1], run)
        return Pieces(self.inputs[0].iterate(run), cut, locate, self.count)


class Pieces(Resumable):
    """Iterates over pieces of elements, whose places a function gives."""

    plain, sources = ("at",), ()

    def __init__(self, source: Iterator[Element], cut: Call, locate: Call, count: int) -> None:
        self.source, self.cut, self.locate, self.count = source, cut, locate, count
        self.at = 0

    @functools.cached_property
    def pieces(self) -> list[list[Any]]:
        """The pieces of all elements."""
        return [self.cut(*element) for element in self.source]

    def __next__(self) -> Element:
        if 0 <= self.count <= self.at:
            raise StopIteration
        number, offset = (int(np.asarray(part)) for part in self.locate(np.int64(self.at)))
        if number >= len(self.pieces):
            if self.count < 0:
                raise StopIteration
            raise OutOfRangeError(f"IndexFlatMap: element {number} of {len(self.pieces)}")
        self.at += 1
        return tuple(np.asarray(component)[offset, ...] for component in self.pieces[number])


class IndexFlatMapDataset(DatasetOp):
    """The pieces into which `map_func` splits elements; `index_map_func` maps a piece's index to its element and offset."""

    signature = """input_dataset: variant, map_func_other_args: *Tmap_func_args,
        index_map_func_other_args: *Tindex_map_func_args, output_cardinality: int64
        -> handle: variant"""
    map_func: Function
    index_map_func: Function
    Tmap_func_args: list[DType]
    Tindex_map_func_args: list[DType]

    def pipeline(
        self, input_dataset, map_func_other_args, index_map_func_other_args, output_cardinality
    ):
        captured = map_func_other_args, index_map_func_other_args
        return _Pieces(self, input_dataset, captured, int(output_cardinality))
