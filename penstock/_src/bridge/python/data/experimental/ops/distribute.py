"""Datasets for several workers and replicas: `tensorflow.python.data.experimental.ops.distribute`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.data.dataset import DatasetV2
from penstock._src.data.structure import compute_batch_size
from penstock._src.distribute.workers import sharding


class _ShardOf(type):
    """Makes a call of the class return a dataset."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, DatasetV2) and type(instance).__name__ == cls.__name__


class _AutoShardDataset(metaclass=_ShardOf):
    """The part of a dataset for one of `num_workers` workers, as the dataset's options say."""

    def __new__(
        cls, input_dataset: Any, num_workers: Any, index: Any, num_replicas: int | None = None
    ) -> Any:
        """Returns the dataset.

        Args:
          input_dataset: the dataset.
          num_workers: how many workers there are.
          index: of the worker.
          num_replicas: of all workers.
        """
        return sharding.auto_shard(input_dataset, num_workers, index, num_replicas)


_AutoShardDatasetV1 = _AutoShardDataset


class _LegacyRebatchDataset(metaclass=_ShardOf):
    """Batches split into as many parts as there are replicas; some may be empty."""

    def __new__(cls, input_dataset: Any, num_replicas: int) -> Any:
        """Returns the dataset.

        Args:
          input_dataset: a dataset of batches.
          num_replicas: into how many parts each is split.

        Raises:
          ValueError: elements are scalars.
        """
        return sharding.split_batches(input_dataset, num_replicas)


def replicate(dataset: Any, devices: Sequence[str]) -> dict[str, Any]:
    """Returns a dataset of the same elements for each device. There is one memory: they are the dataset itself.

    Raises:
      TypeError: it is not a dataset.
    """
    if not isinstance(dataset, DatasetV2):
        raise TypeError(
            f"Invalid `dataset`. Expected a `tf.data.Dataset` object but got {type(dataset)}."
        )
    return dict.fromkeys(devices, dataset)


batch_sizes_for_worker = sharding.batch_sizes_for_worker
