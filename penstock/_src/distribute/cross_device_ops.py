"""CrossDeviceOps: reduction of the values of several replicas to one, and broadcast of one value to all."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.math.arithmetic import add_n
from penstock._src.core.calls.placement import CPU, has_gpus, number_named
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import device
from penstock._src.core.registry import raw
from penstock._src.distribute.values import DistributedValues, Mirrored, ReduceOp
from penstock._src.ops.collective.together import together
from penstock._src.util.export import export
from penstock._src.util.slots import above


def check_reduce_op(reduce_op: Any) -> None:
    """Raises ValueError unless `reduce_op` is a ReduceOp."""
    if not isinstance(reduce_op, ReduceOp):
        raise ValueError("`reduce_op` must be Reduce.SUM or Reduce.MEAN.")


def replica_count(destinations: Any) -> int | None:
    """Returns the number of copies that the destinations need; None for a device or a plain value."""
    return len(destinations.values) if isinstance(destinations, DistributedValues) else None


def copies(value: Any, destinations: Any) -> Any:
    """Returns `value` once for each replica of the destinations, or itself if there is one destination."""
    count = replica_count(destinations)
    return value if count is None else Mirrored([value] * count)


@export("distribute.CrossDeviceOps")
class CrossDeviceOps:
    """Base class of reductions and broadcasts; subclasses implement `reduce_implementation`.

    >>> isinstance(tf.distribute.ReductionToOneDevice(), tf.distribute.CrossDeviceOps)
    True
    """

    # Workers among which other processes' values are reduced: none of these classes go beyond one process.
    _num_between_graph_workers = 1

    def __init__(self) -> None:
        pass

    def reduce(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any = None
    ) -> Any:
        """Returns the values of all replicas as one.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`.
          per_replica_value: a distributed value.
          destinations: a device, a variable or a value: where the result is put.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A value at the destinations.

        Raises:
          ValueError: an argument is of another kind.
        """
        check_reduce_op(reduce_op)
        if not isinstance(per_replica_value, DistributedValues):
            return copies(_plain(per_replica_value), destinations)
        return self.reduce_implementation(reduce_op, per_replica_value, destinations, options)

    def batch_reduce(
        self, reduce_op: Any, value_destination_pairs: Sequence[Any], options: Any = None
    ) -> list[Any]:
        """Returns several values of all replicas, each as one.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`.
          value_destination_pairs: pairs of a distributed value and where its result is put.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A list of values.

        Raises:
          ValueError: an argument is of another kind.
        """
        check_reduce_op(reduce_op)
        for pair in value_destination_pairs:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise ValueError("Each element of `value_destination_pairs` should be a tuple.")
        if not all(isinstance(v, DistributedValues) for v, _ in value_destination_pairs):
            return [self.reduce(reduce_op, v, d, options) for v, d in value_destination_pairs]
        return self.batch_reduce_implementation(reduce_op, value_destination_pairs, options)

    def broadcast(self, tensor: Any, destinations: Any) -> Any:
        """Returns a value at several places.

        Args:
          tensor: the value.
          destinations: a device, a variable or a value: where it is put.

        Returns:
          A distributed value.
        """
        return self.broadcast_implementation(tensor, destinations)

    def _gather(
        self, per_replica_value: Any, destinations: Any, axis: int, options: Any = None
    ) -> Any:
        """Returns the values of all replicas joined along an axis, at the destinations."""
        values = getattr(per_replica_value, "values", [per_replica_value])
        if isinstance(per_replica_value, IndexedSlices) or isinstance(values[0], IndexedSlices):
            raise NotImplementedError("gather/all_gather does not support IndexedSlices")
        tensors = [convert_to_tensor(value) for value in values]
        joined = raw.ConcatV2(values=tensors, axis=axis) if len(tensors) > 1 else tensors[0]
        return copies(joined, destinations)

    def reduce_implementation(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Does what `reduce` does; subclasses have it.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`.
          per_replica_value: a distributed value.
          destinations: where the result is put.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A value at the destinations.
        """
        raise NotImplementedError("_reduce method must be implemented in descendants.")

    def batch_reduce_implementation(
        self, reduce_op: Any, value_destination_pairs: Sequence[Any], options: Any
    ) -> list[Any]:
        """Does what `batch_reduce` does; subclasses may have a faster way.

        Args:
          reduce_op: a `tf.distribute.ReduceOp`.
          value_destination_pairs: pairs of a distributed value and where its result is put.
          options: a `tf.distribute.experimental.CommunicationOptions`.

        Returns:
          A list of values.
        """
        return [
            self.reduce_implementation(reduce_op, value, destinations, options)
            for value, destinations in value_destination_pairs
        ]

    def broadcast_implementation(self, tensor: Any, destinations: Any) -> Any:
        """Does what `broadcast` does; subclasses may have a faster way.

        Args:
          tensor: the value.
          destinations: where it is put.

        Returns:
          A distributed value.
        """
        return copies(_plain(tensor), destinations)


