"""The part of a dataset that a worker gets, of the replicas that step together."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.data import structure
from penstock._src.data.dataset import derived
from penstock._src.data.options import AutoShardPolicy
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest


def auto_shard(
    dataset: Any,
    workers: Any,
    index: Any,
    replicas: int | None = None,
    kind: str = "_AutoShardDataset",
) -> Any:
    """Returns a worker's shard of a dataset, divided by the dataset's options.

    Args:
      dataset: the dataset.
      workers: how many there are.
      index: of the worker.
      replicas: of all workers.
      kind: the name of the class that it is shown as.
    """
    spec = dataset.element_spec
    variant = raw.AutoShardDataset(
        dataset._variant_tensor,
        convert_to_tensor(workers, dtypes.int64),
        convert_to_tensor(index, dtypes.int64),
        auto_shard_policy=int(dataset.options().experimental_distribute.auto_shard_policy),
        num_replicas=replicas or 0,
        output_types=structure.flat_types(spec),
        output_shapes=structure.flat_shapes(spec),
    )
    return derived(kind, variant, spec, dataset)


def auto_shard_unless_off(dataset: Any, workers: Any, index: Any, replicas: int | None) -> Any:
    """Returns a worker's shard of a dataset; all of it if its options disable sharding."""
    if dataset.options().experimental_distribute.auto_shard_policy == AutoShardPolicy.OFF:
        return dataset
    return auto_shard(dataset, workers, index, replicas or 1)


def split_batches(dataset: Any, replicas: int, kind: str = "_LegacyRebatchDataset") -> Any:
    """Returns a dataset of batches with each as one part for every replica; parts may be empty.

    Args:
      dataset: of batches.
      replicas: how many there are.
      kind: the name of the class that it is shown as.

    Raises:
      ValueError: elements are scalars.
    """
    whole = dataset.element_spec

    def part(leaf: Any) -> Any:
        return structure.batched(structure.unbatched(leaf), _part_size(leaf, replicas))

    spec = nest.map_structure(part, whole)
    source = dataset
    if not all(map(structure.is_dense, nest.flatten(whole))):
        source = dataset._rows_as_variants()
    variant = raw.RebatchDataset(
        source._variant_tensor,
        convert_to_tensor(replicas, dtypes.int64),
        output_types=structure.flat_types(spec),
        output_shapes=structure.flat_shapes(spec),
    )
    return derived(kind, variant, spec, dataset)


def _part_size(spec: Any, parts: int) -> int | None:
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
