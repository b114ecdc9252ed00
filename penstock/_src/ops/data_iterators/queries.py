"""Ops that query a dataset: the number of its elements, or single ones."""

import numpy as np

from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.calls.facts import Flow
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.pipeline import EFFORT, Run
from penstock._src.ops.data_iterators.components import of_types_and_shapes
from penstock._src.ops.data_planner.plan import planned
from penstock._src.proto.dataset import CardinalityOptions


class DatasetCardinality(Op):
    """The number of elements; -1 if infinite, -2 if unknown."""

    signature = "input_dataset: variant -> cardinality: int64[]"
    cardinality_options: str = ""

    def eager(self, input_dataset):
        options = as_bytes(self.cardinality_options)
        level = CardinalityOptions.FromString(options).compute_level
        EFFORT.calls_functions = level == CardinalityOptions.CARDINALITY_COMPUTE_MODERATE
        try:
            return np.array(input_dataset.cardinality(), np.int64)
        finally:
            EFFORT.calls_functions = False


class ComputeBatchSize(Op):
    """The number of rows of a dataset's full batches; -1 if unknown."""

    signature = "input_dataset: variant -> batch_size: int64[]"

    def eager(self, input_dataset):
        return np.array(input_dataset.batch_size(), np.int64)


class DatasetToSingleElement(Op):
    """The components of the only element of a dataset."""

    flow = Flow(iteration="elements")
    signature = "dataset: variant -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""
    stateful = True

    def eager(self, dataset):
        dataset = planned(dataset)
        run = Run(dataset.options(), dataset)
        run.goes_on = True
        try:
            elements = iter(dataset.iterate(run))
            first = next(elements, None)
            if first is None:
                raise InvalidArgumentError("Dataset was empty.")
            if next(elements, None) is not None:
                raise InvalidArgumentError("Dataset had more than one element.")
        finally:
            run.close()
        return of_types_and_shapes(self, first)


class GetElementAtIndex(Op):
    """The components of the element at a position."""

    signature = "dataset: variant, index: int64 -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]

    def eager(self, dataset, index):
        run = Run(dataset.options(), dataset)
        try:
            return of_types_and_shapes(self, dataset.at(int(index), run))
        finally:
            run.close()


class WrapDatasetVariant(Op):
    """A dataset handle that survives copies between devices: the same handle here."""

    signature = "input_handle: variant -> output_handle: variant[]"

    def eager(self, input_handle):
        return input_handle


class UnwrapDatasetVariant(Op):
    """The handle inside a wrapped one: the same handle here."""

    signature = "input_handle: variant -> output_handle: variant[]"

    def eager(self, input_handle):
        return input_handle
