"""MirroredStrategy: synchronous replicas on several devices of this process."""

import contextlib
import logging
import weakref
from collections.abc import Callable
from typing import Any

from penstock._src.api.config import devices as config
from penstock._src.api.config.placement import full_names
from penstock._src.autodiff.custom import custom_gradient
from penstock._src.core.calls.placement import POLICY, has_gpus
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.distribute.context import Entered, current
from penstock._src.distribute.cross_device_ops import CrossDeviceOps, reductions_for
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.mirrored import grouping
from penstock._src.distribute.mirrored.datasets import DatasetOfEach, DistributedDataset
from penstock._src.distribute.mirrored.replicas import MergeRequest, Replica, run_in_step
from penstock._src.distribute.mirrored.shared_variables import shared_variable_creator
from penstock._src.distribute.mirrored.variables import (
    DistributedVariable,
    MirroredVariable,
    SyncOnReadVariable,
    builds_for_sessions,
    run_together,
    updating,
)
from penstock._src.distribute.strategy import ReplicaContext, Strategy
from penstock._src.distribute.values import (
    DistributedValues,
    InputContext,
    PerReplica,
    ReduceOp,
    ValueContext,
    regroup,
    regroup_mirrored,
    regroup_per_replica,
)
from penstock._src.eager.variable_modes import VariableSynchronization
from penstock._src.function.function import Function
from penstock._src.function.function import function as make_function
from penstock._src.util import nest
from penstock._src.util.export import export


@export("distribute.MirroredStrategy", v1=[])
class MirroredStrategy(Strategy):
    """A replica for each device of this process, each with a copy of the variables.

    Args:
      devices: the names of logical devices ("CPU:0", "CPU:1": see tf.config.set_logical_device_configuration);
        by default all GPUs, or all CPUs if there is no GPU.
      cross_device_ops: how values of replicas are reduced.

    >>> strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    >>> with strategy.scope():
    ...     v = tf.Variable(1.0)
    >>> strategy.run(lambda: v + 1.0).numpy()
    np.float32(2.0)
    """

    # TensorFlow's first number of collective operations; nothing is numbered here.
    _collective_key_base = 0

    def __init__(self, devices: Any = None, cross_device_ops: Any = None) -> None:
        here = config.logical_devices("GPU") if has_gpus() else ()
        here = here or config.own_devices("CPU")
        names = devices or [device.name for device in here]
        self.devices = full_names("MirroredStrategy", names)
        logging.getLogger("tensorflow").info("Using MirroredStrategy with devices %s", self.devices)
        self.cross_device_ops = cross_device_ops or reductions_for(self.devices)
        self._functions: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        super().__init__(MirroredExtended(self))


