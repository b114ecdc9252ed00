"""Types that strategies exchange: reductions, input contexts and per-replica values."""

import collections
import operator
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor, refuse_conversion
from penstock._src.core.specs import TypeSpec, spec_of_value
from penstock._src.distribute.context import Defaults, current
from penstock._src.util import nest
from penstock._src.util.export import export, export_constant
from penstock._src.util.signatures import read_only


@export("distribute.ReduceOp", v1=["distribute.ReduceOp"])
class ReduceOp(Enum):
    """Reduction of replicas' values to one: `SUM` or `MEAN`.

    >>> tf.distribute.ReduceOp.SUM.name
    'SUM'
    """

    SUM = "SUM"
    MEAN = "MEAN"

    @staticmethod
    def from_variable_aggregation(aggregation: Any) -> "ReduceOp":
        """Returns the reduction of a variable's aggregation.

        Raises:
          ValueError: the aggregation has no reduction.
        """
        if aggregation.name in ReduceOp.__members__:
            return ReduceOp[aggregation.name]
        raise ValueError(
            f"Could not convert from `tf.VariableAggregation` {aggregation} to `tf.distribute.ReduceOp` type"
        )


@export("distribute.InputReplicationMode")
class InputReplicationMode(Enum):
    """Number of calls of an input function."""

    PER_WORKER = "PER_WORKER"
    PER_REPLICA = "PER_REPLICA"


@export("distribute.InputContext")
class InputContext:
    """Description of the part of the input that a dataset function makes.

    Args:
      num_input_pipelines: how many pipelines there are.
      input_pipeline_id: which of them this is, from 0.
      num_replicas_in_sync: how many replicas there are.

    >>> context = tf.distribute.InputContext(num_input_pipelines=2, input_pipeline_id=1, num_replicas_in_sync=4)
    >>> context.get_per_replica_batch_size(64)
    16
    """

    def __init__(
        self,
        num_input_pipelines: int = 1,
        input_pipeline_id: int = 0,
        num_replicas_in_sync: int = 1,
    ) -> None:
        self._num_input_pipelines = num_input_pipelines
        self._input_pipeline_id = input_pipeline_id
        self._num_replicas_in_sync = num_replicas_in_sync

    num_replicas_in_sync = read_only(
        "_num_replicas_in_sync", "Number of replicas that step together."
    )
    input_pipeline_id = read_only("_input_pipeline_id", "The number of this pipeline, from 0.")
    num_input_pipelines = read_only("_num_input_pipelines", "Number of input pipelines.")

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """Returns the batch size of each replica.

        Args:
          global_batch_size: the batch size of all together.

        Returns:
          An integer.

        Raises:
          ValueError: the number of replicas does not divide it.
        """
        if global_batch_size % self._num_replicas_in_sync:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size!r} is not divisible by "
                f"`num_replicas_in_sync` {self._num_replicas_in_sync!r} "
            )
        return global_batch_size // self._num_replicas_in_sync

    def __str__(self) -> str:
        return (
            f"tf.distribute.InputContext(input pipeline id {self._input_pipeline_id}, total: "
            f"{self._num_input_pipelines})"
        )


InputOptions = collections.namedtuple(
    "InputOptions",
    [
        "experimental_fetch_to_device",
        "experimental_replication_mode",
        "experimental_place_dataset_on_device",
        "experimental_per_replica_buffer_size",
    ],
    defaults=[True, InputReplicationMode.PER_WORKER, False, 1],
)
InputOptions.__doc__ = """Options of a strategy's distribution of a dataset.

Args:
  experimental_fetch_to_device: whether elements are put on the replicas' devices.
  experimental_replication_mode: a `tf.distribute.InputReplicationMode`.
  experimental_place_dataset_on_device: whether the dataset itself runs there.
  experimental_per_replica_buffer_size: how many elements are kept ready for each replica.

>>> options = tf.distribute.InputOptions(experimental_per_replica_buffer_size=2)
>>> options.experimental_fetch_to_device
True
"""
export_constant("distribute.InputOptions", InputOptions)

