"""Iteration over a dataset in step with all processes of a cluster, even if one has fewer elements."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import Transport
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import AbortedError, InvalidArgumentError
from penstock._src.core.registry import make_function
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.collective.members import connected
from penstock._src.ops.data.iteration.resume import Element, Resumable
from penstock._src.ops.data.pipeline import UNKNOWN, Pipeline, Run, UnnamedDatasetOp

HAS_NONE, HAS_ONE, HAS_FAILED = range(3)
CHANNEL = 1  # apart from the exchanges of training steps


class InStep(Resumable):
    """Iterates until no process has an element; one that has none gets batches without rows."""

    def __init__(self, step: _InStep, source: Iterator[Element]) -> None:
        self.step, self.source = step, source
        self.group = dataclasses.replace(step.transport.everyone, channel=CHANNEL)

    def __next__(self) -> Element:
        try:
            element = next(self.source, None)
        except Exception:
            self._tell(HAS_FAILED)
            raise
        said = self._tell(HAS_NONE if element is None else HAS_ONE)
        if HAS_FAILED in said:
            raise AbortedError(f"The dataset of rank {said.index(HAS_FAILED)} has failed.")
        if HAS_ONE not in said:
            raise StopIteration
        PROGRESS.begin_step()
        if element is not None:
            return element
        return tuple(map(_no_rows, self.step.types, self.step.shapes))

    def _tell(self, what: int) -> list[int]:
        """Return the states that all processes report."""
        words = self.step.transport.exchange_words(np.array([what], np.int64), self.group)
        return [int(word) for word in words[:, 0]]


def _no_rows(dtype: DType, shape: TensorShape) -> np.ndarray:
    """A batch without rows.

    Raises:
      InvalidArgumentError: elements are not batches, or the shape of their rows is unknown.
    """
    if not shape.rank or None in shape[1:].as_list() or not dtype.is_numpy_compatible:
        raise InvalidArgumentError(
            f"The dataset of this process ended before the others', and a component ({dtype.name}, shape "
            f"{shape}) cannot have an empty batch. Give all processes the same number of batches."
        )
    return np.zeros([0, *shape[1:].as_list()], dtype.np)


class _InStep(Pipeline):
    def __init__(self, source: Pipeline, transport: Transport) -> None:
        self.inputs, self.transport = (source,), transport

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return InStep(self, self.inputs[0].iterate(run))


class _InStepDataset(UnnamedDatasetOp):
    """The elements of each process, and batches without rows after its last one as long as others have some."""

    signature = "input_dataset: variant -> handle: variant"

    def pipeline(self, input_dataset):
        return _InStep(input_dataset, connected(self))


in_step_dataset = make_function(_InStepDataset)
