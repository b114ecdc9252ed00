"""Batches of tensors as sparse tensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.ops.data.batch import Batches
from penstock._src.ops.data.iteration.resume import Element
from penstock._src.ops.data.pipeline import Pipeline, Run, UnnamedDatasetOp, positive


def _objects(values: list[Any]) -> np.ndarray:
    objects = np.empty(len(values), object)
    for at, value in enumerate(values):
        objects[at] = value
    return objects


class _SparseBatch(Pipeline):
    def __init__(self, source: Pipeline, size: int, row_shape: np.ndarray) -> None:
        self.inputs, self.size, self.row_shape = (source,), size, row_shape

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        return count if count < 0 else -(-count // self.size)

    def iterate(self, run: Run) -> Iterator[Element]:
        return Batches(self.inputs[0].iterate(run), self.size, False, self.batch)

    def batch(self, elements: list[Element]) -> Element:
        rows = [row for (row,) in elements]
        largest = np.max([row.shape for row in rows], axis=0)
        if len(largest) != len(self.row_shape):
            raise InvalidArgumentError(
                f"Input element had shape {largest.tolist()} that is incompatible with the row "
                f"shape {list(self.row_shape)}."
            )
        if not all(w < 0 or s <= w for s, w in zip(largest, self.row_shape)):
            raise DataLossError(
                f"DenseToSparseBatchDataset: an input element of shape {largest.tolist()} is larger "
                f"than the row shape {self.row_shape.tolist()}."
            )
        extents = np.where(self.row_shape < 0, largest, self.row_shape)
        indices, values = [], []
        for number, row in enumerate(rows):
            places = np.indices(row.shape).reshape(row.ndim, row.size).T
            column = np.full((row.size, 1), number)
            indices.append(np.concatenate([column, places], axis=1).astype(np.int64))
            values.append(row.ravel())
        shape = np.array([len(rows), *extents], np.int64)
        parts = (np.concatenate(indices), np.concatenate(values), shape)
        return (_objects(list(parts)),)


class DenseToSparseBatchDataset(UnnamedDatasetOp):
    """Sparse tensors of `batch_size` rows; each row fits into `row_shape`."""

    signature = "input_dataset: variant, batch_size: int64, row_shape: int64 -> handle: variant"

    def pipeline(self, input_dataset, batch_size, row_shape):
        return _SparseBatch(input_dataset, positive(self, "Batch size", batch_size), row_shape)