@export("distribute.ReductionToOneDevice")
class ReductionToOneDevice(CrossDeviceOps):
    """Reduces on one device and copies the result to the destinations.

    Args:
      reduce_to_device: accepted; all replicas of a process share its memory.
      accumulation_fn: adds a list of tensors; `tf.add_n` by default.

    >>> reduction = tf.distribute.ReductionToOneDevice()
    >>> strategy = tf.distribute.MirroredStrategy(["CPU:0"], cross_device_ops=reduction)
    >>> strategy.num_replicas_in_sync
    1
    """

    def __init__(
        self, reduce_to_device: Any = None, accumulation_fn: Callable[..., Any] | None = None
    ) -> None:
        super().__init__()
        self.reduce_to_device, self.accumulation_fn = reduce_to_device, accumulation_fn or add_n

    def reduce_implementation(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Returns the sum or mean, once for each replica of the destinations."""
        total = _total(per_replica_value.values, self.accumulation_fn)
        if reduce_op is ReduceOp.MEAN:
            total = _divided(total, len(per_replica_value.values))
        return copies(total, destinations)


class AllReduceCrossDeviceOps(ReductionToOneDevice):
    """Reduces on all devices at once; within one process the values are simply added."""

    def __init__(self, num_packs: int = 1) -> None:
        if num_packs < 0:
            raise ValueError(
                f"NCCL all-reduce requires num_packs >= 0, but {num_packs} is specified"
            )
        super().__init__()
        self._num_packs = num_packs


@export("distribute.NcclAllReduce")
class NcclAllReduce(AllReduceCrossDeviceOps):
    """All-reduce by NCCL among different GPUs, where it is installed; else as `ReductionToOneDevice`.

    Args:
      num_packs: into how many parts values are packed.

    >>> isinstance(tf.distribute.NcclAllReduce(), tf.distribute.CrossDeviceOps)
    True
    """

    def reduce_implementation(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Returns the sum or mean, once for each replica of the destinations."""
        values = per_replica_value.values
        if replica_count(destinations) != len(values) or not goes_by_nccl(values):
            return super().reduce_implementation(
                reduce_op, per_replica_value, destinations, options
            )
        totals = together(
            inputs=list(values),
            Tout=[v.dtype for v in values],
            kind="Reduce",
            merge_op="Add",
            final_op="Id",
            sizes=[len(values)] * len(values),
            group_key=0,
        )
        if reduce_op is ReduceOp.MEAN:
            count = len(values)
            totals = [_divided_on(v.device, t, count) for t, v in zip(totals, values, strict=True)]
        return Mirrored(list(totals))


@export("distribute.HierarchicalCopyAllReduce")
class HierarchicalCopyAllReduce(AllReduceCrossDeviceOps):
    """All-reduce, which on GPUs would follow the links between GPUs of one machine.

    Args:
      num_packs: into how many parts values are packed.

    >>> reduction = tf.distribute.HierarchicalCopyAllReduce(num_packs=2)
    >>> isinstance(reduction, tf.distribute.CrossDeviceOps)
    True
    """


def goes_by_nccl(values: Sequence[Any]) -> bool:
    """True if NCCL can add these values of replicas."""
    if not has_gpus() or any(isinstance(v, IndexedSlices) for v in values):
        return False
    numbers = [number_named(v.device) for v in values]
    if CPU in numbers:
        return False
    return bool(above("can_combine")(numbers, [v.dtype for v in values]))


def reductions_for(devices: Sequence[str]) -> CrossDeviceOps:
    """Return the default reduction of values of replicas on these devices."""
    numbers = [number_named(device) for device in devices]
    is_theirs = has_gpus() and CPU not in numbers and above("can_combine")(numbers, ())
    return NcclAllReduce() if is_theirs else ReductionToOneDevice()


def _divided_on(name: str, total: Any, count: int) -> Any:
    with device(name):
        return _divided(total, count)


def _plain(value: Any) -> Any:
    return value if isinstance(value, IndexedSlices) else convert_to_tensor(value)


def _total(values: Sequence[Any], accumulate: Callable[..., Any]) -> Any:
    if not all(isinstance(v, IndexedSlices) for v in values):
        return accumulate([convert_to_tensor(v) for v in values])
    parts = [convert_to_tensor(v.values) for v in values]
    rows = [convert_to_tensor(v.indices) for v in values]
    return IndexedSlices(
        raw.ConcatV2(values=parts, axis=0),
        raw.ConcatV2(values=rows, axis=0),
        values[0].dense_shape,
    )


def _divided(value: Any, count: int) -> Any:
    if isinstance(value, IndexedSlices):
        return IndexedSlices(_divided(value.values, count), value.indices, value.dense_shape)
    return value / convert_to_tensor(count, dtype=value.dtype)
