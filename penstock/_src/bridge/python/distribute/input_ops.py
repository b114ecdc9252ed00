"""Datasets of workers: `tensorflow.python.distribute.input_ops`."""

from __future__ import annotations

from typing import Any

from penstock._src.core.registry import raw
from penstock._src.data.dataset import derived
from penstock._src.distribute.workers import sharding


def auto_shard_dataset(
    dataset: Any, num_shards: Any, index: Any, num_replicas_in_sync: int | None = None
) -> Any:
    """Returns shard `index` of `num_shards` of a dataset, divided as its options say."""
    return sharding.auto_shard_unless_off(dataset, num_shards, index, num_replicas_in_sync)


def _clone_dataset(dataset: Any) -> Any:
    """Returns another dataset of the same elements."""
    variant = raw.Identity(input=dataset._variant_tensor)
    return derived("_VariantDataset", variant, dataset.element_spec, dataset)