class MirroredReplicaContext(ReplicaContext):
    """The context of code that runs in one replica. `shared`: the variables created in this run, by name."""

    def __init__(self, strategy: Any, index: int, shared: dict[str, list[Any]]) -> None:
        super().__init__(strategy, index)
        self.device = strategy.devices[index]
        self.create = shared_variable_creator(shared, index)
        self.replica: Any = None

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of the replica."""
        return (self.device,)

    def _merge_call(self, merge_fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Waits for all replicas, then calls `merge_fn(strategy, *args)` once with the arguments of all."""
        return self.replica.merge(MergeRequest(merge_fn, tuple(args), kwargs))

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Returns the sum or mean over the replicas of each tensor of a nest."""
        kind = ReduceOp(reduce_op.upper()) if isinstance(reduce_op, str) else reduce_op

        def merge(strategy: Any, *values: Any) -> Any:
            # As in TensorFlow, a tensor that all replicas share counts once.
            reduce = strategy.cross_device_ops.reduce
            return [reduce(kind, v, v, options) for v in values]

        @custom_gradient
        def reduced(*tensors: Any) -> Any:
            def gradient(*upstream: Any) -> Any:
                return self.all_reduce(kind, list(upstream))

            return self.merge_call(merge, tensors), gradient

        leaves = nest.flatten(value)
        dense = [leaf for leaf in leaves if not nest.is_composite(leaf)]
        if len(dense) == len(leaves):
            results = reduced(*[convert_to_tensor(leaf) for leaf in leaves]) if leaves else []
            return nest.pack_sequence_as(value, nest.flatten(results))
        return nest.pack_sequence_as(value, self.merge_call(merge, leaves))

    def all_gather(self, value: Any, axis: Any, options: Any = None) -> Any:
        """Returns the values of all replicas joined along an axis."""

        def merge(strategy: Any, values: Any) -> Any:
            joined = strategy.gather(values, axis)
            return regroup_mirrored([raw.Identity(input=joined) for _ in values.values])

        return nest.map_structure(
            lambda leaf: self.merge_call(merge, (convert_to_tensor(leaf),)), value
        )


class MirroredExtended(StrategyExtended):
    """The hooks of `MirroredStrategy`."""

    # Libraries read it: a replica may be given an empty batch at the end of a dataset, of which layers must not take moments.
    experimental_enable_get_next_as_optional = True

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        count = self._num_replicas_in_sync
        if count == 1:  # it never waits for others, so it needs no thread
            return super()._call_for_each_replica(fn, args, kwargs)
        if isinstance(fn, Function) and STATE.graph is None:
            return self._as_function(fn)(args, kwargs)
        shared: dict[str, list[Any]] = {}
        replicas = [
            Replica(
                MirroredReplicaContext(self._strategy, i, shared),
                fn,
                grouping.select(i, tuple(args)),
                grouping.select(i, kwargs),
            )
            for i in range(count)
        ]
        return run_in_step(self._strategy, replicas)

    def _as_function(self, function: Function) -> Function:
        """Returns a tf.function that runs the Python function in every replica, so that merge calls are in one graph."""
        strategy = self._strategy
        if function not in strategy._functions:
            python_function = function.python_function
            strategy._functions[function] = make_function(
                lambda args, kwargs: strategy.run(python_function, args, kwargs)
            )
        return strategy._functions[function]

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        return create_variable(self._strategy, next_creator, **kwargs)

    def _local_results(self, val: Any) -> tuple[Any, ...]:
        if isinstance(val, DistributedValues):
            return val.values
        if nest.is_nested(val):
            return tuple(grouping.select_copies(i, val) for i in range(self._num_replicas_in_sync))
        return (val,)

    def _experimental_distribute_dataset(self, dataset: Any, options: Any) -> Any:
        count = self._num_replicas_in_sync
        return dataset if count == 1 else DistributedDataset(dataset, count, self._strategy.devices)

    def _distribute_datasets_from_function(self, dataset_fn: Any, options: Any) -> Any:
        count = self._num_replicas_in_sync
        if count == 1:
            return dataset_fn(InputContext())
        return DatasetOfEach(dataset_fn(InputContext(1, 0, count)), count, self._strategy.devices)

    def _experimental_distribute_values_from_function(self, value_fn: Any) -> Any:
        count = self._num_replicas_in_sync
        if count == 1:
            return super()._experimental_distribute_values_from_function(value_fn)
        return regroup_per_replica([value_fn(ValueContext(i, count)) for i in range(count)])

    def _reduce_to(self, reduce_op: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        """Reduces the values of all replicas to one, which is copied to each replica if the destinations are
        per-replica."""
        cross: CrossDeviceOps = self._strategy.cross_device_ops
        if isinstance(value, DistributedVariable):
            value = PerReplica(value.values)
        if not isinstance(value, DistributedValues):
            return self._of_all(reduce_op, value)
        return cross.reduce(reduce_op, value, destinations, options)

    def _of_all(self, kind: ReduceOp, value: Any) -> Any:
        """Reduces a value that is the same on all replicas."""
        if kind is ReduceOp.MEAN or self._strategy.num_replicas_in_sync == 1:
            return value
        if isinstance(value, (int, float)) and value == 0:
            return value
        raise ValueError(
            f"A non-DistributedValues value {value} cannot be reduced with the given reduce op "
            f"{kind}."
        )

    def _update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        if not isinstance(var, DistributedVariable):
            return super()._update(var, fn, args, kwargs, group)
        results = []
        for i, copy in enumerate(var.values):
            with updating(i), placed_on(self._strategy, i):
                own = grouping.select_copies(i, (tuple(args), kwargs))
                results.append(fn(copy, *own[0], **own[1]))
        if group and builds_for_sessions():
            return regroup(results, run_together)
        regrouped = regroup_mirrored(results)
        return regrouped if group else nest.map_structure(self._local_results, regrouped)


def create_variable(
    strategy: MirroredStrategy, next_creator: Callable[..., Any], **kwargs: Any
) -> Any:
    """Creates a variable with a copy for each replica; replicas reuse the variables that the first one creates."""
    context = current()[1]
    if not isinstance(context, MirroredReplicaContext):
        return mirrored_variable(strategy, next_creator, kwargs, strategy.num_replicas_in_sync)

    def create(**options: Any) -> Any:
        with Entered(strategy, None):
            count = strategy.num_replicas_in_sync
            return mirrored_variable(strategy, next_creator, options, count)

    return context.create(create, **kwargs)


def placed_on(strategy: Strategy, index: int) -> contextlib.AbstractContextManager[Any]:
    """A scope that places operations on the GPU or logical CPU of a replica; without those all replicas share the CPU."""
    devices = getattr(strategy, "devices", None)
    if devices is None or not (has_gpus() or POLICY.cpus > 1):
        return contextlib.nullcontext()
    return config.device(devices[index])


def mirrored_variable(
    strategy: Strategy,
    create: Callable[..., Any],
    kwargs: Any,
    count: int,
    mirrored: Callable[..., Any] = MirroredVariable,
) -> Any:
    """Create a variable with `count` copies in this process. `mirrored` makes one with copies that stay equal.

    Raises:
      ValueError: its synchronization is not one of those that strategies know.
    """
    synchronization = kwargs.get("synchronization") or VariableSynchronization.AUTO
    if not isinstance(synchronization, VariableSynchronization):
        raise ValueError(
            f"Invalid variable synchronization mode: {synchronization} for variable: "
            f"{kwargs.get('name')}"
        )
    if synchronization is VariableSynchronization.NONE:
        raise ValueError(
            "`NONE` variable synchronization mode is not supported with tf.distribute strategy. "
            f"Please change the `synchronization` for variable: {kwargs.get('name')}"
        )
    on_read = synchronization is VariableSynchronization.ON_READ
    if not on_read:
        kwargs = {**kwargs, "synchronization": VariableSynchronization.ON_WRITE}
    elif kwargs.get("trainable") is None:
        kwargs = {**kwargs, "trainable": False}
    with placed_on(strategy, 0):
        first = create(**kwargs)
    copies = [first]
    for i in range(1, count):
        name = f"{first._name.rpartition('/')[2]}/replica_{i}/"
        own = {**kwargs, "initial_value": first.read_value, "name": name.rstrip("/")}
        with placed_on(strategy, i):
            copies.append(create(**own))
    return (SyncOnReadVariable if on_read else mirrored)(strategy, copies)
