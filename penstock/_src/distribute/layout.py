"""tf.experimental.dtensor: meshes and layouts as data. Tensors that lie on several devices are not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.util.export import export, export_constant

UNSHARDED = "unsharded"
MATCH = "match"
export_constant("experimental.dtensor.UNSHARDED", UNSHARDED)
export_constant("experimental.dtensor.MATCH", MATCH)


@export("experimental.dtensor.Mesh")
class Mesh:
    """A grid of devices with named dimensions."""

    def __init__(
        self,
        dim_names: Sequence[str],
        global_device_ids: Any,
        local_device_ids: Sequence[int],
        local_devices: Sequence[Any],
        mesh_name: str = "",
        global_devices: Sequence[Any] | None = None,
        use_xla_spmd: bool = False,
    ) -> None:
        self.dim_names = list(dim_names)
        self._ids = np.asarray(global_device_ids)
        if len(self.dim_names) != self._ids.ndim:
            raise ValueError(
                "Number of mesh dimensions does not match number of dimension names. Received "
                f"{self._ids.ndim} and {self.dim_names}."
            )
        self._local_ids, self._local_devices = list(local_device_ids), list(local_devices)
        self.name, self._use_xla_spmd = mesh_name, use_xla_spmd
        self._global_devices = list(global_devices or local_devices)

    @property
    def size(self) -> int:
        """The number of devices."""
        return int(self._ids.size)

    def dim_size(self, dim_name: str) -> int:
        """Returns the extent of a dimension."""
        if dim_name not in self.dim_names:
            raise ValueError(f'"{dim_name}" not a dimension name in current mesh.')
        return self._ids.shape[self.dim_names.index(dim_name)]

    def shape(self) -> list[int]:
        """Returns all extents."""
        return list(self._ids.shape)

    def local_devices(self) -> list[Any]:
        """Returns the devices of this process."""
        return self._local_devices

    def num_local_devices(self) -> int:
        """Returns the number of devices of this process."""
        return len(self._local_devices)

    def device_type(self) -> str:
        """Returns the type of the devices."""
        return "CPU"

    def contains_dim(self, dim_name: str) -> bool:
        """Whether a dimension has that name."""
        return dim_name in self.dim_names

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, Mesh)
            and self.dim_names == other.dim_names
            and np.array_equal(self._ids, other._ids)
        )

    def __hash__(self) -> int:
        return hash((tuple(self.dim_names), self._ids.tobytes()))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{n}={s}" for n, s in zip(self.dim_names, self._ids.shape, strict=True))
        return f"Mesh.from_string({self.name}|{sizes})"


@export("experimental.dtensor.Layout")
class Layout:
    """How the axes of a tensor are spread over the dimensions of a mesh."""

    def __init__(self, sharding_specs: Sequence[str], mesh: Mesh) -> None:
        for spec in sharding_specs:
            if spec not in (UNSHARDED, MATCH) and not mesh.contains_dim(spec):
                raise ValueError(f"{spec}: A mesh sharding must contain one of {mesh.dim_names}.")
        self._specs, self._mesh = list(sharding_specs), mesh

    @classmethod
    def replicated(cls, mesh: Mesh, rank: int) -> Layout:
        """Returns the layout in which every device holds all."""
        return cls([UNSHARDED] * rank, mesh)

    @classmethod
    def batch_sharded(cls, mesh: Mesh, batch_dim: str, rank: int, axis: int = 0) -> Layout:
        """Returns the layout in which one axis is cut."""
        specs = [UNSHARDED] * rank
        specs[axis] = batch_dim
        return cls(specs, mesh)

    @classmethod
    def inner_sharded(cls, mesh: Mesh, inner_dim: str, rank: int) -> Layout:
        """Returns the layout in which the last axis is cut."""
        return cls.batch_sharded(mesh, inner_dim, rank, axis=rank - 1)

    @property
    def mesh(self) -> Mesh:
        """The mesh."""
        return self._mesh

    @property
    def sharding_specs(self) -> list[str]:
        """For each axis the dimension it is cut along, or UNSHARDED."""
        return list(self._specs)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self._specs)

    def num_shards(self, idx: int) -> int:
        """Returns into how many parts an axis is cut."""
        spec = self._specs[idx]
        return 1 if spec == UNSHARDED else self._mesh.dim_size(spec)

    def is_fully_replicated(self) -> bool:
        """Whether no axis is cut."""
        return all(s == UNSHARDED for s in self._specs)

    def delete(self, dims: Sequence[int]) -> Layout:
        """Returns the layout without some axes."""
        return Layout([s for i, s in enumerate(self._specs) if i not in dims], self._mesh)

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, Layout) and self._specs == other._specs and self._mesh == other._mesh
        )

    def __hash__(self) -> int:
        return hash((tuple(self._specs), self._mesh))

    def __repr__(self) -> str:
        return f"Layout(sharding_specs={self._specs}, mesh={self._mesh})"


@export("experimental.dtensor.create_mesh")
def create_mesh(
    mesh_dims: Any = None,
    mesh_name: str = "",
    devices: Sequence[str] | None = None,
    device_type: str | None = None,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh of this process's devices.

    Args:
      mesh_dims: {name: extent}, or pairs of them.
      mesh_name: its name.
      devices: the devices' names.
      device_type: "CPU".
      use_xla_spmd: ignored.
    """
    pairs = list(mesh_dims.items()) if isinstance(mesh_dims, dict) else list(mesh_dims or [])
    devices = list(devices or ["CPU:0"])
    pairs = pairs or [("x", len(devices))]
    shape = [int(size) for _, size in pairs]
    if int(np.prod(shape)) != len(devices):
        raise ValueError(
            f"length of devices ({len(devices)}) must be equal to total size of the mesh of shape "
            f"{shape}"
        )
    ids = np.arange(len(devices)).reshape(shape)
    names = [name for name, _ in pairs]
    return Mesh(names, ids, list(ids.flat), devices, mesh_name, devices, use_xla_spmd)


