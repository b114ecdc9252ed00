"""Values that each worker has of its own: datasets, iterators, and the number of the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import SCALAR
from penstock._src.core.values.resources import RemoteResource
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset
from penstock._src.data.graph_defs import rebuilt
from penstock._src.data.iterator import OwnedIterator
from penstock._src.distribute.cluster.parameter_server.closures import RemoteValue
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util.export import export


class PerWorkerResource(RemoteResource):
    """A resource of which each worker has a copy. The coordinator's functions are traced with this object.

    Args:
      name: for messages.
      make: makes it in a task, on its first use there, and again where the task was restarted.
    """

    def __init__(self, name: str, make: Callable[[Any], RemoteResource]) -> None:
        super().__init__(name)
        self._make = make
        self._made: dict[str, tuple[int, RemoteResource]] = {}

    def of(self, task: Any) -> RemoteResource:
        """Returns the resource of a task."""
        incarnation = task.incarnation
        entry = self._made.get(task.name)
        if entry is None or entry[0] != incarnation:
            entry = self._made[task.name] = incarnation, self._make(task)
        return entry[1]

    def run(self, op: Op, values: Sequence[Any]) -> Any:
        """Raises UnimplementedError: the coordinator has none of it."""
        raise UnimplementedError(
            f"{op.op_type}: each worker has its own '{self.name}'. Use it within functions that "
            "`ClusterCoordinator.schedule` sends to workers."
        )


@export(
    "distribute.coordinator.PerWorkerValue",
    "distribute.experimental.coordinator.PerWorkerValues",
    v1=[],
)
class PerWorkerValues(CompositeTensor):
    """A RemoteValue per worker.

    Args:
      values: RemoteValues.

    Raises:
      AssertionError: a value is not a RemoteValue.
    """

    def __init__(self, values: Any) -> None:
        for value in values:
            if not isinstance(value, RemoteValue):
                raise AssertionError("`PerWorkerValues` should only take `RemoteValue`s.")
        self._values = tuple(values)

    @property
    def _type_spec(self) -> Any:
        raise UnimplementedError("PerWorkerValues: values of workers have no common type.")


class RemoteIterator(RemoteValue):
    """The iterator of one worker."""

    def fetch(self) -> Any:
        """Raises UnimplementedError: an iterator stays where it is."""
        raise UnimplementedError("The iterator of a worker cannot be fetched.")

    get = fetch


class PerWorkerDistributedIterator(OwnedIterator, PerWorkerValues):
    """An iterator on each worker, for functions that are scheduled.

    Args:
      resource: of each worker.
      element_spec: the structure of TypeSpecs of the elements.
      workers: how many there are.
    """

    def __init__(self, resource: PerWorkerResource, element_spec: Any, workers: int) -> None:
        OwnedIterator.__init__(
            self, components=EagerTensor(resource, dtypes.resource), element_spec=element_spec
        )
        PerWorkerValues.__init__(self, [RemoteIterator() for _ in range(workers)])
        self._handle = None  # elements come from ops alone, which run on workers

    def get_next(self, device: Any = None) -> Any:
        """Returns the next element, within a function that is traced.

        Raises:
          UnimplementedError: it is called by the coordinator itself.
        """
        return super().get_next()

    def __next__(self) -> Any:
        return self.get_next()

    next = __next__


class PerWorkerDataset:
    """A dataset on each worker: `iter` gives an iterator for functions that are scheduled.

    Args:
      concrete: the concrete function that returns an iterator's resource.
      spec: the structure of TypeSpecs of the elements.
      run: run(task, concrete) runs a concrete function on a worker's task.
      workers: the number of workers.
    """

    def __init__(self, concrete: Any, spec: Any, run: Callable[..., Any], workers: int) -> None:
        self._concrete, self._spec, self._run, self._workers = concrete, spec, run, workers

    @property
    def element_spec(self) -> Any:
        """The structure of TypeSpecs of the elements."""
        return self._spec

    def __iter__(self) -> PerWorkerDistributedIterator:
        if STATE.graph is not None:
            raise RuntimeError(
                "Creating an iterator within a tf.function is not supported: create it outside, and pass it as an argument."
            )
        concrete, run = self._concrete, self._run

        def make(task: Any) -> RemoteResource:
            (resource,) = run(task, concrete)
            return resource  # type: ignore[no-any-return]

        resource = PerWorkerResource("iterator", make)
        return PerWorkerDistributedIterator(resource, self._spec, self._workers)


def iterator_of(dataset: Any, is_made_here: bool = False) -> Any:
    """Returns the resource of a new iterator over a dataset, in the function that is traced.

    Args:
      dataset: a Dataset.
      is_made_here: whether the coordinator has made it, and each worker is to make its own.
    """
    if not isinstance(dataset, Dataset):
        raise TypeError(
            f"create_per_worker_dataset: expected a tf.data.Dataset, or a function that returns one. Received {dataset!r}."
        )
    spec = dataset.element_spec
    iterator = raw.AnonymousIteratorV3(
        output_types=structure.flat_types(spec), output_shapes=structure.flat_shapes(spec)
    )
    variant = dataset._variant_tensor
    raw.MakeIterator(dataset=rebuilt(variant, {}) if is_made_here else variant, iterator=iterator)
    return iterator


def read_scalar(resource: PerWorkerResource) -> Any:
    """Returns the value of each worker's scalar variable (int64), in the function that is traced."""
    handle = EagerTensor(resource, dtypes.resource)
    handle._handle_data = [(SCALAR, dtypes.int64)]
    return raw.ReadVariableOp(resource=handle, dtype=dtypes.int64)
