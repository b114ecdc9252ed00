"""Strategy, the interface for training over replicas. The base class implements strategies of one replica."""

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.data.dataset import Dataset
from penstock._src.distribute.context import (
    Defaults,
    Entered,
    StrategyScope,
    creator_for,
    current,
)
from penstock._src.distribute.values import InputContext, ReduceOp, ValueContext
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


@export("distribute.StrategyExtended", v1=["distribute.StrategyExtended"])
class StrategyExtended:
    """The methods for authors of distribution-aware code."""

    def __init__(self, container_strategy: Any) -> None:
        self._strategy = container_strategy

    worker_devices = read_only("_strategy.devices", "The devices that replicas run on.")
    parameter_devices = read_only("_strategy.devices", "The devices that hold variables.")

    experimental_require_static_shapes = property(
        lambda _: False, doc="Whether all shapes must be static."
    )

    # Whether batches of datasets are those of all replicas together.
    _global_batch_size = True

    def _use_merge_call(self) -> bool:
        return True

    @property
    def _in_multi_worker_mode(self) -> Callable[[], bool]:
        return lambda: False

    def variable_created_in_scope(self, v: Any) -> bool:
        """Whether a variable was created within this strategy's scope."""
        return getattr(v, "_distribute_strategy", Defaults.strategy) is self._strategy

    def colocate_vars_with(self, colocate_with_variable: Any) -> Any:
        """Makes variables where another one lies."""
        return Entered(self._strategy, None)

    def value_container(self, value: Any) -> Any:
        """Returns the distributed value that a replica's value belongs to."""
        return value

    def reduce_to(self, reduce_op: Any, value: Any, destinations: Any, options: Any = None) -> Any:
        """Returns the values of all replicas as one."""
        ReduceOp(reduce_op if isinstance(reduce_op, ReduceOp) else str(reduce_op).upper())
        return value

    def batch_reduce_to(
        self, reduce_op: Any, value_destination_pairs: Any, options: Any = None
    ) -> list[Any]:
        """Returns `reduce_to` of each pair."""
        return [self.reduce_to(reduce_op, v, d, options) for v, d in value_destination_pairs]

    def update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        group: bool = True,
    ) -> Any:
        """Calls `fn(var, *args)` on the variable's device.

        Returns:
          The result; if not `group`, each value is a tuple of the results on all devices.
        """
        with Entered(self._strategy, None):
            result = fn(var, *args, **(kwargs or {}))
        return result if group else nest.map_structure(lambda held: (held,), result)

    def _replica_ctx_all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Returns the sum or mean over the replicas, in the current replica."""
        return current()[1].all_reduce(reduce_op, value, options)

    def call_for_each_replica(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Calls `fn` once per replica."""
        return self._strategy.run(fn, args, kwargs)

    # -- additional methods for TensorFlow 1

    experimental_between_graph = property(
        lambda self: False, doc="Whether each worker has a graph of its own."
    )
    experimental_should_init = property(
        lambda self: True, doc="Whether variables are initialized here."
    )
    should_checkpoint = property(lambda self: True, doc="Whether checkpoints are written here.")
    should_save_summary = property(lambda self: True, doc="Whether summaries are written here.")

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """Returns the tensor: all destinations are devices of this machine."""
        del destinations
        return convert_to_tensor(tensor)

    def read_var(self, v: Any) -> Any:
        """Returns the value of a variable, reduced over replicas if each has its own."""
        return v.read_value()

    def non_slot_devices(self, var_list: Any) -> tuple[str, ...]:
        """Returns the devices of optimizer variables that are not slots of other variables."""
        del var_list
        return self.parameter_devices

    def update_non_slot(
        self,
        colocate_with: Any,
        fn: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        group: bool = True,
    ) -> Any:
        """Calls `fn(*args)` on the devices of optimizer variables."""
        del colocate_with
        with Entered(self._strategy, None):
            result = fn(*args, **(kwargs or {}))
        return result if group else nest.map_structure(lambda held: (held,), result)

    def experimental_make_numpy_dataset(self, numpy_input: Any, session: Any = None) -> Any:
        """A dataset of the rows of arrays, or of a structure of them."""
        del session
        return Dataset.from_tensor_slices(numpy_input)

    def experimental_run_steps_on_iterator(
        self,
        fn: Callable[..., Any],
        iterator: Any,
        iterations: int = 1,
        initial_loop_values: Any = None,
    ) -> Any:
        """Calls `fn(inputs)` `iterations` times for each replica, on an iterator's elements; returns the last results."""
        del initial_loop_values
        results = None
        for _ in range(iterations):
            results = self._strategy.run(fn, args=(next(iterator),))
        return results


