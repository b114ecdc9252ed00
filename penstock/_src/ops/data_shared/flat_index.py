"""A flat map with random access by index."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, OutOfRangeError
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import Element, Resumable
from penstock._src.ops.data.iteration.rows import Access, row
from penstock._src.ops.data.pipeline import UNKNOWN, DatasetOp, Pipeline, Run
from penstock._src.util.process import forks

Call = Callable[..., list[Any]]


class _Pieces(Pipeline):
    def __init__(self, op: Any, source: Pipeline, captured: tuple[Any, Any], count: int) -> None:
        self.op, self.inputs, self.captured, self.count = op, (source,), captured, count

    def cardinality(self) -> int:
        return self.count if self.count >= 0 else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return Pieces(self.inputs[0].iterate(run), *self.calls(run), self.count)

    def calls(self, run: Run) -> tuple[Call, Call]:
        """The functions that cut an element and that locate a piece."""
        cut, locate = self.op.map_func, self.op.index_map_func
        return bound(cut, self.captured[0], run), bound(locate, self.captured[1], run)

    def access(self, run: Run) -> Access:
        (element,), (cut, locate) = self.accesses(self.inputs, run), self.calls(run)

        def piece(at: int) -> Element:
            number, offset = _place(locate(np.int64(at)))
            return _piece(cut(*element(number)), offset)

        return piece


class Pieces(Resumable):
    """Iterates over pieces of elements, whose positions a function returns."""

    plain, sources = ("at",), ()

    def __init__(self, source: Iterator[Element], cut: Call, locate: Call, count: int) -> None:
        self.source, self.cut, self.locate, self.count = source, cut, locate, count
        self.at = 0

    @forks.cached_property
    def pieces(self) -> list[list[Any]]:
        """The pieces of all elements."""
        return [self.cut(*element) for element in self.source]

    def __next__(self) -> Element:
        if 0 <= self.count <= self.at:
            raise StopIteration
        number, offset = _place(self.locate(np.int64(self.at)))
        if number >= len(self.pieces):
            if self.count < 0:
                raise StopIteration
            raise OutOfRangeError(f"IndexFlatMap: element {number} of {len(self.pieces)}")
        self.at += 1
        return _piece(self.pieces[number], offset)


def _place(located: list[Any]) -> tuple[int, int]:
    """The number of an element and the offset of a piece in it.

    Raises:
      InvalidArgumentError: they are not integers.
    """
    parts = list(map(np.asarray, located))
    if len(parts) != 2 or any(part.ndim or part.dtype.kind not in "iu" for part in parts):
        raise InvalidArgumentError("`index_map_func` is expected to return two int values.")
    return int(parts[0]), int(parts[1])


def _piece(pieces: list[Any], offset: int) -> Element:
    """A piece: one of several components, or a row of the only one."""
    parts = [np.asarray(component) for component in pieces]
    rows = parts if len(parts) > 1 or not parts[0].ndim else parts[0]
    if not 0 <= offset < len(rows):
        raise InvalidArgumentError(
            f"IndexFlatMap: invalid `index_map_func` which returns offset {offset} for an element that "
            f"`map_func` cuts into {len(rows)} pieces."
        )
    return (rows[offset] if rows is parts else row(parts[0], offset),)


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
