"""Each process's part of a dataset, in which all take equally many steps."""

from __future__ import annotations

from typing import Any

from penstock._src.cluster.description import Cluster
from penstock._src.data import structure
from penstock._src.data.dataset import derived
from penstock._src.data.structure import compute_batch_size
from penstock._src.distribute.mirrored.datasets import DistributedDataset
from penstock._src.distribute.workers import sharding
from penstock._src.graph.static_values import constant_value
from penstock._src.ops.collective.datasets import in_step_dataset
from penstock._src.util import nest
from penstock._src.util.signatures import read_only


class WorkerDataset(DistributedDataset):
    """A process's part of a dataset.

    Args:
      original: what was distributed.
      part: its part, in whose elements all processes step together.
    """

    def __init__(self, original: Any, part: Any) -> None:
        self._original, self._dataset, self._replicas = original, part, 1

    element_spec = read_only("_dataset.element_spec", "The structure of TypeSpecs of the elements.")


def of_worker(dataset: Any, cluster: Cluster) -> WorkerDataset:
    """Returns a process's part of a dataset of batches for all replicas together."""
    size = constant_value(compute_batch_size(dataset))
    if size is not None and int(size) > 0:
        sizes = sharding.batch_sizes_for_worker(int(size), cluster.size, 1, cluster.rank)
        own = dataset.rebatch(sizes)
    else:
        own = sharding.split_batches(dataset, cluster.size)
    own = sharding.auto_shard_unless_off(own, cluster.size, cluster.rank, cluster.size)
    return WorkerDataset(dataset, _in_step(own))


def in_step(dataset: Any) -> WorkerDataset:
    """Returns a dataset of a process's own batches, in which all processes take equally many steps."""
    return WorkerDataset(dataset, _in_step(dataset))


def _in_step(dataset: Any) -> Any:
    spec = nest.map_structure(any_size, dataset.element_spec)
    variant = in_step_dataset(
        input_dataset=dataset._variant_tensor,
        output_types=structure.flat_types(spec),
        output_shapes=structure.flat_shapes(spec),
    )
    return derived("_InStepDataset", variant, spec, dataset)


def any_size(leaf: Any) -> Any:
    """Returns the type of batches that may have any number of rows."""
    shape = getattr(leaf, "shape", None)
    if shape is None or shape.rank == 0:
        return leaf
    return structure.batched(structure.unbatched(leaf), None)
