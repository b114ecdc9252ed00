"""Datasets for several workers and replicas: `tensorflow.python.data.experimental.ops.distribute`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.data import structure
from penstock._src.data.dataset import DatasetV2, derived
from penstock._src.data.structure import compute_batch_size
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest


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
        spec = input_dataset.element_spec
        policy = input_dataset.options().experimental_distribute.auto_shard_policy
        variant = raw.AutoShardDataset(
            input_dataset._variant_tensor,
            convert_to_tensor(num_workers, dtypes.int64),
            convert_to_tensor(index, dtypes.int64),
            auto_shard_policy=int(policy),
            num_replicas=num_replicas or 0,
            output_types=structure.flat_types(spec),
            output_shapes=structure.flat_shapes(spec),
        )
        return derived("_AutoShardDataset", variant, spec, input_dataset)


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
        whole = input_dataset.element_spec

        def part(leaf: Any) -> Any:
            size = _size(leaf, num_replicas)
            return structure.batched(structure.unbatched(leaf), size)

        spec = nest.map_structure(part, whole)
        source = input_dataset
        if not all(map(structure.is_dense, nest.flatten(whole))):
            source = input_dataset._rows_as_variants()
        variant = raw.RebatchDataset(
            source._variant_tensor,
            convert_to_tensor(num_replicas, dtypes.int64),
            output_types=structure.flat_types(spec),
            output_shapes=structure.flat_shapes(spec),
        )
        return derived("_LegacyRebatchDataset", variant, spec, input_dataset)


def _size(spec: Any, parts: int) -> int | None:
    """The static size of parts of batches; None where it may vary."""
    shape = getattr(spec, "shape", None)
    if shape is None or shape.rank is None:
        return None
    if shape.rank < 1:
        raise ValueError(
            "Invalid `input_dataset`. Expected a dataset whose elements have rank >= 1 but found a "
            "dataset whose elements are scalars. Fix the issue by adding the `batch` transformation "
            "to the dataset."
        )
    return shape[0] // parts if shape[0] is not None and shape[0] % parts == 0 else None


def replicate(dataset: Any, devices: Sequence[str]) -> dict[str, Any]:
    """Returns a dataset of the same elements for each device. There is one memory: they are the dataset itself.

    Raises:
      TypeError: it is no dataset.
    """
    if not isinstance(dataset, DatasetV2):
        raise TypeError(
            f"Invalid `dataset`. Expected a `tf.data.Dataset` object but got {type(dataset)}."
        )
    return dict.fromkeys(devices, dataset)


def batch_sizes_for_worker(
    global_batch_size: Any, num_workers: int, num_replicas_per_worker: int, worker_index: int
) -> Any:
    """Returns the sizes into which a worker splits its batches, so that all replicas together take a global batch in a step.

    Args:
      global_batch_size: the rows of a step, of all replicas.
      num_workers: how many workers there are.
      num_replicas_per_worker: how many replicas each has.
      worker_index: of the worker; each begins the cycle of sizes at another place.
    """
    count = num_workers * num_replicas_per_worker
    offset = worker_index * num_replicas_per_worker
    known = constant_value(convert_to_tensor(global_batch_size, dtypes.int64))
    if known is not None:
        small, larger = divmod(int(known), count)
        sizes = [small + (position < larger) for position in range(count)]
        return convert_to_tensor(sizes[offset:] + sizes[:offset], dtypes.int64, name="batch_sizes")
    total = raw.Cast(x=convert_to_tensor(global_batch_size), DstT=dtypes.int64)
    places = raw.Range(
        start=convert_to_tensor(0, dtypes.int64),
        limit=convert_to_tensor(count, dtypes.int64),
        delta=convert_to_tensor(1, dtypes.int64),
    )
    larger = raw.Cast(x=places < total % count, DstT=dtypes.int64)
    return raw.Roll(input=total // count + larger, shift=-offset, axis=0)