@export("distribute.ReplicaContext", v1=["distribute.ReplicaContext"])
class ReplicaContext:
    """The context of code that runs once per replica."""

    def __init__(self, strategy: Any, replica_id_in_sync_group: Any) -> None:
        self._strategy, self._id = strategy, replica_id_in_sync_group

    strategy = read_only("_strategy", "The strategy that runs the replica.")

    @property
    def replica_id_in_sync_group(self) -> Any:
        """The number of the replica, from 0: a tensor, int32."""
        if isinstance(self._id, Tensor):
            return self._id
        return convert_to_tensor(self._id, dtypes.int32, name="replica_id_in_sync_group")

    num_replicas_in_sync = read_only(
        "_strategy.num_replicas_in_sync", "How many replicas step together."
    )
    devices = read_only("_strategy.devices", "The devices of the replica.")

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Returns the sum or mean over the replicas of each tensor of a nest."""
        if isinstance(reduce_op, str):
            reduce_op = ReduceOp(reduce_op.upper())
        return nest.map_structure(raw_identity, value)

    def all_gather(self, value: Any, axis: Any, options: Any = None) -> Any:
        """Returns the values of all replicas joined along an axis."""
        return nest.map_structure(raw_identity, value)

    def merge_call(self, merge_fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Calls `merge_fn(strategy, *args)` once for all replicas."""
        with Entered(self._strategy, None):
            return merge_fn(self._strategy, *args, **(kwargs or {}))

    def __enter__(self) -> "ReplicaContext":
        self._entered = Entered(self._strategy, self)
        self._entered.__enter__()
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self._entered.__exit__()

    def __str__(self) -> str:
        return f"tf.distribute.ReplicaContext(replica id {self._id})"


def _input_iterators() -> Any:
    """The module of iterators for programs of TensorFlow 1."""
    # It needs strategies of several replicas, and these need this module.
    from penstock._src.distribute import input_iterators

    return input_iterators


def raw_identity(value: Any) -> Any:
    """Returns a copy of a tensor, or a composite unchanged."""
    return value if nest.is_composite(value) else raw.Identity(convert_to_tensor(value))


