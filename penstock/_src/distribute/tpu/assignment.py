"""DeviceAssignment: which cores of a Topology each replica of a computation uses."""

import enum
from typing import Any

import numpy as np

from penstock._src.distribute.tpu.topology import Topology
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

Place = tuple[int, ...]


@export("tpu.experimental.DeviceOrderMode")
class DeviceOrderMode(enum.IntEnum):
    """The order of cores: a ring of neighbors, or row-major."""

    AUTO = 0
    RING = 1
    MESH = 2


@export("tpu.experimental.DeviceAssignment")
class DeviceAssignment:
    """The cores of each replica.

    Args:
      topology: a Topology.
      core_assignment: int array [replicas, cores per replica, 4] of coordinates.

    Raises:
      ValueError: an argument has a wrong type or shape.
    """

    def __init__(self, topology: Topology, core_assignment: Any) -> None:
        if not isinstance(topology, Topology):
            raise ValueError(f"topology must be a Topology object, got {type(topology)}")
        assignment = np.asarray(core_assignment, np.int32)
        if assignment.ndim != 3:
            raise ValueError(
                f"core_assignment must be a rank 3 numpy array, got shape {assignment.shape}"
            )
        if assignment.shape[2] != topology.mesh_rank:
            raise ValueError(
                "core_assignment.shape[-1] must have size equal to topology rank "
                f"({topology.mesh_rank}), got shape {assignment.shape}"
            )
        self._topology, self._assignment = topology, assignment

    topology = read_only("_topology", "The Topology.")
    core_assignment = read_only("_assignment", "[replicas, cores per replica, 4].")

    @property
    def num_replicas(self) -> int:
        """The number of replicas."""
        return self._assignment.shape[0]

    @property
    def num_cores_per_replica(self) -> int:
        """The number of cores of a replica."""
        return self._assignment.shape[1]

    def coordinates(self, replica: int, logical_core: int) -> Place:
        """Returns the coordinates of a core of a replica.

        Args:
          replica: the number of the replica.
          logical_core: the number of its core.

        Returns:
          A tuple of ints.
        """
        return tuple(self._assignment[replica, logical_core, :])

    def lookup_replicas(self, task_id: int, logical_core: int) -> list[int]:
        """Returns the replicas that have their core of this index on a task.

        Args:
          task_id: the number of the task.
          logical_core: the number of the replicas' core.

        Returns:
          A list of ints.

        Raises:
          ValueError: there are none.
        """
        replicas = [
            replica
            for replica in range(self.num_replicas)
            if self._topology.task_ordinal_at_coordinates(self.coordinates(replica, logical_core))
            == task_id
        ]
        if not replicas:
            raise ValueError(f"Can not find any replica in task: {task_id} contains logical_core: "
                             f"{logical_core} ")  # fmt: skip
        return replicas

    def tpu_ordinal(self, replica: int = 0, logical_core: int = 0) -> int:
        """Returns the index of a replica's core within its task.

        Args:
          replica, logical_core: the core.

        Returns:
          An int.
        """
        place = self.coordinates(replica, logical_core)
        return self._topology.tpu_device_ordinal_at_coordinates(place)

    def host_device(self, replica: int = 0, logical_core: int = 0, job: str | None = None) -> str:
        """Returns the name of the host CPU of a replica's core.

        Args:
          replica, logical_core: the core.
          job: the name of the job; None for names without one.

        Returns:
          A str.
        """
        place = self.coordinates(replica, logical_core)
        return self._topology.cpu_device_name_at_coordinates(place, job=job)

    def tpu_device(self, replica: int = 0, logical_core: int = 0, job: str | None = None) -> str:
        """Returns the name of a replica's core.

        Args:
          replica, logical_core: the core.
          job: the name of the job; None for names without one.

        Returns:
          A str.
        """
        place = self.coordinates(replica, logical_core)
        return self._topology.tpu_device_name_at_coordinates(place, job=job)

    @classmethod
    def build(
        cls,
        topology: Topology,
        computation_shape: Any = None,
        computation_stride: Any = None,
        num_replicas: int = 1,
        device_order_mode: DeviceOrderMode = DeviceOrderMode.AUTO,
    ) -> "DeviceAssignment":
        """Returns an assignment of boxes of cores to replicas.

        Args:
          topology: the Topology.
          computation_shape: the box of a replica; one core by default.
          computation_stride: steps between the cores of a box; 1 by default.
          num_replicas: how many boxes.
          device_order_mode: the order of the boxes; AUTO uses a ring if boxes contain whole chips.

        Returns:
          A DeviceAssignment.

        Raises:
          ValueError: the topology is too small for this many boxes.
        """
        mesh = topology.mesh_shape
        box = _extents(computation_shape, mesh.size)
        stride = _extents(computation_stride, mesh.size)
        footprint = box * stride
        if (footprint > mesh).any():
            raise ValueError(
                f"computation footprint {footprint} does not fit in TPU topology shape {mesh}"
            )
        counts = mesh // footprint * stride
        room = int(np.prod(counts))
        if num_replicas > room:
            raise ValueError(
                f"requested {num_replicas} replicas but only {room} replicas with shape {box} and "
                f"computation_stride {stride} fit in a TPU mesh of shape {mesh}"
            )
        whole_chips = box[-1] == mesh[-1]
        in_ring = device_order_mode is not DeviceOrderMode.MESH and whole_chips
        replicas = ring(counts) if in_ring and num_replicas == room else rows(counts)
        cores = ring(box) if in_ring else list(np.ndindex(*box))
        assignment = [
            [
                np.array(replica) // stride * footprint
                + np.array(replica) % stride
                + np.array(core) * stride
                for core in cores
            ]
            for replica in replicas[:num_replicas]
        ]
        return cls(topology, np.array(assignment, np.int32))


def _extents(sizes: Any, rank: int) -> np.ndarray:
    if sizes is None:
        return np.ones(rank, np.int32)
    extents = np.asarray(sizes, np.int32)
    if extents.shape != (rank,) or (extents < 1).any():
        raise ValueError(f"computation_shape and stride must be {rank} positive ints, got {sizes}")
    return extents


def rows(extents: Any) -> list[Place]:
    """All coordinates of a grid: the last dimension (cores) varies fastest, then x, y and z."""
    x, y, z, cores = (int(n) for n in extents)
    return [
        (i, j, k, c) for k in range(z) for j in range(y) for i in range(x) for c in range(cores)
    ]


def ring(extents: Any) -> list[Place]:
    """All coordinates of a grid as a ring: each is a neighbor of the next, and the last of the first.

    Layers of z are visited back and forth. If x or y is odd there is no ring, and the order is row-major.
    """
    x, y, z, cores = (int(n) for n in extents)
    if min(x, y) == 1 or x % 2 or y % 2:
        return rows(extents)
    layer = _ring_of_layer(x, y)
    return [
        (i, j, k, c)
        for k in range(z)
        for i, j in (layer if k % 2 == 0 else layer[::-1])
        for c in range(cores)
    ]


def _ring_of_layer(x: int, y: int) -> list[tuple[int, int]]:
    """Visits the first row, then the others back and forth without their first column, and returns along this column."""
    path = [(i, 0) for i in range(x)]
    for j in range(1, y):
        columns = range(x - 1, 0, -1) if j % 2 else range(1, x)
        path += [(i, j) for i in columns]
    return path + [(0, j) for j in range(y - 1, 0, -1)]
