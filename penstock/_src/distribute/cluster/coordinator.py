"""tf.distribute.coordinator: scheduling functions on the workers of a ParameterServerStrategy."""

from collections.abc import Callable
from typing import Any

from penstock._src.core.composite import CompositeTensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.unavailable import ParameterServerStrategy
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export(
    "distribute.coordinator.RemoteValue",
    "distribute.experimental.coordinator.RemoteValue",
    v1=[],
)
class RemoteValue:
    """The result of a scheduled function, available once the function has run."""

    def fetch(self) -> Any:
        """Waits for the result and returns it as arrays."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def get(self) -> Any:
        """Waits for the result and returns it as tensors."""
        raise NotImplementedError("Must be implemented in subclasses.")


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
        raise UnimplementedError("PerWorkerValues: workers are not implemented.")


@export(
    "distribute.coordinator.ClusterCoordinator",
    "distribute.experimental.coordinator.ClusterCoordinator",
    v1=[],
)
class ClusterCoordinator:
    """Schedules functions on the workers of a cluster.

    Args:
      strategy: a `tf.distribute.ParameterServerStrategy`.

    Raises:
      ValueError: the strategy is not a ParameterServerStrategy; none can be created here.

    >>> try:
    ...     tf.distribute.experimental.coordinator.ClusterCoordinator(tf.distribute.get_strategy())
    ... except ValueError:
    ...     print("it needs a ParameterServerStrategy")
    it needs a ParameterServerStrategy
    """

    def __init__(self, strategy: Any) -> None:
        if not isinstance(strategy, ParameterServerStrategy):
            raise ValueError(
                "Only `tf.distribute.experimental.ParameterServerStrategy` is supported to work "
                f"with ClusterCoordinator. Received {strategy!r}."
            )
        self._strategy = strategy

    strategy = read_only("_strategy", "The strategy.")

    def schedule(self, fn: Callable[..., Any], args: Any = None, kwargs: Any = None) -> Any:
        """Runs a function on some worker; returns a RemoteValue.

        Args:
          fn: the function, a `tf.function` as a rule.
          args, kwargs: its arguments.

        Raises:
          UnimplementedError: always.
        """
        raise _no_workers("schedule")

    def join(self) -> None:
        """Waits for all scheduled functions.

        Raises:
          UnimplementedError: always.
        """
        raise _no_workers("join")

    def done(self) -> bool:
        """Whether all scheduled functions have run.

        Raises:
          UnimplementedError: always.
        """
        raise _no_workers("done")

    def create_per_worker_dataset(self, dataset_fn: Any) -> Any:
        """Returns a dataset on each worker.

        Args:
          dataset_fn: without arguments, returns a Dataset.

        Raises:
          UnimplementedError: always.
        """
        raise _no_workers("create_per_worker_dataset")

    def fetch(self, val: Any) -> Any:
        """Waits for RemoteValues and returns their values.

        Args:
          val: a structure of RemoteValues.

        Raises:
          UnimplementedError: always.
        """
        raise _no_workers("fetch")


def _no_workers(name: str) -> UnimplementedError:
    return UnimplementedError(f"ClusterCoordinator.{name}: workers are not implemented.")


@export("distribute.coordinator.experimental_get_current_worker_index", v1=[])
def experimental_get_current_worker_index() -> Any:
    """Returns the index of the worker that runs the current function.

    Raises:
      RuntimeError: the code does not run on a worker.
    """
    raise RuntimeError(
        "Cannot retrieve the worker index. It is known within functions that a worker runs: a "
        "`dataset_fn` given to `ClusterCoordinator.create_per_worker_dataset`, or a tf.function "
        "given to `ClusterCoordinator.schedule`."
    )
