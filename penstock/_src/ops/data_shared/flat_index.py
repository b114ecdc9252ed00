"""A flat map with random access by index."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import OutOfRangeError
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.pipeline import UNKNOWN, DatasetOp, Element, Pipeline, Run


class _Pieces(Pipeline):
    def __init__(self, op: Any, source: Pipeline, captured: tuple[Any, Any], count: int) -> None:
        self.op, self.inputs, self.captured, self.count = op, (source,), captured, count

    def cardinality(self) -> int:
        return self.count if self.count >= 0 else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        cut = bound(self.op.map_func, self.captured[0], run)
        locate = bound(self.op.index_map_func, self.captured[1], run)
        pieces = [cut(*element) for element in self.inputs[0].iterate(run)]
        number = 0
        while self.count < 0 or number < self.count:
            element, offset = (int(np.asarray(part)) for part in locate(np.int64(number)))
            if element >= len(pieces):
                if self.count < 0:
                    return
                raise OutOfRangeError(f"IndexFlatMap: element {element} of {len(pieces)}")
            yield tuple(np.asarray(component)[offset, ...] for component in pieces[element])
            number += 1


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
