"""Batches of tensors as sparse tensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.ops.data.batch import Batches
from penstock._src.ops.data.iteration.resume import Applied, Element
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
        # Elements are checked as they are read: the next batch begins after one that does not fit, as in TensorFlow.
        elements = Applied(self.inputs[0].iterate(run), self.fitting)
        return Batches(elements, self.size, False, self.batch)

    def fitting(self, element: Element) -> Element:
        """The element.

        Raises:
          InvalidArgumentError: it has another rank than rows.
          DataLossError: it is larger than rows.
        """
        shape, wanted = list(element[0].shape), self.row_shape.tolist()
        if len(shape) != len(wanted):
            raise InvalidArgumentError(
                f"Input element had shape {shape} that is incompatible with the row shape {wanted}."
            )
        if not all(w < 0 or s <= w for s, w in zip(shape, wanted)):
            raise DataLossError(
                f"DenseToSparseBatchDataset: an input element of shape {shape} is larger than the "
                f"row shape {wanted}."
            )
        return element

    def batch(self, elements: list[Element]) -> Element:
        rows = [row for (row,) in elements]
        largest = np.max([row.shape for row in rows], axis=0)
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
