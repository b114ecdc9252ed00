"""Collective work of the replicas of `MultiWorkerMirroredStrategy`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.cluster.description import ALONE
from penstock._src.cluster.transport import Transport
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.distribute.context import current
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.mirrored.strategy import mirrored_variable
from penstock._src.distribute.mirrored.variables import (
    DistributedVariable,
    MirroredVariable,
    builds_for_sessions,
    updating,
)
from penstock._src.distribute.strategy import ReplicaContext
from penstock._src.distribute.values import (
    DistributedValues,
    InputContext,
    Mirrored,
    ReduceOp,
    ValueContext,
)
from penstock._src.distribute.workers import datasets
from penstock._src.distribute.workers.communication import CommunicationOptions
from penstock._src.distribute.workers.implementation import choose
from penstock._src.distribute.workers.parts.options import ShardingOptions
from penstock._src.distribute.workers.parts.updates import PartialUpdates, select_whole
from penstock._src.distribute.workers.parts.variables import (
    DividedVariable,
    Division,
    UpdatedVariable,
)
from penstock._src.distribute.workers.parts.weights import DividedWeight
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableSynchronization
from penstock._src.graph.operation import is_symbolic
from penstock._src.ops.collective.cluster import (
    cluster_broadcast,
    cluster_gather,
    cluster_reduce,
)
from penstock._src.util import nest
from penstock._src.util.flags import flags
from penstock._src.util.signatures import read_only

COMPRESSED_FROM = 1 << 16  # bytes
FINAL = {ReduceOp.SUM: "Id", ReduceOp.MEAN: "Div"}


def reduced(kind: ReduceOp, values: Sequence[Any], options: CommunicationOptions) -> list[Any]:
    """Returns the sum or mean of each value over all workers; slices become those of all workers."""
    dense = [i for i, value in enumerate(values) if not isinstance(value, IndexedSlices)]
    dense.sort(key=lambda i: _when_made(values[i]))
    results = [
        _reduced_slices(kind, value) if isinstance(value, IndexedSlices) else None
        for value in values
    ]
    if dense:
        totals = cluster_reduce(
            inputs=[convert_to_tensor(values[i]) for i in dense],
            merge_op="Add",
            final_op=FINAL[kind],
            pack_bytes=options.bytes_per_pack,
            wire=_wire([values[i] for i in dense]),
        )
        for i, total in zip(dense, totals):
            results[i] = total
    return results


def _wire(values: Sequence[Any]) -> str:
    """The type in which values travel. Small ones, such as a batch's statistics, travel as they are: they would lose digits for nothing."""
    tensors = [convert_to_tensor(value) for value in values]
    sizes = [x.shape.num_elements() for x in tensors]
    if None in sizes or any(x.dtype != dtypes.float32 for x in tensors):
        return ""
    return flags.compress_sums if 4 * sum(sizes) >= COMPRESSED_FROM else ""


def _when_made(value: Any) -> int:
    """The position of a value's producer among the operations of its graph: values that are ready first travel first."""
    return value.op.position if is_symbolic(value) else -1


def _reduced_slices(kind: ReduceOp, slices: IndexedSlices) -> IndexedSlices:
    rows = gathered(slices.values)
    if kind is ReduceOp.MEAN:
        workers = current()[0].num_replicas_in_sync
        rows = rows / convert_to_tensor(workers, dtype=rows.dtype)
    return IndexedSlices(rows, gathered(slices.indices), slices.dense_shape)


def gathered(value: Any, axis: int = 0) -> Any:
    """Returns the values of all workers joined along an axis, along which their sizes may differ."""
    tensor = convert_to_tensor(value)
    if axis == 0:
        return cluster_gather(input=tensor)[0]
    rank = tensor.shape.rank
    if rank is None:
        raise ValueError("gather: the rank of `value` must be known if axis is not 0.")
    if not -rank <= axis < rank:
        raise ValueError(f"gather: `axis` must be in [{-rank}, {rank}). Received {axis}.")
    swapped = list(range(rank))
    swapped[0], swapped[axis] = swapped[axis], swapped[0]
    joined = cluster_gather(input=raw.Transpose(x=tensor, perm=swapped))[0]
    return raw.Transpose(x=joined, perm=swapped)


