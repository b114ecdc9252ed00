"""A MirroredStrategy with shards of DTensors as replicas, as `tensorflow.python.distribute.experimental` has it.

A function that it runs sees whole tensors, once: replicas are distinguished only where values are taken out. So nothing in it
refers to one replica, and what asks for that raises.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.data.structure import compute_batch_size
from penstock._src.distribute.context import Entered, StrategyScope
from penstock._src.distribute.dtensor.clients import create_mesh
from penstock._src.distribute.dtensor.dataset import DTensorDataset, DTensorIterator
from penstock._src.distribute.dtensor.layout import Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.scopes import default_mesh
from penstock._src.distribute.dtensor.tensors import is_dtensor, pack, relayout, unpack
from penstock._src.distribute.dtensor.variables import DVariable
from penstock._src.distribute.extended import StrategyExtended, as_reduce_op
from penstock._src.distribute.strategy import ReplicaContext, Strategy
from penstock._src.distribute.values import DistributedValues, InputContext, ReduceOp, ValueContext
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest
from penstock._src.util.signatures import read_only

DEFAULT_BATCH_MESH_DIM_NAME = "batch"


class DTensorDistributedValue(DistributedValues):
    """The values of replicas as a DTensor, which `tf.function` returns instead.

    Args:
      dtensor: the DTensor.

    Raises:
      ValueError: it is something else.
    """

    def __init__(self, dtensor: Any) -> None:
        if STATE.graph is None and not is_dtensor(dtensor):
            raise ValueError(
                "The DTensorDistributedValue can only be built with DTensor instance, got "
                f"{type(dtensor)}"
            )
        super().__init__((dtensor,))
        self._dtensor = dtensor
        self._parts: tuple[Any, ...] | None = None

    def get_dtensor(self) -> Any:
        """Returns the DTensor.

        Returns:
          A DTensor.
        """
        return self._dtensor

    @property
    def values(self) -> tuple[Any, ...]:
        """The values, one per replica."""
        if self._parts is None:
            self._parts = tuple(unpack(self._dtensor))
        return self._parts

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return convert_to_tensor(self._dtensor, dtype, name=name)

    def __repr__(self) -> str:
        shown = ",\n".join(f"  {i}: {value!r}" for i, value in enumerate(self.values))
        return f"{type(self).__name__}:{{\n{shown}\n}}"


class DTensorReplicaContext(ReplicaContext):
    """The context of a function run by a strategy over DTensors: it represents all replicas.

    Args:
      strategy: the strategy.
    """

    _UNSUPPORTED_ERROR_MSG = (
        "Strategy that is backed by DTensor is run with a global context, and doesn't support "
        "operations for local context, like any call to merge/gather/reduce or local replica ID. "
        "Please use any strategy that is not backed by DTensor"
    )

    def __init__(self, strategy: Any) -> None:
        super().__init__(strategy, 0)

    @property
    def replica_id_in_sync_group(self) -> int:
        """0: there is one context for all replicas."""
        return 0

    def _unsupported(self, *args: Any, **kwargs: Any) -> Any:
        """Raise NotImplementedError, as replicas cannot be distinguished."""
        raise NotImplementedError(self._UNSUPPORTED_ERROR_MSG)

    merge_call = all_reduce = all_gather = _update = _unsupported


class _Scope(StrategyScope):
    """A scope in which variables are DVariables, and operations are on the strategy's mesh."""

    def __enter__(self) -> Any:
        if not self._again:
            self._mesh = default_mesh(self.strategy.mesh)
            self._mesh.__enter__()
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if not self._again:
            self._mesh.__exit__(None, None, None)


