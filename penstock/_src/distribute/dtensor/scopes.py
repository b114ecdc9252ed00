"""The hook in eager execution that makes results of ops on DTensors DTensors, and the default mesh."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.distribute.dtensor.layout import UNSHARDED, Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.rules import result_layout
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import slots
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

DEVICE = "/job:localhost/replica:0/task:0/device:CUSTOM:0"


class DTensor(EagerTensor):
    """An eager tensor sharded over a mesh; it holds the whole value and its layout."""

    __slots__ = ()

    layout = read_only("_layout", "The layout.")

    @property
    def device(self) -> str:
        """The name of the device that represents all meshes."""
        return DEVICE

    def numpy(self) -> Any:
        """Returns the value as an array.

        Raises:
          UnimplementedError: the tensor is sharded; see `dtensor.unpack`.
        """
        self._require_replicated()
        return super().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._require_replicated()
        return super().__array__(dtype, copy)

    def _require_replicated(self) -> None:
        if not self.layout.is_fully_replicated():
            raise UnimplementedError(
                "Trying to copy a non-single-device and non-replicated DTensor is not supported. "
                f"Input tensor is: {self!r}"
            )

    def parts(self) -> list[np.ndarray]:
        """The shard of each device of the mesh."""
        sizes = self.layout.local_shape_from_global_shape(self._value.shape)
        return [
            self._value[tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, sizes, strict=True))]
            for place in self.layout.offset_to_shard()
        ]

    def summary(self) -> str:
        """The value, or the shard of each device, and the layout."""
        layout = self.layout
        if layout.sharding_specs == [UNSHARDED] * layout.rank:
            value = np.array2string(self._value)
        else:
            devices = layout.mesh.local_devices()
            shown = (f'"{d.rpartition("/device:")[2]}": {p}' for d, p in zip(devices, self.parts()))
            value = "{" + ", ".join(shown) + "}"
        return f'value={value}, layout="{layout.to_string()}"'

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, {self.summary()}>"

    def __str__(self) -> str:
        return f"tf.Tensor({self.summary()}, shape={self.shape}, dtype={self.dtype.name})"


def spread(tensor: EagerTensor, layout: Layout) -> DTensor:
    """Turns an eager tensor into a DTensor with this layout, in place.

    Raises:
      InvalidArgumentError: the layout does not fit its shape.
    """
    shape = tensor._shape_tuple()
    if len(shape) != layout.rank:
        raise InvalidArgumentError(
            f"The layout must have the rank of the tensor, {len(shape)}. Received: {layout}"
        )
    for size, count in zip(shape, layout.shards, strict=True):
        if size % count:
            raise InvalidArgumentError(
                f"An axis of {size} cannot be cut into {count} equal parts. Received: {layout}"
            )
    _install()
    tensor.__class__ = DTensor
    tensor._layout = layout
    return tensor  # type: ignore[return-value]


class _Scope(threading.local):
    mesh: Mesh | None = None


_SCOPE = _Scope()
_PLAIN: list[Any] = []


def _install() -> None:
    """Installs the hook when the first DTensor is created, so that programs without DTensors do not run it."""
    if not _PLAIN:
        _PLAIN.append(slots.RUN_EAGERLY)
        dispatch.OBSERVED.append(_run)
        slots.RUN_EAGERLY = _run


def _run(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    outputs = _PLAIN[0](cls, inputs, attrs)
    tensors = [t for value in inputs for t in _tensors(value)]
    meshes = {t.layout.mesh for t in tensors if isinstance(t, DTensor)}
    if len(meshes) > 1:
        raise InvalidArgumentError(
            f"{cls.op_type}: all DTensors must be on one mesh. Received: "
            f"{', '.join(map(str, meshes))}"
        )
    mesh = meshes.pop() if meshes else _SCOPE.mesh
    if mesh is None:
        return outputs
    known = [(t._shape_tuple(), _specs(t)) for t in tensors]
    values = [v._value if isinstance(v, EagerTensor) else v for v in inputs]
    for output in _tensors(outputs):
        if type(output._value) is np.ndarray and type(output) is EagerTensor:
            shape = output._value.shape
            spread(output, result_layout(cls.op_type, mesh, known, values, attrs, shape))
    return outputs


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in _tensors(part)]
    return [value] if isinstance(value, EagerTensor) else []


def _specs(tensor: Any) -> list[str]:
    if isinstance(tensor, DTensor):
        return tensor.layout.sharding_specs
    return [UNSHARDED] * len(tensor._shape_tuple())


@export("experimental.dtensor.default_mesh")
@contextlib.contextmanager
def default_mesh(mesh: Mesh) -> Iterator[None]:
    """A scope in which ops without DTensor inputs return DTensors that are replicated on a mesh.

    Args:
      mesh: a Mesh.

    Returns:
      A context manager.

    Raises:
      ValueError: `mesh` is no Mesh.
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