RunOptions = collections.namedtuple(
    "RunOptions",
    [
        "experimental_enable_dynamic_batch_size",
        "experimental_bucketizing_dynamic_shape",
        "experimental_xla_options",
    ],
    defaults=[True, False, None],
)
RunOptions.__doc__ = """Options of `Strategy.run`, which concern TPUs.

Args:
  experimental_enable_dynamic_batch_size: whether the last batch may be smaller.
  experimental_bucketizing_dynamic_shape: whether unknown sizes are rounded up to a few.
  experimental_xla_options: `tf.tpu.XLAOptions`.
"""
export_constant("distribute.RunOptions", RunOptions)


@export("distribute.DistributedValues", v1=[])
class DistributedValues:
    """Values, one for each replica.

    Args:
      values: the values, one for each replica.

    >>> values = tf.distribute.DistributedValues([1, 2])
    >>> isinstance(values, tf.distribute.DistributedValues)
    True
    """

    def __init__(self, values: Any) -> None:
        self._values = tuple(values)

    values = read_only("_values", "The values, one per replica.")

    def _get(self) -> Any:
        """The value of the current replica; outside of replicas, the value for all of them."""
        replica = current()[1]
        if replica is None:
            return self._get_cross_replica()
        number = replica._local_id
        return self._values[number if isinstance(number, int) else 0]

    def _get_cross_replica(self) -> Any:
        return self._values[0]

    def _shown(self, show: Callable[[Any], str]) -> str:
        shown = ",\n".join(f"  {i}: {show(value)}" for i, value in enumerate(self._values))
        return f"{type(self).__name__}:{{\n{shown}\n}}"

    def __repr__(self) -> str:
        return self._shown(repr)

    def __str__(self) -> str:
        return self._shown(str)


class DistributedDelegate(DistributedValues):
    """Values that answer for the current replica's: they have its attributes, and compute as it does."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # such names tell the kind of the object
            raise AttributeError(name)
        return getattr(self._get(), name)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values, one per replica."""
        return self._values


def _delegated(name: str) -> Callable[..., Any]:
    """Returns the operator method that the current replica's value computes."""
    compute = getattr(operator, name.replace("__r", "__") if name in _REVERSED else name)

    def method(self: DistributedDelegate, *others: Any) -> Any:
        operands = [o._get() if isinstance(o, DistributedDelegate) else o for o in others]
        if name in _REVERSED:
            return compute(*operands, self._get())
        return compute(self._get(), *operands)

    method.__name__ = name
    return method


_BINARY = "add sub mul truediv floordiv mod pow and or xor".split()
_REVERSED = {f"__r{name}__" for name in _BINARY}
_COMPARISONS = "lt le gt ge".split()
for _name in (
    *(f"__{name}__" for name in (*_BINARY, *_COMPARISONS, "neg", "abs", "invert", "getitem")),
    *sorted(_REVERSED),
):
    setattr(DistributedDelegate, _name, _delegated(_name))


@export("types.experimental.distributed.PerReplica", v1=[])
class PerReplica(DistributedValues, CompositeTensor):
    """Values that differ between replicas.

    Args:
      values: the values, one for each replica.

    >>> issubclass(tf.types.experimental.distributed.PerReplica, object)
    True
    """

    @property
    def _type_spec(self) -> "PerReplicaSpec":
        return PerReplicaSpec(*[spec_of_value(value) for value in self._values])


def _no_conversion(value: PerReplica, **_: Any) -> Any:
    raise ValueError(
        "It looks like you are using a PerReplica object while not inside a replica context, which is not "
        "supported. Try running your op or function inside a replica context by using `strategy.run`."
    )


refuse_conversion((PerReplica,), _no_conversion)


class PerReplicaSpec(TypeSpec):
    """The type of per-replica values: a TypeSpec for each."""

    def __init__(self, *value_specs: Any) -> None:
        self._value_specs = value_specs

    value_type = property(lambda _: PerReplica, doc="The class of the values.")

    def _serialize(self) -> tuple[Any, ...]:
        return self._value_specs

    @property
    def _component_specs(self) -> tuple[Any, ...]:
        return self._value_specs

    def _to_components(self, value: PerReplica) -> tuple[Any, ...]:
        return value.values

    def _from_components(self, components: Any) -> PerReplica:
        return PerReplica(components)


@export("types.experimental.distributed.Mirrored", v1=[])
class Mirrored(DistributedDelegate):
    """Values that are the same on all replicas.

    Args:
      values: one for each replica.
    """

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return convert_to_tensor(self._get(), dtype=dtype, name=name)

    def _as_graph_element(self) -> Any:
        """Return the element that a session fetches."""
        local = self._get()
        return local._as_graph_element() if hasattr(local, "_as_graph_element") else local


