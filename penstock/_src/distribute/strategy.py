"""Strategy, the interface for training over replicas: its `extended` has the implementation."""

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.data.dataset import Dataset
from penstock._src.distribute.context import (
    Defaults,
    Entered,
    converted,
    current,
    require_cross_replica,
    require_replica,
    require_strategy,
)
from penstock._src.distribute.extended import StrategyExtended, as_reduce_op, raw_identity
from penstock._src.distribute.values import InputReplicationMode, ReduceOp
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


@export("distribute.ReplicaContext", v1=["distribute.ReplicaContext"])
class ReplicaContext:
    """The context of code that runs once per replica.

    Args:
      strategy: a `tf.distribute.Strategy`.
      replica_id_in_sync_group: the number of the replica, from 0.
    """

    def __init__(self, strategy: Any, replica_id_in_sync_group: Any) -> None:
        self._strategy, self._id = strategy, replica_id_in_sync_group

    strategy = read_only("_strategy", "The strategy that runs the replica.")

    @property
    def replica_id_in_sync_group(self) -> Any:
        """The number of the replica, from 0: a tensor, int32."""
        if isinstance(self._id, Tensor):
            return self._id
        return convert_to_tensor(self._id, dtypes.int32, name="replica_id_in_sync_group")

    @property
    def _local_id(self) -> Any:
        """The number of the replica among those of this process."""
        return self._strategy.extended._get_local_replica_id(self._id)

    num_replicas_in_sync = read_only(
        "_strategy.num_replicas_in_sync", "Number of replicas that step together."
    )
    devices = read_only("_strategy.devices", "The devices of the replica.")

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Returns the sum or mean over the replicas of each tensor of a nest.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`, "sum" or "mean".
          value: a structure of tensors.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A structure of tensors, the same in all replicas.
        """
        kind = as_reduce_op(reduce_op)
        if self.num_replicas_in_sync == 1:
            return nest.map_structure(raw_identity, value)

        def merge(strategy: Any, *values: Any) -> Any:
            return strategy.extended.batch_reduce_to(kind, [(v, v) for v in values], options)

        return nest.pack_sequence_as(value, self.merge_call(merge, nest.flatten(value)))

    def all_gather(self, value: Any, axis: Any, options: Any = None) -> Any:
        """Returns the values of all replicas joined along an axis.

        Args:
          value: a structure of tensors.
          axis: along which they are joined.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A structure of tensors, the same in all replicas.
        """
        return nest.map_structure(raw_identity, value)

    def merge_call(self, merge_fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Calls `merge_fn(strategy, *args)` once for all replicas.

        Args:
          merge_fn: called as `merge_fn(strategy, *args, **kwargs)`, with values of all replicas.
          args, kwargs: this replica's arguments.

        Returns:
          What `merge_fn` returns for this replica.

        Raises:
          RuntimeError: this is not the replica that runs the code.
        """
        require_replica(self)
        return self._merge_call(converted(merge_fn), args, kwargs or {})

    def _merge_call(self, merge_fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Implements `merge_call`: here, for the only replica."""
        with Entered(self._strategy, None):
            return merge_fn(self._strategy, *args, **kwargs)

    def _update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        group: bool = True,
    ) -> Any:
        """Returns what `fn(var, *args, **kwargs)` returns for this replica's part of a variable."""
        return self._strategy.extended._replica_ctx_update(var, fn, args, kwargs, group)

    def __enter__(self) -> "ReplicaContext":
        self._entered = Entered(self._strategy, self)
        self._entered.__enter__()
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self._entered.__exit__()

    def __str__(self) -> str:
        return f"tf.distribute.ReplicaContext(replica id {self._id})"


@export("distribute.Strategy", v1=[])
class Strategy:
    """Distribution of computation and variables over devices.

    Variables are made in its scope, and `run` calls a function once for each replica.

    Args:
      extended: the hooks of the strategy, a `tf.distribute.StrategyExtended`; programs use the
        strategies that there are.

    >>> strategy = tf.distribute.get_strategy()
    >>> strategy.num_replicas_in_sync
    1
    """

    devices: tuple[str, ...] = (CPU,)
    # True if a coordinator schedules steps on workers.
    _should_use_with_coordinator = False

    def __init__(self, extended: Any) -> None:
        self._extended = extended
        self.default_replica = ReplicaContext(self, 0)

    extended = read_only("_extended", "Methods for authors of distribution-aware code.")

    @property
    def num_replicas_in_sync(self) -> int:
        """The number of replicas that train synchronously."""
        return self._extended._num_replicas_in_sync

    @property
    def cluster_resolver(self) -> Any:
        """The resolver of the cluster; None on one machine."""
        return getattr(self._extended, "_cluster_resolver", None)

    def scope(self) -> Any:
        """Returns a context in which this strategy makes the variables.

        Returns:
          A context manager. Entering it is a `RuntimeError` within the scope of another strategy,
          or in a replica.
        """
        return self._extended._scope(self)

    def run(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None
    ) -> Any:
        """Calls a function once for each replica, with its share of the arguments.

        Args:
          fn: a function.
          args: its arguments; of distributed values each replica gets its own.
          kwargs: its arguments by name.
          options: a `tf.distribute.RunOptions`.

        Returns:
          What the function returned; values that differ between replicas are a `PerReplica`.

        Raises:
          ValueError: `args` is not a list or tuple.
        """
        if not isinstance(args, (list, tuple)):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        return self._extended.call_for_each_replica(converted(fn), args, kwargs)

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Returns the values of all replicas as one.

        Args:
          reduce_op: a `tf.distribute.ReduceOp` or its name, "SUM" or "MEAN".
          value: a distributed value, or a structure of them.
          axis: an axis that is reduced as well, such as 0 for a batch; or None.

        Returns:
          A tensor, or a structure of tensors.

        Raises:
          TypeError: `reduce_op` is of another kind.
        """
        require_cross_replica(self)
        kind = as_reduce_op(reduce_op)
        if axis is None:
            return self._extended._reduce(kind, value)
        if not isinstance(kind, ReduceOp):
            raise TypeError(f"Expected `reduce_op` to be a `tf.distribute.ReduceOp`, not: {kind}")
        if kind is ReduceOp.SUM:
            return self._extended._reduce(kind, self.run(_sums, (value, axis)))
        totals, counts = self.run(_sums_and_counts, (value, axis))
        totals, counts = self._extended._reduce(ReduceOp.SUM, (totals, counts))
        return nest.map_structure(lambda t, c: t / raw.Cast(x=c, DstT=t.dtype), totals, counts)

    def gather(self, value: Any, axis: int) -> Any:
        """Returns the values of all replicas joined along an axis.

        Args:
          value: a distributed value, or a structure of them.
          axis: the axis.

        Returns:
          A tensor, or a structure of tensors.
        """
        require_cross_replica(self)
        destination = STATE.device or self._extended._default_device or "/device:CPU:0"
        return self._extended._gather_to(value, destination, axis)

    def group(self, value: Any, name: str | None = None) -> Any:
        """Returns an operation that runs a value of every replica.

        Args:
          value: a distributed value or a structure of operations.
          name: a name for the operation.

        Returns:
          An operation, or None in eager execution.
        """
        return self._extended._group(value, name)

    def unwrap(self, value: Any) -> tuple[Any, ...]:
        """Returns the values of all replicas of this machine.

        Args:
          value: a distributed value.

        Returns:
          A tuple.
        """
        return self._extended._local_results(value)

    def experimental_make_numpy_dataset(self, numpy_input: Any, session: Any = None) -> Any:
        """A dataset of the rows of arrays, or of a structure of them.

        Args:
          numpy_input: an array or a structure of them, equal in their first sizes.
          session: accepted.

        Returns:
          A Dataset.
        """
        return self.extended.experimental_make_numpy_dataset(numpy_input, session)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Returns the values of all replicas of this machine.

        Args:
          value: a distributed value.

        Returns:
          A tuple, of one value where it is not distributed.
        """
        return self._extended._local_results(value)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Returns a dataset that gives every replica a share of each batch.

        Args:
          dataset: a `tf.data.Dataset` of batches for all replicas together.
          options: a `tf.distribute.InputOptions`.

        Returns:
          A `tf.distribute.DistributedDataset`.

        Raises:
          TypeError: `dataset` is not a `tf.data.Dataset`.
        """
        if not isinstance(dataset, Dataset):
            raise TypeError(
                f"experimental_distribute_dataset: `dataset` must be a tf.data.Dataset. Received {dataset!r}."
            )
        return self._extended._experimental_distribute_dataset(dataset, options)

    def distribute_datasets_from_function(self, dataset_fn: Any, options: Any = None) -> Any:
        """Returns a distributed dataset of what a function makes.

        Args:
          dataset_fn: a function of a `tf.distribute.InputContext` that returns a dataset of
            batches for one replica.
          options: a `tf.distribute.InputOptions`.

        Returns:
          A `tf.distribute.DistributedDataset`.
        """
        return self._extended._distribute_datasets_from_function(dataset_fn, options)

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def experimental_distribute_values_from_function(self, value_fn: Any) -> Any:
        """Returns values that a function makes, one for each replica.

        Args:
          value_fn: a function of a `tf.distribute.experimental.ValueContext`.

        Returns:
          A `tf.distribute.DistributedValues`.
        """
        return self._extended._experimental_distribute_values_from_function(value_fn)

    def make_dataset_iterator(self, dataset: Any) -> Any:
        """Returns an iterator over a distributed dataset, as TensorFlow 1 has it.

        Args:
          dataset: a `tf.data.Dataset` of batches for all replicas together.

        Returns:
          An iterator.
        """
        return self._extended._make_dataset_iterator(dataset)

    def make_input_fn_iterator(
        self, input_fn: Any, replication_mode: Any = InputReplicationMode.PER_WORKER
    ) -> Any:
        """Returns an iterator over the dataset that a function makes, as TensorFlow 1 has it.

        Args:
          input_fn: a function of a `tf.distribute.InputContext` that returns a dataset.
          replication_mode: `PER_WORKER`; other modes are not supported.

        Returns:
          An iterator.

        Raises:
          ValueError: another mode is asked for.
        """
        if replication_mode is not InputReplicationMode.PER_WORKER:
            raise ValueError(f"Input replication mode not supported: {replication_mode}")
        with self.scope():
            return self._extended._make_input_fn_iterator(
                input_fn, replication_mode=replication_mode
            )

    def experimental_run(self, fn: Callable[..., Any], input_iterator: Any = None) -> Any:
        """Calls a function on the next element, as TensorFlow 1 has it.

        Args:
          fn: a function of an element.
          input_iterator: an iterator.

        Returns:
          What the function returned.
        """
        args = () if input_iterator is None else (input_iterator.get_next(),)
        return self.run(fn, args)

    def colocate_vars_with(self, colocate_with_variable: Any) -> Any:
        """Returns a context in which variables are made where another one is.

        Args:
          colocate_with_variable: a variable.

        Returns:
          A context manager.
        """
        return self._extended.colocate_vars_with(colocate_with_variable)

    def configure(
        self,
        session_config: Any = None,
        cluster_spec: Any = None,
        task_type: Any = None,
        task_id: Any = None,
    ) -> None:
        """Sets the strategy up for a task of a cluster.

        Args:
          session_config: the configuration of sessions.
          cluster_spec: a `tf.train.ClusterSpec`.
          task_type: the job of this task.
          task_id: the number of this task.
        """
        self._extended._configure(session_config, cluster_spec, task_type, task_id)

    def update_config_proto(self, config_proto: Any) -> Any:
        """Returns the configuration of sessions as the strategy needs it.

        Args:
          config_proto: a `tf.compat.v1.ConfigProto`.

        Returns:
          A `tf.compat.v1.ConfigProto`.
        """
        return self._extended._update_config_proto(config_proto)

    def __copy__(self) -> "Strategy":
        raise RuntimeError("Must only deepcopy DistributionStrategy.")

    def __deepcopy__(self, memo: Any) -> "Strategy":
        return self


def _sums(value: Any, axis: Any) -> Any:
    return nest.map_structure(lambda v: raw.Sum(v, axis), _as_tensors(value))


def _as_tensors(value: Any) -> Any:
    """A list as one tensor, as for `tf.reduce_sum`; in other structures, each leaf as a tensor."""
    if type(value) in (list, tuple):
        return convert_to_tensor(value)
    return nest.map_structure(convert_to_tensor, value)


def _sums_and_counts(value: Any, axis: Any) -> tuple[Any, Any]:
    """The sums along an axis, or several, and the number of elements of each sum."""

    def count(v: Any) -> Any:
        sizes = raw.Shape(v)
        return raw.Prod(raw.Pack(values=[sizes[axis] for axis in axes]), [0])

    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    return _sums(value, axis), nest.map_structure(count, _as_tensors(value))


@export("__internal__.distribute.interim.maybe_merge_call", v1=[])
def maybe_merge_call(fn: Callable[..., Any], strategy: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls `fn(strategy, *args)` once for all replicas, in a replica or cross-replica context.

    Args:
      fn: called as `fn(strategy, *args, **kwargs)`.
      strategy: a `tf.distribute.Strategy`.
      *args, **kwargs: of `fn`; in a replica, values of all replicas.

    Returns:
      What `fn` returns.
    """
    replica = current()[1]
    if replica is None:
        return fn(strategy, *args, **kwargs)
    return replica.merge_call(fn, args, kwargs)


@export("__internal__.distribute.strategy_supports_no_merge_call", v1=[])
def strategy_supports_no_merge_call() -> bool:
    """True if the current strategy works without merge calls.

    Returns:
      False.
    """
    return False


class _DefaultDistributionExtended(StrategyExtended):
    """The hooks of the strategy of code that does not choose one."""

    def call_for_each_replica(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Calls `fn` once."""
        require_cross_replica(self._strategy)
        with Entered(self._strategy, self._strategy.default_replica):
            return fn(*args, **(kwargs or {}))

    def _scope(self, strategy: Any) -> Any:
        return _DefaultScope(strategy)

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        return next_creator(**kwargs)


class _DefaultReplicaContext(ReplicaContext):
    """The context of code that does not choose a strategy."""

    replica_id_in_sync_group = 0


class _DefaultDistributionStrategy(Strategy):
    """The strategy of code that does not choose one."""

    def __init__(self) -> None:
        super().__init__(_DefaultDistributionExtended(self))
        self.default_replica = _DefaultReplicaContext(self, 0)


class _DefaultScope:
    """A context that is left out where no strategy is chosen; variables of others are refused within."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy, self._around = strategy, list[Any]()

    def __enter__(self) -> Strategy:
        creators = STATE.variable_creators
        self._around.append(creators)
        if _refuse_others not in creators:
            STATE.variable_creators = [_refuse_others, *creators]
        return self.strategy

    def __exit__(self, *exception: Any) -> None:
        STATE.variable_creators = self._around.pop()


def _refuse_others(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
    require_strategy(Defaults.strategy)
    return next_creator(**kwargs)


_DEFAULT = _DefaultDistributionStrategy()


def default_strategy() -> _DefaultDistributionStrategy:
    """The strategy of code that does not choose one."""
    return _DEFAULT
