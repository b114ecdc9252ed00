"""Dataset ops that are hints without effect on elements, such as optimizations or thread pools.

Penstock's pipelines ignore the hints and pass the elements on.
"""

import time

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.basic import PassOn
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import Applied
from penstock._src.ops.data.pipeline import Pipeline, UnnamedDatasetOp
from penstock._src.ops.dataflow.reader import NO_LMDB
from penstock._src.ops.variants import variant


class _Same(UnnamedDatasetOp):
    """The same elements."""

    def pipeline(self, input_dataset, *_asked):
        return PassOn(input_dataset)


class OptimizeDataset(_Same):
    """The same elements; requests optimizations of the pipeline."""

    signature = "input_dataset: variant, optimizations: string -> handle: variant"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    optimization_configs: list[str] = []


class OptimizeDatasetV2(_Same):
    """The same elements; requests optimizations of the pipeline."""

    signature = """input_dataset: variant, optimizations_enabled: string,
        optimizations_disabled: string, optimizations_default: string -> handle: variant"""
    output_types: list[DType]
    output_shapes: list[TensorShape]
    optimization_configs: list[str] = []


class FinalizeDataset(_Same):
    """The same elements; marks the pipeline as complete."""

    signature = "input_dataset: variant -> handle: variant"
    has_captured_ref: bool = False


class RewriteDataset(_Same):
    """The same elements; requests a named rewrite of the pipeline."""

    signature = "input_dataset: variant, rewrite_name: string -> handle: variant"


class ThreadPoolDataset(_Same):
    """The same elements, to be made by the threads of a pool."""

    signature = "input_dataset: variant, thread_pool: resource -> handle: variant"


class ExperimentalThreadPoolDataset(_Same):
    """The same elements, to be made by the threads of a pool."""

    signature = "input_dataset: variant, thread_pool: resource -> handle: variant"


class ThreadPoolHandle(Op):
    """A pool of threads."""

    signature = "-> handle: resource[]"
    num_threads: int
    max_intra_op_parallelism: int = 1
    display_name: str
    container: str = ""
    shared_name: str = ""

    def eager(self):
        if self.num_threads >= 65536:
            raise self.invalid(f"`num_threads` must be < 65536. Received {self.num_threads}")
        return Resource(self.display_name, self.container)


variant("ExperimentalThreadPoolHandle", ThreadPoolHandle)


class _Sleep(Pipeline):
    keeps_batches = True

    def __init__(self, source, microseconds):
        self.inputs, self.seconds = (source,), microseconds / 1e6

    def iterate(self, run):
        return Applied(self.inputs[0].iterate(run), self.later)

    def later(self, element):
        time.sleep(self.seconds)
        return element


class SleepDataset(UnnamedDatasetOp):
    """The same elements, each after a while."""

    signature = "input_dataset: variant, sleep_microseconds: int64 -> handle: variant"

    def pipeline(self, input_dataset, sleep_microseconds):
        return _Sleep(input_dataset, int(sleep_microseconds))


variant("ExperimentalSleepDataset", SleepDataset)


class _ChosenOnce(Pipeline):
    def __init__(self, sources):
        self.inputs = tuple(sources)

    def cardinality(self):
        return self.inputs[0].cardinality()

    def iterate(self, run):
        return self.inputs[0].iterate(run)


class ChooseFastestDataset(UnnamedDatasetOp):
    """The elements of one of several equal datasets."""

    signature = "input_datasets: N * variant -> handle: variant"
    num_experiments: int

    def pipeline(self, input_datasets):
        if len({source.cardinality() for source in input_datasets}) > 1:
            raise self.invalid("the datasets must have the same number of elements.")
        return _ChosenOnce(input_datasets)


variant("ExperimentalChooseFastestDataset", ChooseFastestDataset)


class ChooseFastestBranchDataset(UnnamedDatasetOp):
    """Applies one of several equivalent functions to the input; always the first.

    TensorFlow times each on `num_elements_per_branch` elements and continues with the fastest.
    """

    signature = """input_dataset: variant, ratio_numerator: int64, ratio_denominator: int64,
        other_arguments: *Targuments -> handle: variant"""
    Targuments: list[DType]
    num_elements_per_branch: int
    branches: list[Function]
    other_arguments_lengths: list[int]
    minimum = {"num_elements_per_branch": 1, "branches": 1, "other_arguments_lengths": 1}

    def pipeline(self, input_dataset, ratio_numerator, ratio_denominator, other_arguments):
        if int(ratio_numerator) <= 0 or int(ratio_denominator) <= 0:
            raise InvalidArgumentError("`ratio_numerator` and `ratio_denominator` must be > 0.")
        if self.num_elements_per_branch % int(ratio_denominator):
            raise InvalidArgumentError(
                "`num_elements_per_branch` must be divisible by `ratio_denominator`."
            )
        if len(self.branches) != len(self.other_arguments_lengths):
            raise InvalidArgumentError(
                "`branches` and `other_arguments_lengths` must have the same length."
            )
        captured = other_arguments[: self.other_arguments_lengths[0]]
        (dataset,) = bound(self.branches[0], list(captured))(input_dataset)
        return dataset[()] if isinstance(dataset, np.ndarray) else dataset


class _Removed(UnnamedDatasetOp):
    """A dataset that TensorFlow no longer supports."""

    stateful = True

    def pipeline(self, filenames):
        del filenames
        raise UnimplementedError(NO_LMDB)


class LMDBDataset(_Removed):
    """Refused, as TensorFlow 2.21 refuses it."""

    signature = "filenames: string -> handle: variant"


class ExperimentalLMDBDataset(_Removed):
    """Refused, as TensorFlow 2.21 refuses it."""

    signature = "filenames: string -> handle: variant"
