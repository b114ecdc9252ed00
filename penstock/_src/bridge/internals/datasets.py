"""TensorFlow's private dataset classes, one for each source, and what its input pipeline tells Keras."""

from __future__ import annotations

from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.data.dataset import DatasetV2


class MadeBy(type):
    """A class whose instances are the datasets of one source, recognized by the name of the dataset's class."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, DatasetV2) and type(instance).__name__ == cls.__name__


class _TensorDataset(metaclass=MadeBy):
    """Datasets of `from_tensors`."""


class _TensorSliceDataset(metaclass=MadeBy):
    """Datasets of `from_tensor_slices`."""


class _SparseTensorSliceDataset(metaclass=MadeBy):
    """Datasets of the slices of a sparse tensor."""


class _GeneratorDataset(metaclass=MadeBy):
    """Datasets of `from_generator`."""


class _RangeDataset(metaclass=MadeBy):
    """Datasets of `range`."""


def auto_shard_dataset(
    dataset: Any, num_shards: int, index: int, num_replicas_in_sync: int | None = None
) -> Any:
    """Returns shard `index` of `num_shards` of a dataset."""
    del num_replicas_in_sync
    return dataset.shard(num_shards, index) if num_shards > 1 else dataset


def _get_dataset_attributes(dataset: Any) -> tuple[Any, ...]:
    """Raises UnimplementedError: Keras's distributed loops of TensorFlow 1 are not supported."""
    raise UnimplementedError(
        f"_get_dataset_attributes: {dataset!r} keeps no batch size for TensorFlow 1's loops."
    )