@export("experimental.dtensor.create_distributed_mesh")
def create_distributed_mesh(
    mesh_dims: Any,
    mesh_name: str = "",
    local_devices: Sequence[str] | None = None,
    device_type: str | None = None,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh over the devices of all processes: of this one."""
    return create_mesh(mesh_dims, mesh_name, local_devices, device_type, use_xla_spmd)


def _missing(name: str) -> UnimplementedError:
    return UnimplementedError(f"tf.experimental.dtensor.{name}: DTensors are not implemented.")


@export("experimental.dtensor.call_with_layout")
def call_with_layout(fn: Any, layout: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls `fn` with its result in a layout; without a layout just calls it."""
    if layout is None:
        return fn(*args, **kwargs)
    raise _missing("call_with_layout")


@export("experimental.dtensor.copy_to_mesh")
def copy_to_mesh(tensor: Any, layout: Any, source_layout: Any = None) -> Any:
    """Copies a tensor to a mesh."""
    raise _missing("copy_to_mesh")


@export("experimental.dtensor.pack")
def pack(tensors: Any, layout: Any) -> Any:
    """Makes a DTensor of the parts on each device."""
    raise _missing("pack")


@export("experimental.dtensor.unpack")
def unpack(tensor: Any) -> Any:
    """Returns the parts of a DTensor."""
    raise _missing("unpack")


@export("experimental.dtensor.relayout")
def relayout(tensor: Any, layout: Any, name: str | None = None) -> Any:
    """Changes the layout of a DTensor."""
    raise _missing("relayout")


@export("experimental.dtensor.fetch_layout")
def fetch_layout(tensor: Any) -> Any:
    """Returns the layout of a DTensor."""
    raise _missing("fetch_layout")


@export("experimental.dtensor.is_dtensor")
def is_dtensor(tensor: Any) -> bool:
    """Whether a tensor is a DTensor: none is."""
    del tensor
    return False
