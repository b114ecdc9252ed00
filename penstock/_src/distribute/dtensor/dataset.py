"""DTensorDataset: batches of a dataset as DTensors."""

from collections.abc import Iterator
from typing import Any

from penstock._src.data.dataset import Dataset
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.tensors import relayout
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("experimental.dtensor.DTensorDataset")
class DTensorDataset(Dataset):
    """The batches of a dataset, sharded over a mesh.

    Args:
      dataset: a dataset of single elements, or of batches of the global size.
      mesh: the mesh.
      layouts: a Layout for each component of an element.
      global_batch_size: the size of the batches over all devices.
      dataset_already_batched: whether the elements of `dataset` are batches.
      batch_dim: the mesh dimension along which batches are sharded.
      prefetch: how many batches are prefetched.
      tf_data_service_config: not supported.

    Raises:
      ValueError: the mesh has no such dimension, or the batch size does not fit.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        mesh: Mesh,
        layouts: Any,
        global_batch_size: int,
        dataset_already_batched: bool = False,
        batch_dim: str | None = None,
        prefetch: int | None = None,
        tf_data_service_config: Any = None,
    ) -> None:
        if tf_data_service_config is not None:
            raise ValueError("DTensorDataset: a tf.data service is not supported.")
        parts = 1 if batch_dim is None else mesh[batch_dim].size
        if global_batch_size % parts:
            raise ValueError(
                f"global_batch_size ({global_batch_size}) must be divisible by the number of "
                f"shards of the batch dimension ({parts})."
            )
        if dataset_already_batched:
            _check_batches(dataset, global_batch_size)
        else:
            dataset = dataset.batch(global_batch_size, drop_remainder=True)
        if prefetch is not None:
            dataset = dataset.prefetch(prefetch)
        self._batches, self._layouts = dataset, layouts
        super().__init__(dataset._variant_tensor)

    def _inputs(self) -> list[Any]:
        return [self._batches]

    element_spec = read_only("_batches.element_spec", "The types of the batches.")

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for batch in self._batches:
            yield nest.map_structure(relayout, batch, self._layouts)


def _check_batches(dataset: Dataset, size: int) -> None:
    for spec in nest.flatten(dataset.element_spec):
        found = spec.shape[0]
        if found is None:
            raise ValueError(
                f"Size of batch dimension of element spec {spec} is None. Ensure "
                "drop_remainder=True when batching the dataset."
            )
        if found != size:
            raise ValueError(
                f"global_batch_size does not match the dataset's batches of {found}. Received: "
                f"{size}."
            )
