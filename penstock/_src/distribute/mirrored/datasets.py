"""Datasets with elements split into one part for each replica."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core.calls.placement import POLICY
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.specs import TypeSpec
from penstock._src.data.dataset import DatasetSpec
from penstock._src.data.iterator import IteratorSpec, OwnedIterator
from penstock._src.distribute.mirrored import batches
from penstock._src.distribute.values import PerReplica
from penstock._src.eager.placed.logical import all_placed
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("distribute.DistributedIterator", v1=[])
class DistributedIterator(OwnedIterator):
    """An iterator over a distributed dataset. Its elements hold a part for each replica.

    Args:
      dataset: a dataset to iterate over.
      components: the parts of an iterator that is rebuilt.
      element_spec: the spec of its elements.

    >>> strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    >>> dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(4).batch(2))
    >>> next(iter(dataset)).numpy()
    array([0, 1])
    """

    def __init__(self, dataset: Any = None, components: Any = None, element_spec: Any = None):
        super().__init__(dataset, components, element_spec)
        self._spec = DistributedIteratorSpec(self._element_spec)


class DistributedIteratorSpec(IteratorSpec):
    """The type of a DistributedIterator."""

    value_type = property(lambda _: DistributedIterator, doc="The class of the values.")

    def _from_components(self, components: Any) -> DistributedIterator:
        return DistributedIterator(components=components, element_spec=self._element_spec)


class DistributedDatasetSpec(TypeSpec):
    """The type of a DistributedDataset: a function is traced once for all datasets of equal elements and devices."""

    def __init__(
        self, kind: type, element_spec: Any, original_spec: Any, replicas: int, devices: Any
    ) -> None:
        self._kind, self._element_spec, self._original_spec = kind, element_spec, original_spec
        self._replicas, self._devices = replicas, tuple(devices)

    value_type = property(lambda self: self._kind, doc="The class of the values.")
    element_spec = read_only("_element_spec", "The structure of TypeSpecs of the elements.")

    def _serialize(self) -> tuple[Any, ...]:
        return self._kind, self._element_spec, self._original_spec, self._replicas, self._devices

    @property
    def _component_specs(self) -> Any:
        return DatasetSpec(self._original_spec)

    def _to_components(self, value: "DistributedDataset") -> Any:
        return value._original

    def _from_components(self, components: Any) -> Any:
        return self._kind(components, self._replicas, self._devices)


@export("distribute.DistributedDataset", v1=[])
class DistributedDataset(CompositeTensor):
    """A dataset distributed over the replicas of a strategy.

    Args:
      dataset: a dataset of batches; each is split into one part for each replica, the larger parts first.
      replicas: the number of replicas.
      devices: the names of their devices, for the parts of elements.

    >>> strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    >>> dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(4).batch(2))
    >>> [batch.numpy() for batch in dataset]
    [array([0, 1]), array([2, 3])]
    """

    def __init__(self, dataset: Any, replicas: int, devices: Sequence[str] = ()) -> None:
        self._original, self._replicas, self._devices = dataset, replicas, tuple(devices)
        self._dataset = dataset.map(lambda *element: batches.cut(_element(element), replicas))

    def __iter__(self) -> Iterator[Any]:
        iterator = DistributedIterator(self._iterated())
        if POLICY.cpus > 1 and self._devices:
            iterator._pack = _placing_parts(iterator._pack, self._devices)
        return iterator

    @property
    def _type_spec(self) -> DistributedDatasetSpec:
        original = self._original.element_spec
        return DistributedDatasetSpec(
            type(self), self.element_spec, original, self._replicas, self._devices
        )

    def _iterated(self) -> Any:
        """The dataset of parts over which an iterator goes."""
        return self._dataset

    element_spec = read_only("_dataset.element_spec", "The structure of TypeSpecs of the elements.")

    @property
    def cardinality(self) -> Any:
        """The number of elements."""
        return self._original.cardinality()

    def __len__(self) -> int:
        return len(self._original)

    def reduce(self, initial_state: Any, reduce_func: Any) -> Any:
        """Returns what a function accumulates over all elements.

        Args:
          initial_state: what to begin with.
          reduce_func: a function of the state and an element that returns the next state.

        Returns:
          The last state.
        """
        state = nest.map_structure(convert_to_tensor, initial_state)
        if executing_eagerly():
            for element in self:
                state = reduce_func(state, element)
            return nest.map_structure(convert_to_tensor, state)
        return self._iterated().reduce(
            state, lambda state, *element: reduce_func(state, _element(element))
        )


class DatasetOfEach(DistributedDataset):
    """A dataset of per-replica batches: successive elements go to the replicas in turn.

    Where elements run out within a turn, the replicas that are left get elements of no rows, so none is lost. As in TensorFlow, an iterator
    outside of functions ends before such a turn if all shapes are known.
    """

    def __init__(self, dataset: Any, replicas: int, devices: Sequence[str] = ()) -> None:
        self._original, self._replicas, self._devices = dataset, replicas, tuple(devices)
        spec = dataset.element_spec
        if all(batches.has_known_rows(leaf) for leaf in nest.flatten(spec)):
            grouped = dataset.batch(replicas, drop_remainder=True)
            self._dataset = grouped.map(
                lambda *element: batches.unstack(_element(element), replicas)
            )
        else:
            self._dataset = self._of_turns()

    def _iterated(self) -> Any:
        return self._dataset if executing_eagerly() else self._of_turns()

    def _of_turns(self) -> Any:
        """The elements of each turn, which need not have the same shapes."""
        spec = self._original.element_spec
        turns = self._original.map(lambda *element: batches.held(spec, _element(element)))
        return turns.batch(self._replicas).map(
            lambda turn: batches.released(spec, turn, self._replicas)
        )


def _placing_parts(pack: Callable[..., Any], devices: Sequence[str]) -> Callable[..., Any]:
    """A function that puts the parts of an element on the logical CPUs of their replicas."""

    def place(leaf: Any) -> Any:
        if not isinstance(leaf, PerReplica):
            return leaf
        parts = zip(leaf.values, devices, strict=True)
        return PerReplica(tuple(all_placed(part, device) for part, device in parts))

    return lambda element: nest.map_structure(place, pack(element))


def _element(args: tuple[Any, ...]) -> Any:
    """Combines the arguments of a dataset's function into one element."""
    return args[0] if len(args) == 1 else args
