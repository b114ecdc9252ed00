"""AutoShardDataset: one worker's part of a dataset, by files, by elements, or where the program says."""

from __future__ import annotations

import copy
from typing import Any

from penstock._src.core.calls.facts import Definition
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.basic import SHARD_HINT, PassOn, _Shard, too_few_files
from penstock._src.ops.data.batch import _Rebatch
from penstock._src.ops.data.pipeline import Pipeline, UnnamedDatasetOp
from penstock._src.ops.data.prefetch import _Prefetch
from penstock._src.ops.data.readers.files import FromFiles
from penstock._src.ops.data.shuffle import _Shuffle
from penstock._src.ops.data_legacy.legacy import SplitBatches
from penstock._src.ops.data_planner.plan import with_inputs

OFF, AUTO, FILE, DATA, HINT = -1, 0, 1, 2, 3
_READERS = frozenset(
    "TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset "
    "FixedLengthRecordDatasetV2".split()
)


def _reads_files(function: Any) -> bool:
    """True if a graph function, or one that it calls, creates a dataset of files."""
    if function is None:
        return False
    for op in function.graph._operations:
        inner = [value for value in op.raw_op.attrs.values() if hasattr(value, "graph")]
        if op.type in _READERS or any(map(_reads_files, inner)):
            return True
    return False


def _by_file(pipeline: Pipeline, workers: int, index: int) -> Pipeline:
    """Returns the pipeline with the names of files divided.

    Raises:
      NotFoundError: a source has no files.
    """
    if isinstance(pipeline, FromFiles):
        if index < len(pipeline.names) < workers:
            raise InvalidArgumentError(too_few_files(len(pipeline.names), workers))
        copied = copy.copy(pipeline)
        copied.names, copied.plan = pipeline.names[index::workers], None
        return copied
    if _reads_files(pipeline.function):
        return with_inputs(pipeline, [_names(pipeline.inputs[0], workers, index)])
    if not pipeline.inputs:
        raise NotFoundError(f"Found an unshardable source dataset: {pipeline.kind}")
    return with_inputs(pipeline, [_by_file(one, workers, index) for one in pipeline.inputs])


def _names(names: Pipeline, workers: int, index: int) -> Pipeline:
    """Returns a worker's part of the names of files: divided first, then shuffled as they were."""
    plain, shuffles = _without_shuffles(names)
    dataset: Pipeline = _like(_Shard(plain, workers, index, True), plain)
    for shuffle in shuffles:
        dataset = with_inputs(shuffle, [dataset])
    return dataset


def _without_shuffles(pipeline: Pipeline) -> tuple[Pipeline, list[Pipeline]]:
    if len(pipeline.inputs) != 1:
        return pipeline, []
    source, shuffles = _without_shuffles(pipeline.inputs[0])
    if isinstance(pipeline, _Shuffle):
        return source, [*shuffles, pipeline]
    return (with_inputs(pipeline, [source]) if shuffles else pipeline), shuffles


def _like(pipeline: Pipeline, source: Pipeline) -> Pipeline:
    pipeline.types, pipeline.shapes = source.types, source.shapes
    return pipeline


def _by_element(pipeline: Pipeline, workers: int, index: int, replicas: int) -> Pipeline:
    """Returns the pipeline divided at its end, before a last prefetch."""
    if isinstance(pipeline, _Prefetch | PassOn) and pipeline.inputs:
        inner = _by_element(pipeline.inputs[0], workers, index, replicas)
        return with_inputs(pipeline, [inner])
    whole = _split_evenly(pipeline, replicas)
    return _like(_Shard(whole, workers, index, False), whole)


def _split_evenly(pipeline: Pipeline, replicas: int) -> Pipeline:
    """Returns the pipeline with batches split for the replicas as all workers split them.

    Raises:
      InvalidArgumentError: batches are split, and the number of replicas is not known.
    """
    if not pipeline.inputs:
        return pipeline
    inputs = [_split_evenly(one, replicas) for one in pipeline.inputs]
    if not isinstance(pipeline, _Rebatch):
        return with_inputs(pipeline, inputs)
    if replicas < 1:
        raise InvalidArgumentError(
            "Cannot rewrite RebatchDatasetV2 to legacy RebatchDataset with invalid num_replicas "
            f"argument. `num_replicas` is {replicas}, but expected to be >= 1."
        )
    return _like(SplitBatches(inputs[0], replicas), pipeline)


def _by_hint(pipeline: Pipeline, workers: int, index: int) -> Pipeline:
    """Returns the pipeline divided where it has `shard(SHARD_HINT, SHARD_HINT)`."""
    if not pipeline.inputs:
        return pipeline
    dataset = with_inputs(pipeline, [_by_hint(one, workers, index) for one in pipeline.inputs])
    if isinstance(dataset, _Shard) and dataset.shards == SHARD_HINT:
        dataset = copy.copy(dataset)
        dataset.shards, dataset.index, dataset.plan = workers, index, None
    return dataset


def auto_sharded(
    pipeline: Pipeline, workers: int, index: int, policy: int, replicas: int
) -> Pipeline:
    """Returns the part of a dataset for a worker.

    Args:
      pipeline: the dataset.
      workers: how many there are.
      index: of the worker.
      policy: an AutoShardPolicy.
      replicas: of all workers.

    Raises:
      NotFoundError: it is to be divided by files and has none.
    """
    if policy == HINT:
        return _by_hint(pipeline, workers, index)
    if policy == OFF or workers == 1:
        return PassOn(pipeline)
    if policy in (AUTO, FILE):
        try:
            return _by_file(pipeline, workers, index)
        except NotFoundError:
            if policy == FILE:
                raise
    return _by_element(pipeline, workers, index, replicas)


class AutoShardDataset(UnnamedDatasetOp):
    """The elements of one of `num_workers` shards."""

    signature = "input_dataset: variant, num_workers: int64, index: int64 -> handle: variant"
    auto_shard_policy: int = 0
    output_types: list[DType]
    output_shapes: list[TensorShape]
    num_replicas: int = 0

    def pipeline(self, input_dataset, num_workers, index):
        count, at = int(num_workers), int(index)
        if count <= 0 or not 0 <= at < count:
            raise self.invalid(
                f"index must be between 0 and num_workers - 1. Received index={at}, num_workers={count}"
            )
        policy, replicas = self.auto_shard_policy, getattr(self, "num_replicas", 0)
        return auto_sharded(input_dataset, count, at, policy, replicas)


class ExperimentalAutoShardDataset(AutoShardDataset):
    """The elements of one of `num_workers` shards."""

    signature = "input_dataset: variant, num_workers: int64, index: int64 -> handle: variant"
    definition = Definition(dropped=frozenset({"num_replicas"}))
