"""The hook in eager execution that makes results of ops on DTensors DTensors, and the default mesh."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.calls.binding import bind
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.distribute.dtensor.layout import Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.spmd.eager import (
    HERE,
    call_of,
    function_on_dtensors,
    mesh_of,
    mesh_of_shards,
    on_shards,
    op_on_shards,
)
from penstock._src.distribute.dtensor.spmd.relayout import is_of_processes
from penstock._src.distribute.dtensor.spmd.rules.table import plan_of
from penstock._src.distribute.dtensor.values import DEVICE, DTensor
from penstock._src.eager.execute import arrange
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import slots
from penstock._src.util.export import export


def spread(tensor: EagerTensor, layout: Layout) -> DTensor:
    """Turns an eager tensor into a DTensor with this layout, in place.

    Raises:
      InvalidArgumentError: the layout does not fit its shape.
    """
    check_divisible(tensor._shape_tuple(), layout)
    _install()
    tensor.__class__ = DTensor
    tensor._layout = layout
    return tensor  # type: ignore[return-value]


def check_divisible(shape: tuple[int, ...], layout: Layout) -> None:
    """Raises InvalidArgumentError if a tensor of this shape cannot be in a layout."""
    if len(shape) != layout.rank:
        raise InvalidArgumentError(
            f"The layout must have the rank of the tensor, {len(shape)}. Received: {layout}"
        )
    for size, count in zip(shape, layout.shards, strict=True):
        if size % count:
            raise InvalidArgumentError(
                f"An axis of {size} cannot be divided into {count} equal parts. Received: {layout}"
            )


class _Scope(threading.local):
    mesh: Mesh | None = None


class _Process:
    """Facts about this process."""

    # True if there is a mesh of processes.
    has_processes = False


_SCOPE = _Scope()
_PROCESS = _Process()
_PLAIN: list[Any] = []
_PLAIN_CALLS: list[Any] = []


def _install() -> None:
    """Installs the hook when the first DTensor is created, so that programs without DTensors do not run it."""
    if not _PLAIN:
        _PLAIN.append(slots.RUN_EAGERLY)
        dispatch.OBSERVED.append(_run)
        slots.RUN_EAGERLY = _run
        _PLAIN_CALLS.append(slots.RUN_FUNCTION)
        slots.RUN_FUNCTION = _run_function


def use_processes() -> None:
    """Run ops on the shards of DTensors, once there is a mesh of processes."""
    _install()
    _PROCESS.has_processes = True


def _run(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Runs an op; its results are DTensors if inputs are, or if there is a default mesh."""
    if HERE.is_on_shards or cls.traits.has_refs:
        return _PLAIN[0](cls, inputs, attrs)
    if _PROCESS.has_processes:
        tensors, op = bind(cls, inputs, attrs, False)
        mesh = mesh_of_shards(tensors) or _SCOPE.mesh
        if mesh is not None and is_of_processes(mesh):
            return arrange(op, op_on_shards(op, tensors, mesh))
    outputs = _PLAIN[0](cls, inputs, attrs)
    tensors = [t for value in inputs for t in _tensors(value)]
    mesh = mesh_of((t for t in tensors if isinstance(t, DTensor)), cls.op_type) or _SCOPE.mesh
    if mesh is None:
        return outputs
    results = _tensors(outputs)
    if any(type(t) is EagerTensor and type(t._value) is np.ndarray for t in results):
        with on_shards():
            flat, op = bind(cls, inputs, attrs, False)
        specs = plan_of(call_of(op, flat, mesh)).outputs
        for output, cuts in zip(results, specs, strict=True):
            if type(output._value) is np.ndarray and type(output) is EagerTensor:
                spread(output, Layout(cuts, mesh))
    return outputs


def _run_function(function: Any, tensors: Any) -> list[Any] | None:
    """Runs a function on DTensors; None if there are no DTensors and no other component runs such calls."""
    results = function_on_dtensors(function, tensors, _SCOPE.mesh)
    before = _PLAIN_CALLS[0]
    return before(function, tensors) if results is None and before is not None else results


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in _tensors(part)]
    return [value] if isinstance(value, EagerTensor) else []


@export("experimental.dtensor.default_mesh")
@contextlib.contextmanager
def default_mesh(mesh: Mesh) -> Iterator[None]:
    """A scope in which ops and functions without DTensor inputs return DTensors that are replicated on a mesh.

    Args:
      mesh: a Mesh.

    Returns:
      A context manager.

    Raises:
      ValueError: `mesh` is not a Mesh.
    """
    if not isinstance(mesh, Mesh):
        raise ValueError(f"Expect `mesh` to be `Mesh`, got {type(mesh)}")
    _install()
    before, _SCOPE.mesh = _SCOPE.mesh, mesh
    try:
        yield
    finally:
        _SCOPE.mesh = before


@export("experimental.dtensor.run_on")
def run_on(mesh: Mesh) -> Any:
    """`default_mesh` under its older name.

    Args:
      mesh: a Mesh.

    Returns:
      A context manager.
    """
    return default_mesh(mesh)


@export("experimental.dtensor.get_default_mesh")
def get_default_mesh() -> Mesh | None:
    """Returns the mesh of the current scope, or None.

    Returns:
      A Mesh or None.
    """
    return _SCOPE.mesh


@export("experimental.dtensor.device_name")
def device_name() -> str:
    """Returns the name of the device that represents all meshes.

    Returns:
      A str.
    """
    return DEVICE
