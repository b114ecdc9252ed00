"""Mesh: a grid of devices with named dimensions."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.proto.layout import MeshProto
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export
from penstock._src.util.signatures import native, read_only

MeshDimension = collections.namedtuple("MeshDimension", ["name", "size"])


@export("experimental.dtensor.Mesh")
class Mesh:
    """A grid of devices with named dimensions.

    Args:
      dim_names: of the dimensions.
      global_device_ids: int array in the shape of the grid.
      local_device_ids, local_devices: the ids and names of this process's devices.
      mesh_name: its name.
      global_devices: the names of all devices, for meshes over several processes.
      use_xla_spmd: only stored.

    Raises:
      ValueError: names, ids and devices do not match.
    """

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
        self._names, self._ids = list(dim_names), np.asarray(global_device_ids)
        self._local_ids = [int(n) for n in local_device_ids]
        self._devices = [_device_name(device) for device in local_devices]
        self._global_devices = [_device_name(device) for device in global_devices or ()]
        self._name, self._spmd, self._single = mesh_name, use_xla_spmd, ""
        self._check()

    def _check(self) -> None:
        if not self._devices:
            raise ValueError("Empty list of devices not allowed.")
        if self._ids.ndim != len(self._names):
            raise ValueError(
                "global_device_ids does not have the same rank as the number of dimension names. "
                f"Received {self._ids.ndim} and {self._names}."
            )
        if len(set(self._names)) != len(self._names):
            raise ValueError(f"dim_names must be unique. Received {self._names}.")
        if len(self._local_ids) != len(self._devices):
            raise ValueError(
                f"local_devices does not have the same length ({len(self._devices)}) as "
                f"local_device_ids ({len(self._local_ids)})."
            )

    # -- other forms

    @classmethod
    def from_device(cls, device: str) -> Mesh:
        """Returns the mesh of a single device, without dimensions.

        Args:
          device: its name.

        Returns:
          A Mesh.
        """
        mesh = cls([], np.zeros([], np.int64), [0], [device])
        mesh._single = device
        return mesh

    @classmethod
    def from_string(cls, mesh_str: str) -> Mesh:
        """Returns the mesh that `to_string` has written.

        Args:
          mesh_str: the string.

        Returns:
          A Mesh.
        """
        if "|" not in mesh_str:
            return cls.from_device(mesh_str)
        name, dims, ids, local_ids, devices, *rest = mesh_str.split("|")
        pairs = [dim.split("=") for dim in dims.split(",") if dim]
        shape = [int(size) for _, size in pairs]
        numbers = np.array([int(n) for n in ids.split(",")]).reshape(shape)
        return cls(
            [dim for dim, _ in pairs],
            numbers,
            [int(n) for n in local_ids.split(",")],
            devices.split(","),
            name,
            rest[0].split(",") if rest and rest[0] else None,
        )

    @classmethod
    def from_proto(cls, proto: Any) -> Mesh:
        """Returns the mesh of a MeshProto.

        Args:
          proto: a MeshProto.

        Returns:
          A Mesh.
        """
        if proto.single_device:
            return cls.from_device(proto.single_device)
        shape = [dim.size for dim in proto.mesh_dimensions]
        return cls(
            [dim.name for dim in proto.mesh_dimensions],
            np.array(proto.global_device_ids).reshape(shape),
            proto.local_device_ids,
            proto.local_devices,
            proto.name,
            proto.global_devices,
            proto.use_xla_spmd,
        )

    @native
    def as_proto(self) -> Any:
        """Returns the MeshProto.

        Returns:
          A MeshProto.
        """
        message = MeshProto(name=self._name, use_xla_spmd=self._spmd, single_device=self._single)
        if self._single:
            return message
        for name, size in zip(self._names, self._ids.shape, strict=True):
            message.mesh_dimensions.add(name=name, size=size)
        message.global_device_ids.extend(int(n) for n in self._ids.flat)
        message.local_device_ids.extend(self._local_ids)
        message.local_devices.extend(self._devices)
        message.global_devices.extend(self._global_devices)
        return message

    @native
    def to_string(self) -> str:
        """Returns name, dimensions, ids and devices, separated by bars.

        Returns:
          A str, for `from_string`.
        """
        if self._single:
            return self._single
        parts = [
            [self._name],
            [f"{name}={size}" for name, size in zip(self._names, self._ids.shape, strict=True)],
            [str(n) for n in self._ids.flat],
            [str(n) for n in self._local_ids],
            self._devices,
        ]
        if self._global_devices:
            parts.append(self._global_devices)
        return "|".join(",".join(part) for part in parts)

    def host_mesh(self) -> Mesh:
        """Returns the mesh of the devices' host CPUs.

        Returns:
          A Mesh.
        """
        devices = [DeviceSpec.from_string(d).replace(device_type="CPU") for d in self._devices]
        return Mesh(self._names, self._ids, self._local_ids, [d.to_string() for d in devices])

    # -- its dimensions

    name = read_only("_name", "Its name.")

    @property
    def dim_names(self) -> list[str]:
        """The names of the dimensions."""
        return list(self._names)

    @property
    def size(self) -> int:
        """The number of devices."""
        return int(self._ids.size)

    @native
    def shape(self) -> list[int]:
        """Returns the sizes of all dimensions.

        Returns:
          A list of ints.
        """
        return list(self._ids.shape)

    @property
    def strides(self) -> list[int]:
        """Increments of the device id along each dimension."""
        shape = self._ids.shape
        return [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]

    @native
    def contains_dim(self, dim_name: str) -> bool:
        """True if a mesh dimension has this name.

        Args:
          dim_name: the name.

        Returns:
          A bool.
        """
        return dim_name in self._names

    def __contains__(self, dim_name: str) -> bool:
        return dim_name in self._names

    def axis(self, dim_name: str) -> int:
        """Returns the index of a dimension.

        Args:
          dim_name: its name.

        Returns:
          An int.

        Raises:
          ValueError: no dimension has this name.
        """
        if dim_name not in self._names:
            raise ValueError(
                f"Dimension {dim_name} does not exist in mesh."
                f"Available dimensions: {','.join(self._names)}"
            )
        return self._names.index(dim_name)

    @native
    def dim_size(self, dim_name: str) -> int:
        """Returns the size of a dimension.

        Args:
          dim_name: its name.

        Returns:
          An int.
        """
        return self._ids.shape[self.axis(dim_name)]

    def __getitem__(self, dim_name: str) -> MeshDimension:
        return MeshDimension(dim_name, self._ids.shape[self.axis(dim_name)])

    # -- its devices

    @native
    def device_type(self) -> str:
        """Returns the type of the devices.

        Returns:
          A str such as "CPU".
        """
        return DeviceSpec.from_string(self._devices[0]).device_type or ""

    @native
    def local_devices(self) -> list[str]:
        """Returns the names of this process's devices.

        Returns:
          A list of str.
        """
        return list(self._devices)

    @native
    def local_device_ids(self) -> list[int]:
        """Returns the ids of this process's devices.

        Returns:
          A list of ints.
        """
        return list(self._local_ids)

    @native
    def num_local_devices(self) -> int:
        """Returns the number of this process's devices.

        Returns:
          An int.
        """
        return len(self._devices)

    @native
    def global_devices(self) -> list[str]:
        """Returns the names of all devices, for a mesh over several processes.

        Returns:
          A list of str; empty for one process.
        """
        return list(self._global_devices)

    def global_device_ids(self) -> np.ndarray:
        """Returns the ids of all devices, in the shape of the grid.

        Returns:
          A NumPy array of int64.
        """
        return self._ids

    @native
    def min_global_device_id(self) -> int:
        """Returns the smallest id.

        Returns:
          An int.
        """
        return int(self._ids.min())

    @native
    def is_remote(self) -> bool:
        """True if none of the mesh's devices belong to this process.

        Returns:
          A bool.
        """
        return not self._local_ids

    @native
    def is_single_device(self) -> bool:
        """True if the mesh is a single device without dimensions.

        Returns:
          A bool.
        """
        return bool(self._single)

    single_device = read_only("_single", "The name of the single device, or an empty string.")

    @native
    def use_xla_spmd(self) -> bool:
        """True if XLA was asked to partition computations.

        Returns:
          A bool.
        """
        return self._spmd

    @native
    def device_location(self, offset: int) -> list[int]:
        """Returns the coordinates of a device, given its offset from the first device.

        Args:
          offset: its number, counted from the first device.

        Returns:
          A list of ints.
        """
        return [int(n) for n in np.unravel_index(offset, self._ids.shape)]

    def coords(self, device_idx: int) -> Any:
        """Returns the coordinates of a device as an int32 tensor.

        Args:
          device_idx: its number, counted from the first device.

        Returns:
          An int32 vector.
        """
        places = np.array(self.strides), np.array(self._ids.shape)
        return convert_to_tensor((device_idx // places[0] % places[1]).astype(np.int32))

    def unravel_index(self) -> dict[int, dict[str, int]]:
        """Returns the coordinates of all devices: {id: {dimension: coordinate}}.

        Returns:
          A dict of dicts.
        """
        places = itertools.product(*map(range, self._ids.shape))
        return {at: dict(zip(self._names, place, strict=True)) for at, place in enumerate(places)}

    def local_device_locations(self) -> list[dict[str, int]]:
        """Returns the coordinates of this process's devices.

        Returns:
          A list of dicts from dimensions to ints.
        """
        places, first = self.unravel_index(), self._ids.min()
        return [places[number - int(first)] for number in self._local_ids]

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Mesh) and Mesh.to_string(self) == Mesh.to_string(other)

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        return f"Mesh.from_string({self.to_string()})"


def _device_name(device: Any) -> str:
    return device.to_string() if hasattr(device, "to_string") else str(device)
