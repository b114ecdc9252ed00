"""The processes and devices of DTensor, from environment variables, and functions that create meshes."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.config import devices as configured
from penstock._src.cluster.environments.table import described
from penstock._src.cluster.transports.table import connect
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.scopes import use_processes
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export

_PACKAGE = "experimental.dtensor"
DEVICE_TYPES = ("CPU", "GPU", "TPU")
_STATE = {"initialized": False}


def _variable(name: str, default: str) -> str:
    return os.environ.get(f"DTENSOR_{name}", default)


@export(f"{_PACKAGE}.client_id")
def client_id() -> int:
    """Returns the number of this process.

    Returns:
      An int, from 0.
    """
    return described().rank


@export(f"{_PACKAGE}.num_clients")
def num_clients() -> int:
    """Returns the number of processes.

    Returns:
      An int.
    """
    return described().size


@export(f"{_PACKAGE}.job_name")
def job_name() -> str:
    """Returns the job of this process.

    Returns:
      "localhost" or "worker", unless DTENSOR_JOB_NAME says another.
    """
    return _variable("JOB_NAME", "localhost" if num_clients() == 1 else "worker")


@export(f"{_PACKAGE}.full_job_name")
def full_job_name(task_id: int | None = None) -> str:
    """Returns job, replica and task as one name.

    Args:
      task_id: the number of a process; by default this one's.

    Returns:
      A str such as "localhost/replica:0/task:0".

    Raises:
      ValueError: there is no such task.
    """
    task = client_id() if task_id is None else task_id
    if job_name() == "localhost" and task != 0:
        raise ValueError(f"Unexpected task ID {task} in local runs")
    return f"{job_name()}/replica:0/task:{task}"


@export(f"{_PACKAGE}.jobs")
def jobs() -> list[str]:
    """Returns the addresses of all processes, or none if this is the only one.

    Returns:
      A list of str.
    """
    listed = _variable("JOBS", "")
    return listed.split(",") if listed else []


@export(f"{_PACKAGE}.heartbeat_enabled")
def heartbeat_enabled() -> bool:
    """True if processes send heartbeats to one another.

    Returns:
      A bool.
    """
    return _variable("ENABLE_HEARTBEAT", "true").lower() in ("true", "1")


@export(f"{_PACKAGE}.local_devices")
def local_devices(device_type: str, for_client_id: int | None = None) -> list[Any]:
    """Returns the DeviceSpecs of a process's devices of a type.

    Args:
      device_type: "CPU", "GPU" or "TPU".
      for_client_id: the number of a process; by default this one's.

    Returns:
      A list of DeviceSpec.

    Raises:
      ValueError: there is no such type.
    """
    if device_type.upper() not in DEVICE_TYPES:
        raise ValueError(f"Device type {device_type} is not CPU, GPU, or TPU.")
    devices = configured.own_devices(device_type.upper())
    prefix = f"/job:{full_job_name(for_client_id)}"
    return [DeviceSpec.from_string(f"{prefix}{device.name}") for device in devices]


@export(f"{_PACKAGE}.num_local_devices")
def num_local_devices(device_type: str) -> int:
    """Returns the number of this process's devices of a type.

    Args:
      device_type: "CPU", "GPU" or "TPU".

    Returns:
      An int.
    """
    return len(local_devices(device_type))


@export(f"{_PACKAGE}.num_global_devices")
def num_global_devices(device_type: str) -> int:
    """Returns the number of devices of a type of all processes.

    Args:
      device_type: "CPU", "GPU" or "TPU".

    Returns:
      An int.
    """
    return num_local_devices(device_type) * num_clients()


@export(f"{_PACKAGE}.preferred_device_type")
def preferred_device_type() -> str:
    """Returns the fastest available device type.

    Returns:
      "CPU", as no other devices exist.
    """
    return next(kind for kind in reversed(DEVICE_TYPES) if num_local_devices(kind))


@export(
    f"{_PACKAGE}.initialize_accelerator_system",
    f"{_PACKAGE}.initialize_multi_client",
    f"{_PACKAGE}.initialize_tpu_system",
)
def initialize_accelerator_system(
    device_type: str | None = None,
    enable_coordination_service: bool | None = True,
    num_logical_cpu_devices: int | None = None,
    experimental_reset_context: bool | None = False,
    experimental_enable_megcore: bool | None = False,
) -> str:
    """Creates the devices for meshes, and returns their type.

    Args:
      device_type: "CPU"; by default the preferred type.
      enable_coordination_service, experimental_enable_megcore: accepted.
      num_logical_cpu_devices: how many logical devices the CPU is split into.
      experimental_reset_context: whether to discard devices that are already in use.

    Returns:
      A str.

    Raises:
      ValueError: it was called before, devices are in use, or no device has this type.
      UnavailableError: the others do not come.
    """
    if _STATE["initialized"]:
        raise ValueError(
            "Accelerator system has already been initialized. Call "
            "tf.experimental.dtensor.shutdown_accelerator_system() first."
        )
    if num_clients() > 1:
        connect()
        use_processes()
    if experimental_reset_context:
        configured.reset()
    elif configured.SETTINGS.initialized:
        raise ValueError(
            "TensorFlow has already been initialized. "
            "tf.experimental.dtensor.initialize_accelerator_system() must be called before "
            "TensorFlow is initialized."
        )
    kind = (device_type or "CPU").upper()
    if kind not in DEVICE_TYPES or not configured.list_physical_devices(kind):
        raise ValueError(f"There are no devices of the type {device_type}.")
    if num_logical_cpu_devices:
        (cpu,) = configured.list_physical_devices("CPU")
        part = configured.LogicalDeviceConfiguration()
        configured.set_logical_device_configuration(cpu, [part] * num_logical_cpu_devices)
    _STATE["initialized"] = True
    return kind


@export(f"{_PACKAGE}.shutdown_accelerator_system", f"{_PACKAGE}.shutdown_tpu_system")
def shutdown_accelerator_system() -> None:
    """Undoes `initialize_accelerator_system`.

    Raises:
      ValueError: it was not called.
    """
    if not _STATE["initialized"]:
        raise ValueError(
            "Accelerator system is not initialized. Call "
            "tf.experimental.dtensor.initialize_accelerator_system first."
        )
    _STATE["initialized"] = False
    configured.reset()


@export(f"{_PACKAGE}.create_mesh")
def create_mesh(
    mesh_dims: Any = None,
    mesh_name: str = "",
    devices: Sequence[str] | None = None,
    device_type: str | None = None,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh of this process's devices.

    Args:
      mesh_dims: {name: size}, or pairs of these; by default one dimension "x" of all devices.
      mesh_name: its name.
      devices: the devices' names; by default all of `device_type`.
      device_type: by default the type of `devices`, else the preferred one.
      use_xla_spmd: only stored.

    Returns:
      A `tf.experimental.dtensor.Mesh`.

    Raises:
      ValueError: the sizes do not match the number of devices.

    >>> mesh = tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"])
    >>> mesh.dim_names, mesh.size
    (['x'], 1)
    """
    if devices is None:
        mesh_devices = local_devices(device_type or preferred_device_type())
    else:
        mesh_devices = [_full(name) for name in devices]
    pairs = _pairs(mesh_dims) or [("x", len(mesh_devices))]
    shape = [int(size) for _, size in pairs]
    if int(np.prod(shape)) != len(mesh_devices):
        raise ValueError(
            f"length of devices ({len(mesh_devices)}) must be equal to total size of the mesh of shape "
            f"{shape}"
        )
    ids = np.arange(len(mesh_devices)).reshape(shape)
    names = [str(name) for name, _ in pairs]
    return Mesh(names, ids, list(ids.flat), mesh_devices, mesh_name, use_xla_spmd=use_xla_spmd)


