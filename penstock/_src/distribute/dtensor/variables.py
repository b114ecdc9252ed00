"""DVariable, a variable sharded over a mesh, and checkpoints of DTensors."""

import collections
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.distribute.dtensor.layout import Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.scopes import spread
from penstock._src.distribute.dtensor.spmd.relayout import (
    is_first_of,
    is_of_processes,
    wait_for_all,
)
from penstock._src.distribute.dtensor.tensors import fetch_layout, is_dtensor, relayout
from penstock._src.distribute.dtensor.values import DTensor, ShardedTensor, shard_of
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.ops.io.bundle import BundleReader, write_bundle
from penstock._src.saving.checkpoint import Checkpoint, CheckpointOptions
from penstock._src.saving.object_graph import ObjectView
from penstock._src.saving.serialized import serialized
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

_PACKAGE = "experimental.dtensor"


@export(f"{_PACKAGE}.DVariable")
class DVariable(Variable):
    """A variable in the layout of its initial value.

    Args:
      initial_value: a DTensor, or a function that returns one.
      *args, **kwargs: of tf.Variable.
      dtype: of the elements.

    Raises:
      InvalidArgumentError: the initial value is not a DTensor.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout.replicated(mesh, rank=1)
    >>> value = tf.experimental.dtensor.copy_to_mesh(tf.constant([1.0, 2.0]), layout)
    >>> tf.experimental.dtensor.DVariable(value).layout == layout
    True
    """

    # Variable creators create ordinary variables, which have no layout.
    asks_creators = False

    def __init__(self, initial_value: Any, *args: Any, dtype: Any = None, **kwargs: Any) -> None:
        value = initial_value() if callable(initial_value) else initial_value
        if not isinstance(value, DTensor):
            raise InvalidArgumentError("Neither layout nor DTensor initial value are provided.")
        self._dtensor_layout, self._save_as_bf16 = value.layout, False
        if not isinstance(value, ShardedTensor):
            super().__init__(value, *args, dtype=dtype, **kwargs)
            resource = getattr(self._handle, "_value", None)
            if resource is not None:
                resource.layout = value.layout
            return
        # The handle refers to the shard; graphs get the shape of the whole.
        shape = value.shape
        super().__init__(EagerTensor(value._value, value.dtype), *args, dtype=dtype, **kwargs)
        self._shape = shape
        self._handle._handle_data = [(shape, self._dtype)]
        self._handle._value.layout = value.layout

    layout = read_only("_dtensor_layout", "Layout of the variable on its mesh.")

    @property
    def save_as_bf16(self) -> bool:
        """True if checkpoints of tf.experimental.dtensor store the value as bfloat16."""
        return self._save_as_bf16

    @save_as_bf16.setter
    def save_as_bf16(self, save_as_bf16: bool) -> None:
        self._save_as_bf16 = save_as_bf16 and self.dtype.is_floating

    create = read_only("initializer", "The operation that gives it its first value (graphs only).")

    def read_value_no_copy(self) -> Any:
        """Returns the current value.

        Returns:
          A DTensor.
        """
        return self._read()

    def _read(self) -> Any:
        tensor = super()._read()
        if STATE.graph is not None or not isinstance(tensor, EagerTensor):
            return tensor
        if is_of_processes(self._dtensor_layout.mesh):
            return shard_of(tensor, self._dtensor_layout)
        return spread(tensor, self._dtensor_layout)

    def assign(
        self, value: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Sets the value, converted to the variable's layout."""
        return super().assign(value, bool(use_locking), name, read_value)

    def assign_add(
        self, delta: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds `delta` to the value."""
        return super().assign_add(delta, bool(use_locking), name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: Any = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts `delta` from the value."""
        return super().assign_sub(delta, bool(use_locking), name, read_value)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        (name,) = super()._serialize_to_tensors()
        return {name: EagerTensor(_whole(self), self.dtype)}

    def __repr__(self) -> str:
        if STATE.graph is not None:
            return super().__repr__()
        head = f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}"
        return f"{head}, value={self._read().summary()}>"


@export(f"{_PACKAGE}.enable_save_as_bf16")
def enable_save_as_bf16(variables: Iterable[DVariable]) -> None:
    """Makes checkpoints of tf.experimental.dtensor store variables as bfloat16.

    Args:
      variables: DVariables of floats.
    """
    for variable in variables:
        variable.save_as_bf16 = True


@export(f"{_PACKAGE}.DTensorCheckpoint")
class DTensorCheckpoint(Checkpoint):
    """A tf.train.Checkpoint of DVariables of a mesh; their values are written unsharded.

    On a mesh of processes all of them call its methods; the first one writes, and the others return when it has written.

    Args:
      mesh: the mesh.
      root, **kwargs: of tf.train.Checkpoint.
    """

    def __init__(self, mesh: Mesh, root: Any = None, **kwargs: Any) -> None:
        super().__init__(root=root, **kwargs)
        self._setattr_tracking = False
        self._mesh = mesh
        self._setattr_tracking = True

    def _write(self, prefix: str, options: CheckpointOptions | None, session: Any = None) -> str:
        if is_first_of(self._mesh):
            super()._write(prefix, options, session)
        else:  # it takes part in gathering the values
            serialized(ObjectView(self._top, self._attached), self._reads).arrays(session)
        wait_for_all(self._mesh)
        return prefix

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Writes a checkpoint; see tf.train.Checkpoint."""
        return super().save(file_prefix, options)

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> Any:
        """Restores a checkpoint; see tf.train.Checkpoint."""
        return super().restore(save_path, options)


def _require(tensors: Iterable[Any]) -> None:
    for tensor in tensors:
        if not is_dtensor(tensor):
            raise ValueError("Saving/Restoring tensor must be a DTensor")


def _whole(tensor: Any) -> Any:
    value = tensor._read() if isinstance(tensor, Variable) else tensor
    if isinstance(value, ShardedTensor):
        value = relayout(value, Layout.replicated(value.layout.mesh, value.layout.rank))
    return value._value


@export(f"{_PACKAGE}.sharded_save")
def sharded_save(
    mesh: Mesh,
    file_prefix: Any,
    tensor_names: Sequence[str],
    shape_and_slices: Sequence[str],
    tensors: Sequence[Any],
) -> None:
    """Writes DTensors under names into the files of a checkpoint.

    Args:
      mesh: the mesh of the tensors.
      file_prefix: of the files.
      tensor_names: a name for each tensor.
      shape_and_slices: empty strings: tensors are written unsharded.
      tensors: DTensors or DVariables.

    Raises:
      ValueError: a tensor is not a DTensor, or a slice is given.
    """
    _require(tensors)
    if any(shape_and_slices):
        raise ValueError(f"Only whole tensors can be written. Received: {shape_and_slices}.")
    named = dict(zip(tensor_names, map(_whole, tensors), strict=True))
    if is_first_of(mesh):
        write_bundle(os.fsdecode(file_prefix), named)
    wait_for_all(mesh)


@export(f"{_PACKAGE}.name_based_save")
def name_based_save(
    mesh: Mesh, checkpoint_prefix: Any, name_tensor_dict: Mapping[str, Any]
) -> None:
    """Writes DTensors into the files of a checkpoint; see `name_based_restore`.

    Args:
      mesh: a Mesh.
      checkpoint_prefix: the path of the checkpoint, without the endings of files.
      name_tensor_dict: DTensors by their names in it.
    """
    names = list(name_tensor_dict)
    sharded_save(mesh, checkpoint_prefix, names, [""] * len(names), list(name_tensor_dict.values()))


@export(f"{_PACKAGE}.name_based_restore")
def name_based_restore(
    mesh: Mesh, checkpoint_prefix: Any, name_tensor_dict: Mapping[str, Any]
) -> Any:
    """Reads DTensors that `name_based_save` wrote.

    Args:
      mesh: without effect: tensors have their own.
      checkpoint_prefix: of the files.
      name_tensor_dict: {name: a DTensor in the layout of the result}.

    Returns:
      {name: DTensor}, ordered.
    """
    _require(name_tensor_dict.values())
    reader = BundleReader(os.fsdecode(checkpoint_prefix))
    return collections.OrderedDict(
        (name, relayout(reader.read(name), fetch_layout(like)))
        for name, like in name_tensor_dict.items()
    )
