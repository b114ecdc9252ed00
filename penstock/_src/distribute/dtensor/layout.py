"""Layout: how the axes of a tensor are sharded over the dimensions of a mesh."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from typing import Any

from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.proto.layout import LayoutProto
from penstock._src.util.export import export, export_constant
from penstock._src.util.signatures import native, read_only

UNSHARDED = "unsharded"
MATCH = "match"
export_constant("experimental.dtensor.UNSHARDED", UNSHARDED)
export_constant("experimental.dtensor.MATCH", MATCH)


class LayoutType(enum.Enum):
    """The kind of a layout."""

    UNKNOWN = 0
    STATIC = 1
    PARTED = 2
    SINGLE_DEVICE = 3


@export("experimental.dtensor.Layout")
class Layout:
    """Sharding of a tensor's axes over the dimensions of a mesh.

    Args:
      sharding_specs: for each axis the mesh dimension along which it is sharded, or UNSHARDED.
      mesh: the Mesh.

    Raises:
      ValueError: the mesh has no such dimension, or one is named twice.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> layout = tf.experimental.dtensor.Layout(["x", tf.experimental.dtensor.UNSHARDED], mesh)
    >>> layout.rank, layout.sharding_specs
    (2, ['x', 'unsharded'])
    """

    def __init__(self, sharding_specs: Sequence[str], mesh: Mesh) -> None:
        specs = list(sharding_specs)
        for spec in specs:
            if spec not in (UNSHARDED, MATCH) and spec not in mesh:
                raise ValueError(
                    f"{spec}: A dimension sharding must either be a valid mesh dimension or "
                    "UNSHARDED."
                )
            if spec in mesh and specs.count(spec) > 1:
                raise ValueError(
                    f"Mesh dimension {spec} was repeated in sharding specification {specs}. Mesh "
                    "dimensions must be unique in a layout."
                )
        self._specs, self._mesh, self._type = specs, mesh, LayoutType.STATIC

    # -- common layouts

    @classmethod
    def replicated(cls, mesh: Mesh, rank: int) -> Layout:
        """Returns the layout in which every device holds the whole tensor.

        Args:
          mesh: the mesh.
          rank: the number of axes.

        Returns:
          A `Layout`.
        """
        return cls([UNSHARDED] * rank, mesh)

    @classmethod
    def batch_sharded(cls, mesh: Mesh, batch_dim: str, rank: int, axis: int = 0) -> Layout:
        """Returns the layout in which one axis is divided among devices.

        Args:
          mesh: the mesh.
          batch_dim: the dimension of the mesh.
          rank: the number of axes.
          axis: the axis that is divided.

        Returns:
          A `Layout`.
        """
        specs = [UNSHARDED] * rank
        specs[axis] = batch_dim
        return cls(specs, mesh)

    @classmethod
    def inner_sharded(cls, mesh: Mesh, inner_dim: str, rank: int) -> Layout:
        """Returns the layout in which the last axis is divided among devices.

        Args:
          mesh: the mesh.
          inner_dim: the dimension of the mesh.
          rank: the number of axes.

        Returns:
          A `Layout`.
        """
        return cls.batch_sharded(mesh, inner_dim, rank, axis=rank - 1)

    @classmethod
    def from_single_device_mesh(cls, mesh: Mesh) -> Layout:
        """Returns the layout on a mesh of one device.

        Args:
          mesh: the mesh.

        Returns:
          A `Layout`.

        Raises:
          ValueError: the mesh has several devices.
        """
        if not mesh.single_device:
            raise ValueError("type is single device, but mesh is not single device")
        layout = cls([], mesh)
        layout._type = LayoutType.SINGLE_DEVICE
        return layout

    @classmethod
    def from_device(cls, device: str) -> Layout:
        """Returns the layout on a device.

        Args:
          device: the name of the device.

        Returns:
          A `Layout`.
        """
        return cls.from_single_device_mesh(Mesh.from_device(device))

    # -- other forms

    @classmethod
    def from_string(cls, layout_str: str) -> Layout:
        """Returns the layout that `to_string` has written.

        Args:
          layout_str: the string.

        Returns:
          A `Layout`.
        """
        head, _, mesh = layout_str.partition(" mesh:")
        kind, _, specs = head.rstrip(",").partition(":")
        if kind == "maximal":
            return cls.from_single_device_mesh(Mesh.from_string(mesh))
        layout = cls([spec for spec in specs.split(",") if spec], Mesh.from_string(mesh))
        return layout.to_parted() if kind == "parted" else layout

    @classmethod
    def from_proto(cls, layout_proto: Any) -> Layout:
        """Returns the layout of a message.

        Args:
          layout_proto: a `LayoutProto`.

        Returns:
          A `Layout`.
        """
        mesh = Mesh.from_proto(layout_proto.mesh_config)
        if layout_proto.type == LayoutProto.SINGLE_DEVICE:
            return cls.from_single_device_mesh(mesh)
        layout = cls([spec.sharding_spec for spec in layout_proto.sharding_specs], mesh)
        return layout.to_parted() if layout_proto.type == LayoutProto.PARTED else layout

    @native
    def as_proto(self) -> Any:
        """Returns the LayoutProto.

        Returns:
          A LayoutProto.
        """
        message = LayoutProto(mesh_config=self._mesh.as_proto(), type=self._type.value)
        for spec in self._specs:
            message.sharding_specs.add(sharding_spec=spec)
        return message

    @native
    def to_string(self) -> str:
        """Returns the specs and the mesh as a string.

        Returns:
          A str, for `from_string`.
        """
        if self._type is LayoutType.SINGLE_DEVICE:
            return f"maximal:true, mesh:{self._mesh.to_string()}"
        kind = "parted" if self._type is LayoutType.PARTED else "sharding_specs"
        specs = "".join(f"{spec}," for spec in self._specs)
        return f"{kind}:{specs} mesh:{self._mesh.to_string()}"

    def to_parted(self) -> Layout:
        """Returns the layout of a tensor with shards that may differ in size.

        Returns:
          A `Layout`.
        """
        layout = Layout(self._specs, self._mesh)
        layout._type = LayoutType.PARTED
        return layout

    # -- properties

    mesh = read_only("_mesh", "The mesh.")

    @property
    def sharding_specs(self) -> list[str]:
        """The mesh dimension of each axis's sharding, or UNSHARDED."""
        return list(self._specs)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self._specs)

    type = read_only("_type", "Kind of the layout.")

    @property
    def shape(self) -> list[int]:
        """The sizes of the mesh dimensions."""
        return self._mesh.shape()

    @native
    def num_shards(self, idx: int) -> int:
        """Returns the number of shards along an axis.

        Args:
          idx: the axis.

        Returns:
          An int.
        """
        spec = self._specs[idx]
        return 1 if spec == UNSHARDED else self._mesh[spec].size

    @property
    def shards(self) -> list[int]:
        """The number of shards along each axis."""
        return [Layout.num_shards(self, axis) for axis in range(self.rank)]

    @native
    def is_fully_replicated(self) -> bool:
        """True if no axis is sharded.

        Returns:
          A bool.
        """
        return all(count == 1 for count in self.shards)

    @native
    def is_batch_parallel(self) -> bool:
        """True if only the first axis is sharded.

        Returns:
          A bool.
        """
        return bool(self.shards) and all(count == 1 for count in self.shards[1:])

    @native
    def is_single_device(self) -> bool:
        """True if the whole tensor is on a single device.

        Returns:
          A bool.
        """
        return self._mesh.is_single_device()

    def delete(self, dims: Sequence[int]) -> Layout:
        """Returns the layout without some axes.

        Args:
          dims: a list of axes.

        Returns:
          A `Layout`.
        """
        return Layout([s for i, s in enumerate(self._specs) if i not in dims], self._mesh)

    @native
    def global_shape_from_local_shape(self, local_shape: Sequence[int]) -> tuple[int, ...]:
        """Returns the shape of a tensor from that of its shards.

        Args:
          local_shape: a list of ints.

        Returns:
          A tuple of ints.
        """
        return tuple(n * count for n, count in zip(local_shape, self.shards, strict=True))

    @native
    def local_shape_from_global_shape(self, global_shape: Sequence[int]) -> tuple[int, ...]:
        """Returns the shape of each device's shard.

        Args:
          global_shape: of the tensor, a list of ints.

        Returns:
          A tuple of ints.
        """
        return tuple(n // count for n, count in zip(global_shape, self.shards, strict=True))

    def offset_to_shard(self) -> list[tuple[int, ...]]:
        """Returns for each device of the mesh the index of its shard along each axis.

        Returns:
          A list of tuples of ints.
        """
        axes = [None if s == UNSHARDED else self._mesh.axis(s) for s in self._specs]
        places = itertools.product(*map(range, self._mesh.shape()))
        return [tuple(0 if a is None else place[a] for a in axes) for place in places]

    def offset_tuple_to_global_index(self, offset_tuple: Sequence[int]) -> int:
        """Returns the number of the device at a place of the mesh.

        Args:
          offset_tuple: the place, a number for each dimension.

        Returns:
          An integer.
        """
        index = 0
        for offset, count in zip(offset_tuple, self.shards, strict=True):
            index = index * count + offset
        return index

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Layout) and Layout.to_string(self) == Layout.to_string(other)

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        return f"Layout.from_string({self.to_string()})"