def _full(name: Any) -> Any:
    spec = DeviceSpec.from_string(name) if isinstance(name, str) else name
    return DeviceSpec.from_string(f"/job:{full_job_name()}").make_merged_spec(spec)


@export(f"{_PACKAGE}.create_distributed_mesh")
def create_distributed_mesh(
    mesh_dims: Any,
    mesh_name: str = "",
    local_devices: Sequence[str] | None = None,
    device_type: str | None = None,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh over the devices of all processes. Each process holds its shards of the DTensors on it.

    Args:
      mesh_dims: pairs of the name and the size of a dimension, or a dictionary of them.
      mesh_name: its name.
      local_devices: the devices of this process; by default all of the type. With several processes, one.
      device_type: by default that of the devices, else the preferred one.
      use_xla_spmd: a hint without effect.

    Returns:
      A `tf.experimental.dtensor.Mesh`.

    Raises:
      UnimplementedError: there are several processes with several devices each.
      ValueError: the sizes do not fit the number of devices.

    >>> tf.experimental.dtensor.create_distributed_mesh([("x", 1)], local_devices=["CPU:0"]).size
    1
    """
    if num_clients() == 1:
        return create_mesh(mesh_dims, mesh_name, local_devices, device_type, use_xla_spmd)
    own_devices = [_full(name) for name in local_devices or ()] or _own_device(device_type)
    if len(own_devices) != 1:
        raise UnimplementedError(
            "tf.experimental.dtensor: with several processes, each must have exactly one device of a mesh. Received: "
            f"{[device.to_string() for device in own_devices]}."
        )
    pairs = _pairs(mesh_dims)
    shape = [int(size) for _, size in pairs]
    if int(np.prod(shape)) != num_clients():
        raise ValueError(
            f"length of devices ({num_clients()}) must be equal to total size of the mesh of shape {shape}"
        )
    use_processes()
    every = [own_devices[0].replace(task=task) for task in range(num_clients())]
    ids = np.arange(len(every)).reshape(shape)
    names = [str(name) for name, _ in pairs]
    return Mesh(names, ids, [client_id()], own_devices, mesh_name, every, use_xla_spmd)


def _own_device(device_type: str | None) -> list[Any]:
    return local_devices(device_type or preferred_device_type())[:1]


def _pairs(mesh_dims: Any) -> list[tuple[Any, Any]]:
    return list(mesh_dims.items()) if isinstance(mesh_dims, dict) else list(mesh_dims or [])


@export(f"{_PACKAGE}.create_tpu_mesh")
def create_tpu_mesh(
    mesh_dim_names: Sequence[str],
    mesh_shape: Sequence[int],
    mesh_name: str,
    ring_dims: int | None = None,
    ring_axes: Sequence[str] | None = None,
    ring_bounds: Sequence[int] | None = None,
    can_split_host_across_rings: bool = True,
    build_ring_across_rings: bool = False,
    rotate_ring_across_rings: bool = False,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh of TPU cores.

    Args:
      mesh_dim_names, mesh_shape, mesh_name, ring_dims, ring_axes, ring_bounds,
        can_split_host_across_rings, build_ring_across_rings, rotate_ring_across_rings,
        use_xla_spmd: of the mesh.

    Raises:
      ValueError: always: there is no TPU.
    """
    raise ValueError("Invalid TPU topology, run dtensor.initialize_tpu_system() first")
