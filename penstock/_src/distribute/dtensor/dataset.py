"""DTensorDataset: batches of a dataset as DTensors."""

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.data.dataset import Dataset
from penstock._src.data.iterator import IteratorSpec, OwnedIterator
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

    def __iter__(self) -> "DTensorIterator":  # type: ignore[override]
        return DTensorIterator(self._batches, self._layouts)


class DTensorIterator(OwnedIterator):
    """An iterator over batches that gives them in layouts, in functions too.

    Args:
      dataset: the batches.
      layouts: a Layout for each component of an element.
      components, element_spec: instead of the dataset, the handle of an iterator and the types of its elements.
    """

    def __init__(
        self, dataset: Any, layouts: Any, components: Any = None, element_spec: Any = None
    ) -> None:
        super().__init__(dataset, components, element_spec)
        self._layouts = layouts
        self._spec = DTensorIteratorSpec(self._element_spec, layouts)
        # Eager batches are made of the handle's elements by this.
        pack = self._pack
        self._pack = lambda element: self._laid_out(pack(element))

    def _laid_out(self, batch: Any) -> Any:
        return nest.map_structure(relayout, batch, self._layouts)

    def get_next(self) -> Any:
        """Returns the next batch as DTensors.

        Raises:
          tf.errors.OutOfRangeError: there is none.
        """
        batch = super().get_next()
        return batch if STATE.graph is None else self._laid_out(batch)

    _next_internal = get_next


class DTensorIteratorSpec(IteratorSpec):
    """The type of an iterator that gives batches in layouts.

    Args:
      element_spec: the types of the batches.
      layouts: a Layout for each component.
    """

    def __init__(self, element_spec: Any, layouts: Any) -> None:
        super().__init__(element_spec)
        self._layouts = layouts

    value_type = property(lambda _: DTensorIterator, doc="The class of the values.")

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_spec, nest.map_structure(
            lambda layout: layout.to_string(), self._layouts
        )

    def _from_components(self, components: Any) -> DTensorIterator:
        return DTensorIterator(None, self._layouts, components, self._element_spec)


def _check_batches(dataset: Dataset, size: int) -> None:
    for spec in nest.flatten(dataset.element_spec):
        batch_size = spec.shape[0]
        if batch_size is None:
            raise ValueError(
                f"Size of batch dimension of element spec {spec} is None. Ensure "
                "drop_remainder=True when batching the dataset."
            )
        if batch_size != size:
            raise ValueError(
                f"global_batch_size does not match the dataset's batches of {batch_size}. Received: "
                f"{size}."
            )
