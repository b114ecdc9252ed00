"""The functions of tf.experimental.dtensor on tensors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, record
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import find, raw
from penstock._src.distribute.dtensor.layout import Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.scopes import check_divisible, default_mesh, spread
from penstock._src.distribute.dtensor.spmd.eager import relaid_tensor
from penstock._src.distribute.dtensor.spmd.relayout import is_of_processes, wait_for_all
from penstock._src.distribute.dtensor.values import DEVICE, DTensor, shard_of
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import nest
from penstock._src.util.export import export

_PACKAGE = "experimental.dtensor"


@export(f"{_PACKAGE}.is_dtensor")
def is_dtensor(tensor: Any) -> bool:
    """True if a tensor or variable has a layout on a mesh.

    Args:
      tensor: any object.

    Returns:
      A bool.
    """
    return isinstance(tensor, DTensor) or hasattr(tensor, "_dtensor_layout")


@export(f"{_PACKAGE}.fetch_layout")
def fetch_layout(tensor: Any) -> Layout:
    """Returns the layout of a DTensor.

    Args:
      tensor: a DTensor or `DVariable`.

    Returns:
      A `tf.experimental.dtensor.Layout`.

    Raises:
      InvalidArgumentError: the tensor is neither.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout.replicated(mesh, rank=1)
    >>> tensor = tf.experimental.dtensor.copy_to_mesh(tf.ones([2]), layout)
    >>> tf.experimental.dtensor.fetch_layout(tensor) == layout
    True
    """
    if isinstance(tensor, DTensor):
        return tensor.layout
    layout = getattr(tensor, "_dtensor_layout", None)
    if layout is None:
        raise InvalidArgumentError("FetchLayout expects a tensor placed on the layout device.")
    return layout


@export(f"{_PACKAGE}.check_layout")
def check_layout(tensor: Any, layout: Layout) -> None:
    """Raises ValueError unless a DTensor has this layout.

    Args:
      tensor: a DTensor.
      layout: a Layout.

    Raises:
      ValueError: the DTensor has another layout.
    """
    if fetch_layout(tensor) != layout:
        raise ValueError(
            f"Layout of tensor: {fetch_layout(tensor)}, did not match expected layout: {layout}"
        )


@export(f"{_PACKAGE}.relayout")
def relayout(tensor: Any, layout: Layout, name: str | None = None) -> Any:
    """Returns a tensor in another layout.

    Args:
      tensor: a tensor.
      layout: the `tf.experimental.dtensor.Layout` of the result.
      name: a name for the operation.

    Returns:
      A DTensor.

    Raises:
      InvalidArgumentError: the layout does not fit the shape.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout.replicated(mesh, rank=1)
    >>> tensor = tf.experimental.dtensor.copy_to_mesh(tf.ones([2]), layout)
    >>> tf.experimental.dtensor.relayout(tensor, layout).shape
    TensorShape([2])
    """
    tensor = convert_to_tensor(tensor)
    if not isinstance(tensor, EagerTensor):
        return raw.Relayout(input=tensor, layout=layout.to_string(), name=name)
    if is_of_processes(layout.mesh):
        check_divisible(tensor._shape_tuple(), layout)
        result: EagerTensor = relaid_tensor(tensor, layout)
    else:
        result = spread(EagerTensor(tensor._value, tensor.dtype), layout)
    if STATE.tapes or STATE.accumulators:
        record(_identity(tensor.dtype), (tensor,), (result,))
    return result


def _identity(dtype: Any) -> Any:
    return find("Identity").instance({"T": dtype})


@export(f"{_PACKAGE}.relayout_like")
def relayout_like(tensor: Any, layout_tensor: Any, name: str | None = None) -> Any:
    """Returns a tensor in the layout of another tensor.

    Args:
      tensor: a DTensor.
      layout_tensor: a DTensor with the layout.
      name: of the operation.

    Returns:
      A DTensor with the values of `tensor`.
    """
    if STATE.graph is not None:
        return raw.RelayoutLike(input=tensor, layout_input=layout_tensor, name=name)
    return relayout(tensor, fetch_layout(layout_tensor), name)


@export(f"{_PACKAGE}.copy_to_mesh")
def copy_to_mesh(tensor: Any, layout: Layout, source_layout: Layout | None = None) -> Any:
    """Returns a tensor as a DTensor.

    Args:
      tensor: a tensor.
      layout: the `tf.experimental.dtensor.Layout` of the result.
      source_layout: a hint without effect.

    Returns:
      A DTensor.

    Raises:
      InvalidArgumentError: the layout does not fit the shape.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout.replicated(mesh, rank=1)
    >>> tf.experimental.dtensor.copy_to_mesh(tf.ones([2]), layout).shape
    TensorShape([2])
    """
    return relayout(tensor, layout)


@export(f"{_PACKAGE}.pack")
def pack(tensors: Any, layout: Layout) -> Any:
    """Creates a DTensor from its shards.

    Args:
      tensors: a shard for each device of the mesh.
      layout: how the shards form the whole tensor.

    Returns:
      A DTensor.

    Raises:
      InvalidArgumentError: the number or rank of the shards does not match the layout.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout(["x"], mesh)
    >>> tf.experimental.dtensor.pack([tf.ones([2])], layout).shape
    TensorShape([2])
    """
    if STATE.graph is not None:
        raise UnimplementedError("tf.experimental.dtensor.pack: only supported eagerly.")
    parts = [convert_to_tensor(part) for part in tensors]
    places = layout.offset_to_shard()
    if is_of_processes(layout.mesh):
        places = places[: layout.mesh.num_local_devices()]
    if len(parts) != len(places):
        raise InvalidArgumentError(
            f"The dtensor device {DEVICE} expected {len(places)} inputs to DTensorPack, but got "
            f"{len(parts)}"
        )
    sizes = parts[0]._value.shape
    if len(sizes) != layout.rank:
        raise InvalidArgumentError(
            "Packed layout should have the same rank as the rank for each component. The rank of "
            f"each component is: {len(sizes)}, while layout has rank: {layout.rank}\n{layout}"
        )
    if is_of_processes(layout.mesh):
        return shard_of(EagerTensor(parts[0]._value, parts[0].dtype), layout)
    whole = np.empty(layout.global_shape_from_local_shape(sizes), parts[0].dtype.np)
    for part, place in zip(parts, places, strict=True):
        where = tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, sizes, strict=True))
        whole[where] = part._value
    return spread(EagerTensor(whole, parts[0].dtype), layout)


@export(f"{_PACKAGE}.unpack")
def unpack(tensor: Any) -> Sequence[Any]:
    """Returns the parts of a DTensor that the devices hold.

    Args:
      tensor: a DTensor.

    Returns:
      A list of tensors, one for each device.

    Raises:
      InvalidArgumentError: the tensor is not a DTensor.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout.replicated(mesh, rank=1)
    >>> tensor = tf.experimental.dtensor.copy_to_mesh(tf.ones([2]), layout)
    >>> len(tf.experimental.dtensor.unpack(tensor))
    1
    """
    value = tensor.read_value() if hasattr(tensor, "read_value") else tensor
    if not isinstance(value, DTensor):
        raise InvalidArgumentError(
            f"DTensorUnpack expects a tensor placed on the DTensor device: {DEVICE}, but input was "
            f"placed on device: {getattr(value, 'device', '')}"
        )
    return [EagerTensor(np.asarray(part, order="C"), value.dtype) for part in value.parts()]


@export(f"{_PACKAGE}.call_with_layout")
def call_with_layout(
    fn: Callable[..., Any], layout: Layout | None, *args: Any, **kwargs: Any
) -> Any:
    """Returns what a function returns, with its tensors in a layout.

    Args:
      fn: a function.
      layout: a `tf.experimental.dtensor.Layout`; None only calls the function.
      *args: its arguments.
      **kwargs: its arguments by name.

    Returns:
      What the function returns, as DTensors.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout.replicated(mesh, rank=1)
    >>> tf.experimental.dtensor.call_with_layout(tf.zeros, layout, [2]).shape
    TensorShape([2])
    """
    if layout is None:
        return fn(*args, **kwargs)
    with default_mesh(layout.mesh):
        return nest.map_structure(lambda t: relayout(t, layout), fn(*args, **kwargs))


@export(f"{_PACKAGE}.barrier")
def barrier(mesh: Mesh, barrier_name: str | None = None, timeout_in_ms: int | None = None) -> None:
    """Waits for all devices of a mesh: on a mesh of processes, until all of them have called it.

    Args:
      mesh: a Mesh.
      barrier_name, timeout_in_ms: accepted.

    Raises:
      ValueError: `mesh` is not a Mesh.
    """
    if not isinstance(mesh, Mesh):
        raise ValueError(f"Expect `mesh` to be `Mesh`, got {type(mesh)}")
    wait_for_all(mesh)