@export("distribute.Strategy", v1=[])
class Strategy:
    """How computation and variables are distributed over devices.

    >>> strategy = tf.distribute.get_strategy()
    >>> strategy.num_replicas_in_sync
    1
    """

    devices: tuple[str, ...] = (CPU,)
    # Whether a coordinator schedules steps on workers.
    _should_use_with_coordinator = False

    def __init__(self, extended: Any) -> None:
        self._extended = extended
        self.default_replica = ReplicaContext(self, 0)
        self._create = creator_for(self)

    extended = read_only("_extended", "What authors of distribution-aware code call.")

    @property
    def num_replicas_in_sync(self) -> int:
        """The number of replicas that train synchronously."""
        return len(self.devices)

    cluster_resolver = property(
        lambda _: None, doc="The resolver of the cluster; None on one machine."
    )

    def scope(self) -> Any:
        """Returns a context manager that makes this strategy current; it creates the variables there.

        Raises:
          RuntimeError: within the scope of another strategy, or in a replica.
        """
        strategy, replica = current()
        if strategy is not self and strategy is not Defaults.strategy:
            raise RuntimeError(
                f"Mixing different tf.distribute.Strategy objects: {strategy} is not {self}"
            )
        if strategy is self and replica is not None:
            raise RuntimeError(
                "Method requires being in cross-replica context, use "
                "get_replica_context().merge_call()"
            )
        return StrategyScope(self, None)

    def run(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None
    ) -> Any:
        """Calls `fn` once per replica and returns its result."""
        if not isinstance(args, (list, tuple)):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        with StrategyScope(self, self.default_replica):
            return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Reduces the values of all replicas to one; if `axis` is given, also along this axis."""
        kind = ReduceOp(reduce_op.upper()) if isinstance(reduce_op, str) else reduce_op
        if axis is None:
            return value
        reducer = raw.Sum if kind is ReduceOp.SUM else raw.Mean
        return nest.map_structure(lambda v: reducer(convert_to_tensor(v), axis), value)

    def gather(self, value: Any, axis: int) -> Any:
        """Returns the values of all replicas joined along an axis."""
        return nest.map_structure(raw_identity, value)

    def group(self, value: Any, name: str | None = None) -> Any:
        """Returns an operation that runs all of `value`."""
        return raw.NoOp(name=name)

    def unwrap(self, value: Any) -> tuple[Any, ...]:
        """Returns the values per replica."""
        return self.experimental_local_results(value)

    def experimental_make_numpy_dataset(self, numpy_input: Any, session: Any = None) -> Any:
        """A dataset of the rows of arrays, or of a structure of them."""
        return self.extended.experimental_make_numpy_dataset(numpy_input, session)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Returns the values of the replicas of this machine."""
        return (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Returns a dataset distributed over the replicas."""
        return dataset

    def distribute_datasets_from_function(self, dataset_fn: Any, options: Any = None) -> Any:
        """Returns the dataset that `dataset_fn(input_context)` creates."""
        return dataset_fn(InputContext())

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def experimental_distribute_values_from_function(self, value_fn: Any) -> Any:
        """Returns the value that `value_fn(value_context)` creates for each replica."""
        return value_fn(ValueContext(0, self.num_replicas_in_sync))

    def make_dataset_iterator(self, dataset: Any) -> Any:
        """Returns an iterator of a dataset, whose batches are split over the replicas (v1)."""
        return _input_iterators().InputIterator(self.experimental_distribute_dataset(dataset))

    def make_input_fn_iterator(self, input_fn: Any, replication_mode: Any = None) -> Any:
        """Returns an iterator of the dataset that `input_fn(input_context)` creates (v1).

        Its elements go to the replicas in turn. A function instead of a dataset is called for each replica.
        """
        del replication_mode
        made = input_fn(InputContext(1, 0, self.num_replicas_in_sync))
        if callable(made):
            return _input_iterators().InputOfFunction(made, self.num_replicas_in_sync)
        return _input_iterators().InputIterator(
            self.distribute_datasets_from_function(lambda _: made)
        )

    def experimental_run(self, fn: Callable[..., Any], input_iterator: Any = None) -> Any:
        """Calls `fn` on the next element (v1)."""
        args = () if input_iterator is None else (input_iterator.get_next(),)
        return self.run(fn, args)

    def colocate_vars_with(self, colocate_with_variable: Any) -> Any:
        """Makes variables where another one lies."""
        return self._extended.colocate_vars_with(colocate_with_variable)

    def configure(
        self,
        session_config: Any = None,
        cluster_spec: Any = None,
        task_type: Any = None,
        task_id: Any = None,
    ) -> None:
        """Does nothing: there is nothing to configure on one machine."""

    def update_config_proto(self, config_proto: Any) -> Any:
        """Returns the session configuration unchanged."""
        return config_proto

    def __copy__(self) -> "Strategy":
        raise RuntimeError("Must only deepcopy DistributionStrategy.")

    def __deepcopy__(self, memo: Any) -> "Strategy":
        return self


@export("__internal__.distribute.interim.maybe_merge_call", v1=[])
def maybe_merge_call(fn: Callable[..., Any], strategy: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls `fn(strategy, *args)` once for all replicas, in a replica or cross-replica context."""
    replica = current()[1]
    if replica is None:
        return fn(strategy, *args, **kwargs)
    return replica.merge_call(fn, args, kwargs)


@export("__internal__.distribute.strategy_supports_no_merge_call", v1=[])
def strategy_supports_no_merge_call() -> bool:
    """Whether the current strategy works without merge calls."""
    return False
