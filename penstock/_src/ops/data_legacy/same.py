"""Dataset ops that ask for something that changes no element: an optimisation, a pool of threads.

Penstock's pipelines arrange themselves; what is asked for is taken note of, and the elements pass on.
"""

import time

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.basic import PassOn, _Shard
from penstock._src.ops.data.pipeline import Pipeline, UnnamedDatasetOp


class _Same(UnnamedDatasetOp):
    """The same elements."""

    is_abstract = True

    def pipeline(self, input_dataset, *_asked):
        return PassOn(input_dataset)


def shard(self, input_dataset, num_workers, index):
    """What both AutoShardDatasets make."""
    count, at = int(num_workers), int(index)
    if count <= 0 or not 0 <= at < count:
        raise InvalidArgumentError(
            f"{self.op_type}: index must be between 0 and num_workers - 1. Received index={at}, "
            f"num_workers={count}"
        )
    return PassOn(input_dataset) if count == 1 else _Shard(input_dataset, count, at, False)


class OptimizeDataset(_Same):
    """The same elements, to be made by a pipeline with certain optimisations."""

    signature = "input_dataset: variant, optimizations: string -> handle: variant"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    optimization_configs: list[str] = []


class OptimizeDatasetV2(_Same):
    """The same elements, to be made by a pipeline with certain optimisations."""

    signature = (
        "input_dataset: variant, optimizations_enabled: string, optimizations_disabled: string, "
        "optimizations_default: string -> handle: variant"
    )
    output_types: list[DType]
    output_shapes: list[TensorShape]
    optimization_configs: list[str] = []


class FinalizeDataset(_Same):
    """The same elements, of a pipeline that is complete."""

    signature = "input_dataset: variant -> handle: variant"
    has_captured_ref: bool = False


class RewriteDataset(_Same):
    """The same elements, of a pipeline rewritten by a rule of that name."""

    signature = "input_dataset: variant, rewrite_name: string -> handle: variant"


class ThreadPoolDataset(_Same):
    """The same elements, to be made by the threads of a pool."""

    signature = "input_dataset: variant, thread_pool: resource -> handle: variant"
    stateful = True


class ExperimentalThreadPoolDataset(_Same):
    """The same elements, to be made by the threads of a pool."""

    signature = "input_dataset: variant, thread_pool: resource -> handle: variant"
    stateful = True


class AutoShardDataset(_Same):
    """The elements of one of `num_workers` shards."""

    signature = "input_dataset: variant, num_workers: int64, index: int64 -> handle: variant"
    auto_shard_policy: int = 0
    output_types: list[DType]
    output_shapes: list[TensorShape]
    num_replicas: int = 0
    pipeline = shard


class ExperimentalAutoShardDataset(_Same):
    """The elements of one of `num_workers` shards."""

    signature = "input_dataset: variant, num_workers: int64, index: int64 -> handle: variant"
    auto_shard_policy: int = 0
    pipeline = shard


class ThreadPoolHandle(Op):
    """A pool of threads."""

    signature = "-> handle: resource"
    num_threads: int
    max_intra_op_parallelism: int = 1
    display_name: str
    container: str = ""
    shared_name: str = ""
    stateful = True

    def shape(self):
        return ()

    def eager(self):
        return Resource(self.display_name, self.container)


class ExperimentalThreadPoolHandle(ThreadPoolHandle):
    """Twin of ThreadPoolHandle."""

    signature = "-> handle: resource"


class _Sleep(Pipeline):
    keeps_batches = True

    def __init__(self, source, microseconds):
        self.inputs, self.seconds = (source,), microseconds / 1e6

    def iterate(self, run):
        for element in self.inputs[0].iterate(run):
            time.sleep(self.seconds)
            yield element


class SleepDataset(UnnamedDatasetOp):
    """The same elements, each after a while."""

    signature = "input_dataset: variant, sleep_microseconds: int64 -> handle: variant"

    def pipeline(self, input_dataset, sleep_microseconds):
        return _Sleep(input_dataset, int(sleep_microseconds))


class ExperimentalSleepDataset(SleepDataset):
    """Twin of SleepDataset."""

    signature = "input_dataset: variant, sleep_microseconds: int64 -> handle: variant"


class _ChosenOnce(Pipeline):
    def __init__(self, sources):
        self.inputs = tuple(sources)

    def cardinality(self):
        return self.inputs[0].cardinality()

    def iterate(self, run):
        return self.inputs[0].iterate(run)


class ChooseFastestDataset(UnnamedDatasetOp):
    """The elements of one of several datasets that have the same."""

    signature = "input_datasets: N * variant -> handle: variant"
    num_experiments: int

    def pipeline(self, input_datasets):
        if len({source.cardinality() for source in input_datasets}) > 1:
            raise InvalidArgumentError(
                f"{self.op_type}: the datasets must have the same number of elements."
            )
        return _ChosenOnce(input_datasets)


class ExperimentalChooseFastestDataset(ChooseFastestDataset):
    """Twin of ChooseFastestDataset."""

    signature = "input_datasets: N * variant -> handle: variant"