class DTensorStrategyExtended(StrategyExtended):
    """The hooks of a strategy over DTensors.

    Args:
      container_strategy: the strategy.
      mesh: its mesh of one dimension.
    """

    def __init__(self, container_strategy: Any, mesh: Mesh) -> None:
        super().__init__(container_strategy)
        self._mesh = mesh

    @property
    def worker_devices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The devices of the mesh."""
        return tuple(self._mesh.local_devices())

    @property
    def parameter_devices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The devices of the mesh."""
        return tuple(self._mesh.local_devices())

    @property
    def _num_replicas_in_sync(self) -> int:
        return self._mesh.size

    def _layout(self, rank: int, is_batch: bool) -> Layout:
        if is_batch:
            return Layout.batch_sharded(self._mesh, self._mesh.dim_names[0], rank)
        return Layout.replicated(self._mesh, rank)

    def _scope(self, strategy: Any) -> Any:
        return _Scope(strategy)

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        del next_creator  # it would make a variable without a layout
        initial = kwargs.pop("initial_value")
        dtype = kwargs.get("dtype")

        def value() -> Any:
            initial_value = convert_to_tensor(initial() if callable(initial) else initial, dtype)
            return relayout(initial_value, self._layout(initial_value.shape.rank, is_batch=False))

        known = {
            name: kwargs.get(name) for name in ("trainable", "name", "dtype", "validate_shape")
        }
        options = {name: item for name, item in known.items() if item is not None}
        variable = DVariable(value(), **options)
        variable._distribute_strategy = self._strategy
        return variable

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        args, kwargs = nest.map_structure(_input, (tuple(args), dict(kwargs)))
        with (
            default_mesh(self._mesh),
            Entered(self._strategy, DTensorReplicaContext(self._strategy)),
        ):
            result = fn(*args, **kwargs)
        return nest.map_structure(DTensorDistributedValue, result)

    def call_for_each_replica(
        self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Calls `fn` once, on whole tensors.

        Args:
          fn: the function.
          args: DTensors, values of replicas, variables of the strategy and iterators over distributed datasets.
          kwargs: such values by name.

        Returns:
          What it returns, as `DTensorDistributedValue`s.

        Raises:
          ValueError: an argument is something else.
        """
        return self._call_for_each_replica(fn, args, kwargs or {})

    def _local_results(self, val: Any) -> tuple[Any, ...]:
        leaves = nest.flatten(val)
        if not any(isinstance(leaf, DTensorDistributedValue) for leaf in leaves):
            return (val,)
        parts = [
            leaf.values
            if isinstance(leaf, DTensorDistributedValue)
            else (leaf,) * self._mesh.num_local_devices()
            for leaf in leaves
        ]
        return tuple(nest.pack_sequence_as(val, each) for each in zip(*parts, strict=True))

    def _reduced(self, kind: ReduceOp, value: Any, axis: Any) -> Any:
        """A value reduced over the replicas, and along an axis of theirs."""
        dtensor = _dtensor_of(value)
        if not is_dtensor(dtensor) and STATE.graph is None:
            if axis is not None:
                raise ValueError(_unsupported_input(value))
            if kind is ReduceOp.SUM and not hasattr(value, "dtype"):
                raise ValueError(
                    f"A non-DistributedValues value {value} cannot be reduced with the given reduce op "
                    f"{kind}."
                )
            return raw.Identity(input=convert_to_tensor(value))
        whole = convert_to_tensor(dtensor)
        if STATE.graph is None and not whole.layout.is_fully_replicated():
            # Replicas hold blocks of rows: an extra leading axis distinguishes them.
            count = self._num_replicas_in_sync
            rows = whole.shape[0] // count
            layout = self._layout(whole.shape.rank + 1, is_batch=True)
            whole = relayout(raw.Reshape(_plain(whole), [count, rows, *whole.shape[1:]]), layout)
            axes = (
                [0] if axis is None else [0, *(n + 1 if n >= 0 else n for n in nest.flatten(axis))]
            )
        elif axis is None:
            return raw.Identity(input=whole)
        else:
            axes = nest.flatten(axis)
        op = raw.Sum if kind is ReduceOp.SUM else raw.Mean
        reduced = op(_plain(whole), axes)
        return relayout(reduced, self._layout(reduced.shape.rank, is_batch=False))

    def _gather_to(self, value: Any, destinations: Any, axis: int, options: Any = None) -> Any:
        if not is_dtensor(_dtensor_of(value)):
            return value
        parts = unpack(_dtensor_of(value))
        return raw.ConcatV2(values=parts, axis=axis)

    def _unsupported(self, *args: Any, **kwargs: Any) -> Any:
        """Raises NotImplementedError: reductions and updates work on whole tensors."""
        raise NotImplementedError(DTensorReplicaContext._UNSUPPORTED_ERROR_MSG)

    reduce_to = batch_reduce_to = update = _replica_ctx_all_reduce = _unsupported
    _make_dataset_iterator = _make_input_fn_iterator = _unsupported

    # -- inputs

    def _experimental_distribute_dataset(self, dataset: Any, options: Any) -> Any:
        size = constant_value(compute_batch_size(dataset))
        if size is None or int(size) < 0:
            raise ValueError(
                "MirroredStrategy: experimental_distribute_dataset requires a static batch size. "
                f"Received a dataset of {dataset.element_spec}, whose batches may differ in size."
            )
        whole = dataset.unbatch().batch(int(size), drop_remainder=True)
        return self._divided(whole, int(size))

    def _divided(self, dataset: Any, batch_size: int) -> DTensorDataset:
        layouts = nest.map_structure(
            lambda spec: self._layout(spec.shape.rank, is_batch=True), dataset.element_spec
        )
        return DTensorDataset(
            dataset,
            mesh=self._mesh,
            layouts=layouts,
            global_batch_size=batch_size,
            dataset_already_batched=True,
            batch_dim=self._mesh.dim_names[0],
        )

    def _distribute_datasets_from_function(self, dataset_fn: Any, options: Any) -> Any:
        count = self._num_replicas_in_sync
        dataset = dataset_fn(InputContext(1, 0, count))
        rows = constant_value(compute_batch_size(dataset))
        if rows is None or int(rows) < 0:
            raise ValueError(
                "MirroredStrategy: distribute_datasets_from_function requires a static batch size. "
                f"Received a dataset of {dataset.element_spec}, whose batches may differ in size."
            )
        # The batches of the replicas follow one another.
        size = int(rows) * count
        return self._divided(dataset.unbatch().batch(size, drop_remainder=True), size)

    def _experimental_distribute_values_from_function(self, value_fn: Any) -> Any:
        count = self._num_replicas_in_sync
        values = [value_fn(ValueContext(number, count)) for number in range(count)]

        def packed(*parts: Any) -> Any:
            tensors = [convert_to_tensor(part) for part in parts]
            if tensors[0].shape.rank == 0:  # a divided tensor has an axis
                tensors = [raw.ExpandDims(input=tensor, axis=0) for tensor in tensors]
            if len({tuple(tensor.shape) for tensor in tensors}) > 1:
                raise InvalidArgumentError("Values of replicas must have the same shape.")
            return pack(tensors, self._layout(tensors[0].shape.rank, is_batch=True))

        return nest.map_structure(packed, *values)


class MirroredStrategy(Strategy):
    """Replicas on the devices of a mesh of one dimension.

    Args:
      devices: names of the mesh's devices; by default all of the preferred type.
      cross_device_ops: accepted: the mesh says how values are reduced.
      mesh: the mesh.

    Raises:
      ValueError: both are given, or the mesh has several dimensions.
    """

    def __init__(
        self, devices: Any = None, cross_device_ops: Any = None, *, mesh: Mesh | None = None
    ) -> None:
        del cross_device_ops
        if mesh is not None and devices is not None:
            raise ValueError(
                "Mesh and devices can not be provided at the same time. received "
                f"mesh = {mesh}, devices = {devices}"
            )
        if mesh is None:
            named = None if devices is None else list(devices)
            count = {} if named is None else {DEFAULT_BATCH_MESH_DIM_NAME: len(named)}
            mesh = create_mesh(count or None, devices=named)
            if named is None:
                mesh = create_mesh({DEFAULT_BATCH_MESH_DIM_NAME: mesh.size})
        if len(mesh.shape()) != 1:
            raise ValueError(
                f"The mesh for MirroredStrategy must be 1D, received: {len(mesh.shape())}D"
            )
        self._mesh = mesh
        self.devices = tuple(mesh.local_devices())
        super().__init__(DTensorStrategyExtended(self, mesh))

    mesh = read_only("_mesh", "The mesh.")

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Returns the values of all replicas as one.

        Args:
          reduce_op: a `tf.distribute.ReduceOp` or its name, "SUM" or "MEAN".
          value: a DTensor, value of replicas or variable.
          axis: an axis that is reduced as well; or None.

        Returns:
          A tensor.

        Raises:
          ValueError: the value is something else, and there is an axis.
        """
        return self.extended._reduced(as_reduce_op(reduce_op), value, axis)

    def gather(self, value: Any, axis: int) -> Any:
        """Returns the values of all replicas joined along an axis.

        Args:
          value: a DTensor or value of replicas; others are returned as they are.
          axis: the axis.

        Returns:
          A tensor.
        """
        return self.extended._gather_to(value, None, axis)

    def make_dataset_iterator(self, dataset: Any) -> Any:
        """Raises NotImplementedError: it is of TensorFlow 1."""
        raise NotImplementedError(
            "Strategy.make_dataset_iterator() is deprecated, and only available in the V1 API."
        )

    def make_input_fn_iterator(self, input_fn: Any, replication_mode: Any = None) -> Any:
        """Raises NotImplementedError: it is of TensorFlow 1."""
        raise NotImplementedError(
            "Strategy.make_input_fn_iterator() is deprecated, and only available in the V1 API."
        )


def _dtensor_of(value: Any) -> Any:
    return value.get_dtensor() if isinstance(value, DTensorDistributedValue) else value


def _plain(tensor: Any) -> Any:
    """Return the whole value of a DTensor, without its layout."""
    return EagerTensor(tensor._value, tensor.dtype) if STATE.graph is None else tensor


def _input(value: Any) -> Any:
    """An argument as the function gets it.

    Raises:
      ValueError: it is not of all replicas.
    """
    if isinstance(value, DTensorDistributedValue):
        return value.get_dtensor()
    if is_dtensor(value) or isinstance(value, DTensorIterator) or STATE.graph is not None:
        return value
    raise ValueError(_unsupported_input(value))


def _unsupported_input(value: Any) -> str:
    return (
        "Unsupported input types for MirroredStrategy. Please use `strategy.distribute_dataset` or "
        "`strategy.distribute_values_from_function` to distribute inputs. Received input type: "
        f"{type(value)}"
    )
