"""Methods of a strategy for authors of strategies and of distribution-aware code.

The public methods check where they are called, and call the hooks below, whose names begin with an underscore: a strategy of
one's own overrides hooks. Those here are of a strategy with one replica.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import group as grouped
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.data.dataset import Dataset
from penstock._src.distribute.context import (
    Defaults,
    Entered,
    StrategyScope,
    converted,
    current,
    require_cross_replica,
)
from penstock._src.distribute.input_iterators import InputIterator, InputOfFunction
from penstock._src.distribute.values import InputContext, MultiStepContext, ReduceOp, ValueContext
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def as_reduce_op(op: Any) -> ReduceOp:
    """Returns a reduction given by its name in any case, or as it is."""
    return ReduceOp(op.upper()) if isinstance(op, str) else op


def raw_identity(value: Any) -> Any:
    """Returns a copy of a tensor, or a composite unchanged."""
    return value if nest.is_composite(value) else raw.Identity(convert_to_tensor(value))


@export("distribute.StrategyExtended", v1=["distribute.StrategyExtended"])
class StrategyExtended:
    """The methods for authors of distribution-aware code, and the hooks of a strategy.

    Args:
      container_strategy: the strategy.
    """

    # The device of variables and operations within the scope, if it is not chosen there.
    _default_device: str | None = None
    # True if batches of datasets are those of all replicas together.
    _global_batch_size = True

    # Whether assigning to a sum over the replicas returns it, for which replicas elsewhere would have to be asked.
    reads_assigned_sums = True

    def __init__(self, container_strategy: Any) -> None:
        self._strategy = container_strategy

    def _container_strategy(self) -> Any:
        return self._strategy

    worker_devices = read_only("_strategy.devices", "The devices that replicas run on.")
    parameter_devices = read_only("_strategy.devices", "The devices that hold variables.")

    experimental_require_static_shapes = property(
        lambda _: False, doc="True if all shapes must be static."
    )

    # -- replicas

    def call_for_each_replica(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Calls `fn` once per replica.

        Args:
          fn: the function.
          args, kwargs: its arguments; each replica gets its part of distributed values.

        Returns:
          What the replicas return, merged into distributed values.
        """
        require_cross_replica(self._strategy)
        with self._strategy.scope():
            return self._call_for_each_replica(fn, args, kwargs or {})

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with Entered(self._strategy, self._strategy.default_replica):
            return fn(*args, **kwargs)

    @property
    def _num_replicas_in_sync(self) -> int:
        return len(self._strategy.devices)

    def _local_results(self, val: Any) -> tuple[Any, ...]:
        return (val,)

    def _get_local_replica_id(self, replica_id_in_sync_group: Any) -> Any:
        return replica_id_in_sync_group

    def value_container(self, value: Any) -> Any:
        """Returns the distributed value that a replica's value belongs to.

        Args:
          value: in a replica.

        Returns:
          The distributed value, or `value`.
        """
        return value

    def _group(self, value: Any, name: str | None = None) -> Any:
        leaves = nest.flatten(self._local_results(value))
        if len(leaves) != 1 or name is not None:
            return grouped(*leaves, name=name)
        return leaves[0] if STATE.graph is None else getattr(leaves[0], "op", leaves[0])

    def _use_merge_call(self) -> bool:
        return True

    # -- variables

    def _scope(self, strategy: Any) -> Any:
        return StrategyScope(strategy)

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        variable = next_creator(**kwargs)
        variable._distribute_strategy = self._strategy
        return variable

    def variable_created_in_scope(self, v: Any) -> bool:
        """True if a variable was created within this strategy's scope.

        Args:
          v: a variable.

        Returns:
          A bool.
        """
        return getattr(v, "_distribute_strategy", Defaults.strategy) is self._strategy

    def colocate_vars_with(self, colocate_with_variable: Any) -> Any:
        """Makes variables where another one lies.

        Args:
          colocate_with_variable: a variable of this strategy.

        Returns:
          A context manager.
        """
        self._validate_colocate_with_variable(colocate_with_variable)
        # Replicas may not enter the scope: legacy Keras makes the state of optimizers in them.
        is_open = current()[0] is self._strategy
        return contextlib.nullcontext() if is_open else self._strategy.scope()

    def _validate_colocate_with_variable(self, colocate_with_variable: Any) -> None:
        """Raises ValueError if variables cannot lie where this one does."""

    def read_var(self, v: Any) -> Any:
        """Returns the value of a variable, reduced over replicas if each has its own.

        Args:
          v: a variable.

        Returns:
          A tensor.
        """
        return v.read_value()

    def update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        group: bool = True,
    ) -> Any:
        """Calls `fn(var, *args)` on the variable's device; in a replica, once for all of them.

        Args:
          var: a variable.
          fn: the function.
          args, kwargs: its further arguments.
          group: whether what it returns on all devices becomes one value.

        Returns:
          The result; if not `group`, each value is a tuple of the results on all devices.
        """
        replica = current()[1]
        if replica is not None and replica is not Defaults.strategy.default_replica:
            return self._replica_ctx_update(var, fn, args, kwargs, group)
        fn = converted(fn)
        with self._strategy.scope():
            return self._update(var, fn, args, kwargs or {}, group)

    def _replica_ctx_update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        group: bool = True,
    ) -> Any:
        def merge(strategy: Any, *args: Any, **kwargs: Any) -> Any:
            return strategy.extended.update(var, fn, args, kwargs, group)

        return current()[1].merge_call(merge, args, kwargs)

    def _update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        return self._update_non_slot(var, fn, (var, *args), kwargs, group)

    def non_slot_devices(self, var_list: Any) -> tuple[str, ...]:
        """Returns the devices of optimizer variables that are not slots of other variables.

        Args:
          var_list: the variables that the optimizer trains.

        Returns:
          A tuple of str.
        """
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
        """Calls `fn(*args)` on the devices of optimizer variables.

        Args:
          colocate_with: what `non_slot_devices` returned.
          fn: the function.
          args, kwargs: its arguments.
          group: whether what it returns on all devices becomes one value.

        Returns:
          What `fn` returns.
        """
        require_cross_replica(self._strategy)
        fn = converted(fn)
        with self._strategy.scope():
            return self._update_non_slot(colocate_with, fn, args, kwargs or {}, group)

    def _update_non_slot(
        self, colocate_with: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool
    ) -> Any:
        del colocate_with
        result = fn(*args, **kwargs)
        return result if group else nest.map_structure(self._local_results, result)

    # -- reductions

    def reduce_to(self, reduce_op: Any, value: Any, destinations: Any, options: Any = None) -> Any:
        """Returns the values of all replicas as one.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`, "sum" or "mean".
          value: a distributed value, or a structure of them.
          destinations: a value or devices that the result is for.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A value for these destinations.
        """
        require_cross_replica(self._strategy)
        with self._strategy.scope():
            return self._reduce_to(as_reduce_op(reduce_op), value, destinations, options)

    def _reduce_to(self, reduce_op: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        return value

    def batch_reduce_to(
        self, reduce_op: Any, value_destination_pairs: Any, options: Any = None
    ) -> list[Any]:
        """Returns `reduce_to` of each pair.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`, "sum" or "mean".
          value_destination_pairs: pairs of a distributed value and its destinations.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A list of values.
        """
        require_cross_replica(self._strategy)
        with self._strategy.scope():
            return self._batch_reduce_to(as_reduce_op(reduce_op), value_destination_pairs, options)

    def _batch_reduce_to(
        self, reduce_op: ReduceOp, value_destination_pairs: Any, options: Any
    ) -> list[Any]:
        return [self.reduce_to(reduce_op, v, d, options) for v, d in value_destination_pairs]

    def _reduce(self, reduce_op: ReduceOp, value: Any) -> Any:
        """The value of the first local replica, once all are reduced."""

        def one(leaf: Any) -> Any:
            reduced = self.reduce_to(reduce_op, leaf, STATE.device or "/device:CPU:0")
            return self._local_results(reduced)[0]

        return nest.map_structure(one, value)

    def _gather_to(self, value: Any, destinations: Any, axis: int, options: Any = None) -> Any:
        """The values of all replicas joined along an axis."""

        def one(leaf: Any) -> Any:
            tensors = [convert_to_tensor(each) for each in self._local_results(leaf)]
            joined = raw.ConcatV2(values=tensors, axis=axis) if len(tensors) > 1 else tensors[0]
            return raw_identity(joined)

        return nest.map_structure(one, value)

    def _replica_ctx_all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Returns the sum or mean over the replicas, in the current replica."""
        return current()[1].all_reduce(reduce_op, value, options)

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """Returns the tensor: all destinations are devices of this machine.

        Args:
          tensor: a tensor.
          destinations: a value or devices that it is for.

        Returns:
          A value for these destinations.
        """
        require_cross_replica(self._strategy)
        with self._strategy.scope():
            return self._broadcast_to(tensor, destinations)

    def _broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        return convert_to_tensor(tensor)

    # -- inputs

    def _experimental_distribute_dataset(self, dataset: Any, options: Any) -> Any:
        return dataset

    def _distribute_datasets_from_function(self, dataset_fn: Any, options: Any) -> Any:
        return dataset_fn(InputContext())

    def _experimental_distribute_values_from_function(self, value_fn: Any) -> Any:
        return value_fn(ValueContext(0, self._num_replicas_in_sync))

    def _make_dataset_iterator(self, dataset: Any) -> Any:
        shared = self._experimental_distribute_dataset(dataset, None)
        return InputIterator(shared)

    def _make_input_fn_iterator(self, input_fn: Any, replication_mode: Any = None) -> Any:
        dataset_or_function = input_fn(InputContext(1, 0, self._num_replicas_in_sync))
        if callable(dataset_or_function):
            return InputOfFunction(dataset_or_function, self._num_replicas_in_sync)
        shared = self._distribute_datasets_from_function(lambda _: dataset_or_function, None)
        return InputIterator(shared)

    def experimental_make_numpy_dataset(self, numpy_input: Any, session: Any = None) -> Any:
        """A dataset of the rows of arrays, or of a structure of them.

        Args:
          numpy_input: an array or a structure of them, equal in their first sizes.
          session: accepted.

        Returns:
          A Dataset.
        """
        require_cross_replica(self._strategy)
        return self._experimental_make_numpy_dataset(numpy_input, session)

    def _experimental_make_numpy_dataset(self, numpy_input: Any, session: Any) -> Any:
        return Dataset.from_tensor_slices(numpy_input)

    def experimental_run_steps_on_iterator(
        self,
        fn: Callable[..., Any],
        iterator: Any,
        iterations: int = 1,
        initial_loop_values: Any = None,
    ) -> Any:
        """Calls `fn(context, inputs)` `iterations` times, on an iterator's elements.

        Args:
          fn: of a MultiStepContext and an element.
          iterator: of a distributed dataset.
          iterations: the number of steps.
          initial_loop_values: what the outputs of the context begin with.

        Returns:
          The context, a `MultiStepContext`, which has the last step's outputs and, in a graph, the operation `run_op` that
          runs all steps.
        """
        require_cross_replica(self._strategy)
        with self._strategy.scope():
            return self._experimental_run_steps_on_iterator(
                fn, iterator, iterations, initial_loop_values
            )

    def _experimental_run_steps_on_iterator(
        self,
        fn: Callable[..., Any],
        iterator: Any,
        iterations: int,
        initial_loop_values: Any = None,
    ) -> MultiStepContext:
        del initial_loop_values
        context = MultiStepContext()
        done: list[Any] = []
        for _ in range(iterations):
            inputs = iterator.get_next()
            if STATE.graph is None:
                fn(context, inputs)
                continue
            with STATE.graph.control_dependencies(done):
                done = [grouped(*nest.flatten(fn(context, inputs)))]
        context.run_op = grouped(*done) if done else None
        for name, output in context.last_step_outputs.items():
            context.last_step_outputs[name] = self._local_results(output)
        return context

    # -- machines

    def _in_multi_worker_mode(self) -> bool:
        return False

    def _configure(
        self,
        session_config: Any = None,
        cluster_spec: Any = None,
        task_type: Any = None,
        task_id: Any = None,
    ) -> None:
        """Does nothing: there is nothing to configure on one machine."""

    def _update_config_proto(self, config_proto: Any) -> Any:
        return config_proto

    experimental_between_graph = property(
        lambda self: False, doc="True if each worker has a graph of its own."
    )
    experimental_should_init = property(
        lambda self: True, doc="True if this process initializes variables."
    )
    should_checkpoint = property(lambda self: True, doc="True if this process writes checkpoints.")
    should_save_summary = property(lambda self: True, doc="True if this process writes summaries.")