class WorkerReplicaContext(ReplicaContext):
    """The context of the replica of this process."""

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Returns the sum or mean over the replicas of each tensor of a nest."""
        extended = self._strategy.extended
        if self.num_replicas_in_sync == 1:
            return super().all_reduce(reduce_op, value, options)
        kind = ReduceOp(reduce_op.upper()) if isinstance(reduce_op, str) else reduce_op
        leaves = reduced(kind, nest.flatten(value), options or extended.options)
        return nest.pack_sequence_as(value, leaves)

    def _merge_call(self, merge_fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        partial = self._strategy.extended.partial
        with contextlib.nullcontext() if partial is None else partial.together():
            return super()._merge_call(merge_fn, args, kwargs)

    def all_gather(self, value: Any, axis: Any, options: Any = None) -> Any:
        """Returns the values of all replicas joined along an axis."""
        if self.num_replicas_in_sync == 1:
            return super().all_gather(value, axis, options)
        return nest.map_structure(lambda leaf: gathered(leaf, axis), value)


class CollectiveAllReduceExtended(StrategyExtended):
    """The hooks of `MultiWorkerMirroredStrategy`.

    Args:
      container_strategy: the strategy.
      transport: what connects the workers; None if there is one.
      options: how they communicate.
      sharding: what of the state of training they divide among them.
    """

    # Libraries read it: a replica may be given an empty batch at the end of a dataset, of which layers must not take moments.
    experimental_enable_get_next_as_optional = True

    def __init__(
        self,
        container_strategy: Any,
        transport: Transport | None,
        options: CommunicationOptions,
        sharding: ShardingOptions,
    ) -> None:
        super().__init__(container_strategy)
        self._cluster = ALONE if transport is None else transport.cluster
        self._is_chief = self._cluster.is_chief
        self.options = options
        self.partial: PartialUpdates | None = None  # if variables are updated as shards
        self._division = Division(self._cluster.size, self._cluster.rank)
        if sharding.stage and self._cluster.size > 1:
            self.partial = PartialUpdates(sharding, self._division, options.bytes_per_pack)
        self._beside: Any = None  # the variable beside which others are made
        if transport is not None and options.timeout_seconds:
            transport.timeout = options.timeout_seconds
        if transport is not None and transport.cluster.size > 1:
            choose(type(container_strategy).__name__, transport, options.implementation)

    should_checkpoint = read_only("_is_chief", "True if this process writes checkpoints.")
    should_save_summary = read_only("_is_chief", "True if this process writes summaries.")
    # Libraries read these: workers other than the chief write to folders of their own.
    _cluster_resolver = read_only("_strategy.cluster_resolver", "What describes the cluster.")
    _task_type = read_only("_cluster_resolver.task_type", "The name of this process's job.")
    _task_id = read_only("_cluster_resolver.task_id", "The number of this process in its job.")
    experimental_between_graph = property(
        lambda self: True, doc="True if each worker has a graph of its own."
    )

    @property
    def _num_replicas_in_sync(self) -> int:
        return self._cluster.size

    def _in_multi_worker_mode(self) -> bool:
        return self._cluster.size > 1

    def _get_local_replica_id(self, replica_id_in_sync_group: Any) -> int:
        return 0

    def _local_results(self, val: Any) -> tuple[Any, ...]:
        if isinstance(val, DividedVariable | DividedWeight) or not isinstance(
            val, DistributedValues
        ):
            return (val,)
        return val.values

    # -- variables

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        if not self._in_multi_worker_mode():
            return super()._create_variable(next_creator, **kwargs)
        options = {**kwargs, "initial_value": _of_the_chief(kwargs)}
        if self.partial is None:
            return mirrored_variable(self._strategy, next_creator, options, 1)
        if self._beside is not None and self.partial.divides(self._beside):
            return self._create_slot(next_creator, options, self._beside.shape)
        if self.partial.divides_weights and is_weight(kwargs):
            return self._create_weight(next_creator, options)
        gather = self.partial.gather_for
        return mirrored_variable(
            self._strategy, next_creator, options, 1,
            lambda strategy, copies: UpdatedVariable(strategy, copies, gather),
        )  # fmt: skip

    @contextlib.contextmanager
    def colocate_vars_with(self, colocate_with_variable: Any) -> Iterator[None]:
        """Makes variables where another one lies; within, those of its shape may be divided as its updates are.

        Args:
          colocate_with_variable: a variable of this strategy.

        Yields:
          None.
        """
        before, self._beside = self._beside, colocate_with_variable
        try:
            with super().colocate_vars_with(colocate_with_variable):
                yield
        finally:
            self._beside = before

    def _create_slot(self, create: Callable[..., Any], options: dict[str, Any], shape: Any) -> Any:
        """Create a slot of a sharded variable. A slot of the variable's shape is sharded likewise."""

        def make(value: Any) -> Any:
            return create(**{**options, "initial_value": value})

        def divided(part: Variable, whole: Any) -> Any:
            stays_divided = self.partial is not None and self.partial.divides_weights
            return DividedVariable(self._strategy, part, whole, self._division, make, stays_divided)

        return self._create_divided(create, options, lambda whole: whole == shape, divided)

    def _create_weight(self, create: Callable[..., Any], options: dict[str, Any]) -> Any:
        """Create a trained variable: sharded if it is large."""
        partial = self.partial
        assert partial is not None
        if builds_for_sessions():
            raise UnimplementedError(
                None, None, "ShardingOptions: stage=3 is not implemented in TensorFlow 1's graphs."
            )

        def divided(part: Variable, whole: Any) -> Any:
            pack_bytes = self.options.bytes_per_pack
            return DividedWeight(self._strategy, part, whole, self._division, pack_bytes)

        return self._create_divided(create, options, partial.is_large, divided)

    def _create_divided(
        self,
        create: Callable[..., Any],
        options: dict[str, Any],
        divides: Callable[[Any], bool],
        divided: Callable[[Variable, Any], Any],
    ) -> Any:
        """A variable that is sharded if its shape permits: the result of `divided` for the shard and the shape."""
        initial, dtype = options["initial_value"], options.get("dtype")
        shapes: list[Any] = []

        def own(**arguments: Any) -> Any:
            value = initial(**arguments) if callable(initial) else initial
            whole = convert_to_tensor(value, dtype)
            shapes.append(whole.shape)
            return self._division.part(whole) if divides(whole.shape) else whole

        def mirrored(strategy: Any, copies: Any) -> Any:
            if not divides(shapes[-1]):
                return MirroredVariable(strategy, copies)
            return divided(copies[0], shapes[-1])

        return mirrored_variable(
            self._strategy, create, {**options, "initial_value": own}, 1, mirrored
        )

    def _update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        if not isinstance(var, DistributedVariable):
            return super()._update(var, fn, args, kwargs, group)
        if self.partial is not None and self.partial.applies(var, fn, args, kwargs):
            result = self.partial.run(var, fn, args, kwargs)
            return result if group else nest.map_structure(self._local_results, result)
        if isinstance(var, DividedVariable):
            var.make_whole()
        with updating(0):
            own_args, own_kwargs = select_whole((tuple(args), kwargs))
            own = var if isinstance(var, DividedWeight) else var.values[0]
            result = fn(own, *own_args, **own_kwargs)
        return result if group else nest.map_structure(self._local_results, result)

    # -- reductions

    def _reduce_to(self, reduce_op: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        return self._batch_reduce_to(reduce_op, [(value, destinations)], options)[0]

    def _batch_reduce_to(
        self, reduce_op: ReduceOp, value_destination_pairs: Any, options: Any
    ) -> list[Any]:
        values = [value for value, _ in value_destination_pairs]
        if not self._in_multi_worker_mode():
            return values
        results = [None if _is_equal_everywhere(reduce_op, value) else value for value in values]
        own = [_local(value) for value in results if value is not None]
        totals = iter(reduced(reduce_op, own, options or self.options) if own else ())
        return [value if result is None else next(totals) for value, result in zip(values, results)]

    def _gather_to(self, value: Any, destinations: Any, axis: int, options: Any = None) -> Any:
        if not self._in_multi_worker_mode():
            return super()._gather_to(value, destinations, axis, options)
        return nest.map_structure(lambda leaf: gathered(_local(leaf), axis), value)

    # -- inputs

    def _input_context(self) -> InputContext:
        return InputContext(self._cluster.size, self._cluster.rank, self._cluster.size)

    def _experimental_distribute_dataset(self, dataset: Any, options: Any) -> Any:
        if not self._in_multi_worker_mode():
            return dataset
        return datasets.of_worker(dataset, self._cluster)

    def _distribute_datasets_from_function(self, dataset_fn: Any, options: Any) -> Any:
        dataset = dataset_fn(self._input_context())
        return datasets.in_step(dataset) if self._in_multi_worker_mode() else dataset

    def _experimental_distribute_values_from_function(self, value_fn: Any) -> Any:
        return value_fn(ValueContext(self._cluster.rank, self._cluster.size))

    def _make_input_fn_iterator(self, input_fn: Any, replication_mode: Any = None) -> Any:
        context = self._input_context()
        return super()._make_input_fn_iterator(lambda _: input_fn(context), replication_mode)


def _local(value: Any) -> Any:
    """This process's value of a distributed one."""
    return value.values[0] if isinstance(value, DistributedValues) else value


def is_weight(options: dict[str, Any]) -> bool:
    """True if a variable created with these options is trained and has the shape of its initial value."""
    trainable, shape = options.get("trainable"), options.get("shape")
    if trainable is None:
        trainable = options.get("synchronization") is not VariableSynchronization.ON_READ
    return bool(trainable) and shape is None


def _is_equal_everywhere(kind: ReduceOp, value: Any) -> bool:
    """True if a value is the same in all replicas and is thus its own mean."""
    return kind is ReduceOp.MEAN and isinstance(value, Mirrored)


def _of_the_chief(kwargs: dict[str, Any]) -> Any:
    """Return the creation arguments with the chief's initial value instead of this process's."""
    initial, dtype = kwargs.get("initial_value"), kwargs.get("dtype")
    if hasattr(initial, "checkpoint_position"):
        return initial  # all restore the same checkpoint

    def value(**options: Any) -> Any:
        own = initial(**options) if callable(initial) else initial
        return cluster_broadcast(input=convert_to_tensor(own, dtype))

    return value