class ValueContext:
    """The context of a function that creates a value for each replica.

    Args:
      replica_id_in_sync_group: the number of the replica, from 0.
      num_replicas_in_sync: how many replicas step together.
    """

    def __init__(self, replica_id_in_sync_group: int = 0, num_replicas_in_sync: int = 1) -> None:
        self._replica_id_in_sync_group = replica_id_in_sync_group
        self._num_replicas_in_sync = num_replicas_in_sync

    replica_id_in_sync_group = read_only(
        "_replica_id_in_sync_group", "The number of the replica, from 0."
    )
    num_replicas_in_sync = read_only(
        "_num_replicas_in_sync", "Number of replicas that step together."
    )


export("distribute.experimental.ValueContext", v1=["distribute.experimental.ValueContext"])(
    ValueContext
)


class MultiStepContext:
    """Outputs of the steps of `experimental_run_steps_on_iterator`."""

    def __init__(self) -> None:
        self.last_step_outputs: dict[str, Any] = {}
        self._last_step_outputs_reduce_ops: dict[str, Any] = {}
        self.non_tensor_outputs: dict[str, Any] = {}
        self.run_op: Any = None

    def set_last_step_output(self, name: str, output: Any, reduce_op: Any = None) -> None:
        """Keeps an output of the last step.

        Args:
          name: of the output.
          output: of a replica, or of all of them.
          reduce_op: reduces the outputs of all replicas; in a replica it must be given.

        Raises:
          ValueError: it is not given in a replica.
        """
        strategy, replica = current()
        if replica is None or reduce_op is None and strategy is Defaults.strategy:
            self._last_step_outputs_reduce_ops[name] = reduce_op
            self.last_step_outputs[name] = (
                output if reduce_op is None else strategy.reduce(reduce_op, output, axis=None)
            )
            return
        if reduce_op is None:
            raise ValueError(
                "set_last_step_output: a reduce_op must be given in a replica, for the output "
                f"{name!r}."
            )

        def merge(distribution: Any, value: Any) -> None:
            self.last_step_outputs[name] = distribution.reduce(reduce_op, value, axis=None)
            self._last_step_outputs_reduce_ops[name] = reduce_op

        replica.merge_call(merge, args=(output,))

    def set_non_tensor_output(self, name: str, output: Any) -> None:
        """Keeps an output that is not a tensor; in a replica, those of all replicas."""
        replica = current()[1]
        if replica is None:
            self.non_tensor_outputs[name] = output
            return

        def merge(distribution: Any, value: Any) -> None:
            self.non_tensor_outputs[name] = distribution.experimental_local_results(value)

        replica.merge_call(merge, args=(output,))


@export(v1=["distribute.get_loss_reduction"])
def get_loss_reduction() -> ReduceOp:
    """Returns SUM, the reduction of the losses of replicas."""
    return ReduceOp.SUM


def regroup(structures: Sequence[Any], kind: Callable[[Sequence[Any]], Any] = PerReplica) -> Any:
    """Combine the structures of all replicas; leaves that are the same object in all of them stay that object."""
    return _combined(structures, lambda leaves: _grouped(leaves, kind))


def regroup_per_replica(structures: Sequence[Any]) -> Any:
    """Combine the structures of all replicas, such that each leaf is a `PerReplica`."""
    return _combined(structures, PerReplica)


def _combined(structures: Sequence[Any], group: Callable[[Sequence[Any]], Any]) -> Any:
    first = structures[0]
    if isinstance(first, (list, tuple, dict)):
        for other in structures[1:]:
            nest.assert_same_structure(first, other)
        leaves = zip(*[nest.flatten(structure) for structure in structures])
        return nest.pack_sequence_as(first, [group(leaf) for leaf in leaves])
    return group(structures)


def _grouped(values: Sequence[Any], kind: Callable[[Sequence[Any]], Any]) -> Any:
    first = values[0]
    if all(value is first for value in values):
        return first
    reference = getattr(first, "_distributed_container", None)
    container = None if reference is None else reference()
    if container is not None and all(a is b for a, b in zip(values, container.values)):
        return container
    return kind(values)


def regroup_mirrored(structures: Sequence[Any]) -> Any:
    """Regroup values that are equal on all replicas."""
    return regroup(structures, Mirrored)
