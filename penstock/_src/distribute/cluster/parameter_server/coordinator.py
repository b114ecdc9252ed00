"""tf.distribute.coordinator: scheduling functions on the workers of a ParameterServerStrategy."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building
from penstock._src.core.registry import raw
from penstock._src.core.shapes import SCALAR
from penstock._src.core.values.resources import ANONYMOUS, RemoteResource, made_by
from penstock._src.distribute.cluster.parameter_server.closures import (
    Closure,
    Closures,
    RemoteValue,
)
from penstock._src.distribute.cluster.parameter_server.own_resources import OwnResources
from penstock._src.distribute.cluster.parameter_server.per_worker import (
    PerWorkerDataset,
    PerWorkerResource,
    iterator_of,
    read_scalar,
)
from penstock._src.distribute.cluster.parameter_server.strategy import ParameterServerStrategy
from penstock._src.distribute.cluster.parameter_server.workers import SignsOfLife, Worker, run_on
from penstock._src.distribute.cluster.tasks.handles import Maker
from penstock._src.distribute.cluster.tasks.task import Task
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function, function
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

_SCHEDULE = "tf.distribute.experimental.coordinator.ClusterCoordinator.schedule"


@export(
    "distribute.coordinator.ClusterCoordinator",
    "distribute.experimental.coordinator.ClusterCoordinator",
    v1=[],
)
class ClusterCoordinator:
    """Schedules functions on the workers of a cluster; a strategy has one coordinator.

    A function is traced here and sent as a graph to whichever worker is free. If the worker is lost meanwhile, another one runs the
    function again: it runs at least once.

    Args:
      strategy: a `tf.distribute.ParameterServerStrategy`.

    Raises:
      ValueError: the strategy is another one.

    >>> try:
    ...     tf.distribute.experimental.coordinator.ClusterCoordinator(tf.distribute.get_strategy())
    ... except ValueError:
    ...     print("it needs a ParameterServerStrategy")
    it needs a ParameterServerStrategy
    """

    def __new__(cls, strategy: Any) -> ClusterCoordinator:
        """Returns the coordinator of a strategy."""
        existing = getattr(strategy, "_cluster_coordinator", None)
        return super().__new__(cls) if existing is None else existing

    def __init__(self, strategy: Any) -> None:
        if not isinstance(strategy, ParameterServerStrategy):
            raise ValueError(
                "Only `tf.distribute.experimental.ParameterServerStrategy` is supported to work "
                f"with ClusterCoordinator. Received {strategy!r}."
            )
        if getattr(strategy, "_cluster_coordinator", None) is self:
            return
        self._strategy = strategy
        strategy._cluster_coordinator = self
        tasks = strategy.extended.worker_tasks
        self._closures = Closures(len(tasks))
        self._own = OwnResources(tasks[0].tasks)
        self._workers = [Worker(task, self._closures, self._own) for task in tasks]
        signs = SignsOfLife([*tasks, *strategy.extended.server_tasks])
        for end in (self._closures.close, signs.stop):
            weakref.finalize(self, end)
        self._index = PerWorkerResource(
            "worker index", lambda task: _number(task, tasks.index(task))
        )

    strategy = read_only("_strategy", "The strategy.")

    def schedule(self, fn: Callable[..., Any], args: Any = None, kwargs: Any = None) -> Any:
        """Schedules a function to run on some worker, and returns at once.

        Args:
          fn: a `tf.function` or one of its concrete functions.
          args, kwargs: its arguments; of what `create_per_worker_dataset`'s iterators are, each worker takes its own.

        Returns:
          A `tf.distribute.experimental.coordinator.RemoteValue`.

        Raises:
          TypeError: `fn` is another callable.
          Exception: the error of a function that was scheduled before.
        """
        if not isinstance(fn, Function | ConcreteFunction):
            raise TypeError(f"`{_SCHEDULE}` only accepts a `tf.function` or a concrete function.")
        with self._strategy.scope(), _traced_for(self):
            closure = _closure(fn, tuple(args or ()), dict(kwargs or {}))
        self._closures.put(closure)
        return closure.result

    def join(self) -> None:
        """Waits until all scheduled functions have run.

        Raises:
          UnavailableError: a parameter server is lost.
          Exception: the error of a function; those that waited are cancelled.
        """
        self._closures.join()

    def done(self) -> bool:
        """True if all scheduled functions have run.

        Returns:
          A bool.

        Raises:
          Exception: the error of a function.
        """
        return self._closures.done()

    def create_per_worker_dataset(self, dataset_fn: Any) -> Any:
        """Makes a dataset on each worker; `iter` of it gives an iterator that functions to be scheduled take.

        Args:
          dataset_fn: a Dataset, or a function without arguments that returns one. It is traced once, and its graph runs on every
            worker, so it cannot call Python there.

        Returns:
          An iterable.
        """
        element_specs: list[Any] = []

        def make() -> Any:
            dataset = dataset_fn() if callable(dataset_fn) else dataset_fn
            resource = iterator_of(dataset, dataset is dataset_fn)
            element_specs.append(dataset.element_spec)
            return resource

        with self._strategy.scope(), _traced_for(self):
            concrete = function(make).get_concrete_function()
        own = self._own

        def run(task: Task, concrete: ConcreteFunction) -> list[Any]:
            return run_on(task, Closure(concrete, []), own)

        return PerWorkerDataset(concrete, element_specs[-1], run, len(self._workers))

    def fetch(self, val: Any) -> Any:
        """Waits for RemoteValues and returns their values as arrays.

        Args:
          val: a structure of RemoteValues.

        Returns:
          The structure with arrays in their places.
        """
        return nest.map_structure(
            lambda leaf: leaf.fetch() if isinstance(leaf, RemoteValue) else leaf, val
        )


def _closure(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Closure:
    if isinstance(fn, Function):
        concrete, tensors = fn._find(args, kwargs)
        return Closure(concrete, [convert_to_tensor(t) for t in tensors])
    return Closure(fn, fn._bound(args, kwargs) if fn._binder else fn._flat_arguments(args, kwargs))


def _number(task: Task, index: int) -> RemoteResource:
    """Returns a variable in a task that holds its number."""
    with building(None), made_by(Maker(task)):
        handle = raw.VarHandleOp(
            dtype=dtypes.int64, shape=SCALAR, shared_name=ANONYMOUS, name="worker_index"
        )
    raw.AssignVariableOp(resource=handle, value=np.int64(index))
    return handle._value  # type: ignore[no-any-return]


class _Tracing:
    """The coordinator for which functions are traced."""

    coordinator: ClusterCoordinator | None = None


class _traced_for:
    """A block in which functions are traced for a coordinator."""

    def __init__(self, coordinator: ClusterCoordinator) -> None:
        self._coordinator = coordinator

    def __enter__(self) -> None:
        self._before, _Tracing.coordinator = _Tracing.coordinator, self._coordinator

    def __exit__(self, *exception: Any) -> None:
        _Tracing.coordinator = self._before


@export("distribute.coordinator.experimental_get_current_worker_index", v1=[])
def experimental_get_current_worker_index() -> Any:
    """Returns the index of the worker that runs the current function.

    Returns:
      A scalar, int64.

    Raises:
      RuntimeError: the code does not run on a worker.
    """
    if _Tracing.coordinator is None or STATE.graph is None:
        raise RuntimeError(
            "Cannot retrieve the worker index. It is known within functions that a worker runs: a "
            "`dataset_fn` given to `ClusterCoordinator.create_per_worker_dataset`, or a tf.function "
            "given to `ClusterCoordinator.schedule`."
        )
    return read_scalar(_Tracing.coordinator._index)
