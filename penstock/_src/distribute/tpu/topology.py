"""Topology: the grid of the cores of a TPU system, and the task of each core."""

from typing import Any

import numpy as np

from penstock._src.proto.tpu import TopologyProto
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

# Dimensions of the grid: x, y, z, and the cores of a chip.
DIMENSIONS = 4


def _device(job: str | None, task: int, kind: str, number: int) -> str:
    prefix = f"/job:{job}" if job else ""
    return f"{prefix}/task:{task}/device:{kind}:{number}"


@export("tpu.experimental.Topology")
class Topology:
    """A grid of TPU cores.

    Args:
      serialized: a TopologyProto's bytes, in place of the other arguments.
      mesh_shape: the four dimensions of the grid.
      device_coordinates: int array [tasks, cores per task, 4].

    Raises:
      ValueError: shapes or coordinates do not match.
    """

    def __init__(
        self,
        serialized: bytes | None = None,
        mesh_shape: Any = None,
        device_coordinates: Any = None,
    ) -> None:
        if serialized:
            proto = TopologyProto.FromString(serialized)
            mesh_shape = list(proto.mesh_shape)
            shape = (proto.num_tasks, proto.num_tpu_devices_per_task, len(mesh_shape))
            device_coordinates = np.array(proto.device_coordinates, np.int32).reshape(shape)
        self._mesh_shape = np.asarray(mesh_shape, np.int32)
        self._coordinates = np.asarray(device_coordinates, np.int32)
        if self._mesh_shape.shape != (DIMENSIONS,) or (self._mesh_shape < 1).any():
            raise ValueError(
                f"`mesh_shape` must be a sequence of 4 positive entries; got {mesh_shape}"
            )
        if self._coordinates.ndim != 3 or self._coordinates.shape[2] != DIMENSIONS:
            raise ValueError(
                "`device_coordinates` must be a rank 3 int32 array with minor dimension equal to "
                f"the `mesh_shape` rank; got shape {self._coordinates.shape} for mesh_shape "
                f"{self._mesh_shape}"
            )
        self._places = self._invert()

    def _invert(self) -> dict[tuple[int, ...], tuple[int, int]]:
        """{coordinates: (task, core of the task)}."""
        places: dict[tuple[int, ...], tuple[int, int]] = {}
        for task, cores in enumerate(self._coordinates):
            for core, place in enumerate(cores):
                key = tuple(int(n) for n in place)
                if any(n < 0 or n >= extent for n, extent in zip(key, self._mesh_shape)):
                    raise ValueError(f"The coordinates {key} lie outside {self._mesh_shape}.")
                places[key] = task, core
        return places

    mesh_shape = read_only("_mesh_shape", "The four extents.")

    @property
    def mesh_rank(self) -> int:
        """The number of dimensions."""
        return len(self._mesh_shape)

    device_coordinates = read_only(
        "_coordinates", "[tasks, cores per task, 4]: where each core lies."
    )

    @property
    def missing_devices(self) -> np.ndarray:
        """[n, 4]: the coordinates without a core."""
        missing = [p for p in np.ndindex(*self._mesh_shape) if p not in self._places]
        return np.array(missing, np.int64).reshape(-1, self.mesh_rank)

    @property
    def num_tasks(self) -> int:
        """The number of tasks."""
        return self._coordinates.shape[0]

    @property
    def num_tpus_per_task(self) -> int:
        """The number of cores of a task."""
        return self._coordinates.shape[1]

    def _place(self, device_coordinates: Any) -> tuple[int, int]:
        return self._places[tuple(int(n) for n in device_coordinates)]

    def task_ordinal_at_coordinates(self, device_coordinates: Any) -> int:
        """Returns the task of the core at these coordinates.

        Args:
          device_coordinates: a list of ints.

        Returns:
          An int.
        """
        return self._place(device_coordinates)[0]

    def tpu_device_ordinal_at_coordinates(self, device_coordinates: Any) -> int:
        """Returns the index of the core within its task.

        Args:
          device_coordinates: a list of ints.

        Returns:
          An int.
        """
        return self._place(device_coordinates)[1]

    def cpu_device_name_at_coordinates(
        self, device_coordinates: Any, job: str | None = None
    ) -> str:
        """Returns the name of the CPU of the core's task.

        Args:
          device_coordinates: a list of ints.
          job: the name of the job; None for names without one.

        Returns:
          A str.
        """
        return _device(job, self._place(device_coordinates)[0], "CPU", 0)

    def tpu_device_name_at_coordinates(
        self, device_coordinates: Any, job: str | None = None
    ) -> str:
        """Returns the name of the core.

        Args:
          device_coordinates: a list of ints.
          job: the name of the job; None for names without one.

        Returns:
          A str.
        """
        task, core = self._place(device_coordinates)
        return _device(job, task, "TPU", core)

    def serialized(self) -> bytes:
        """Returns the TopologyProto's bytes.

        Returns:
          Bytes.
        """
        return TopologyProto(
            mesh_shape=self._mesh_shape.tolist(),
            num_tasks=self.num_tasks,
            num_tpu_devices_per_task=self.num_tpus_per_task,
            device_coordinates=self._coordinates.flatten().tolist(),
        ).SerializeToString()
