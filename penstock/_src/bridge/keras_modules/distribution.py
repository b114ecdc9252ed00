"""keras.distribution over processes: the functions that Keras's TensorFlow backend lacks.

Keras 3 asks its backend to place variables and tensors; its TensorFlow backend answers nothing, so a distribution changes nothing there.
When its modules load on the stand-in and this process is in a cluster, variables become DVariables in the layouts that the
distribution says, and functions run on shards (`distribute/dtensor/spmd`). In one process Keras is as it was.
"""

from __future__ import annotations

import functools
import os
import types
from typing import Any

from penstock._src.bridge.keras_modules.processes import distribution_of_processes
from penstock._src.cluster.environments.table import described
from penstock._src.eager.context import init_scope
from penstock._src.eager.variable import Variable
from penstock._src.util.lazy import ByName, is_instance_of

# Imported by name: every process loads Keras, but few are in a cluster.
_MADE, _MESH = ByName(f"{__package__}.sharded", "made"), ByName(f"{__package__}.sharded", "mesh")
_IN_LAYOUT = ByName(f"{__package__}.sharded", "in_layout")
_GATHERED = ByName(f"{__package__}.sharded", "gathered")
_VALUES = "penstock._src.distribute.dtensor.values"


def wrap_backend(module: types.ModuleType) -> None:
    """Adds to Keras's functions of its TensorFlow backend those that distributions over processes call."""
    module.initialize = initialize  # type: ignore[attr-defined]
    module.distribute_tensor = distribute_tensor  # type: ignore[attr-defined]
    listed, mesh_of = module.list_devices, module._to_backend_mesh

    @functools.wraps(listed)
    def list_devices(device_type: str | None = None) -> list[str]:
        processes = described().size
        if processes == 1:
            return listed(device_type)
        return [f"{(device_type or 'cpu').lower()}:{rank}" for rank in range(processes)]

    @functools.wraps(mesh_of)
    def to_backend_mesh(device_mesh: Any) -> Any:
        return mesh_of(device_mesh) if described().size == 1 else _MESH(device_mesh)

    module.list_devices = list_devices  # type: ignore[attr-defined]
    module._to_backend_mesh = to_backend_mesh  # type: ignore[attr-defined]


def initialize(
    job_addresses: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
) -> None:
    """Says which processes work together, where a launcher has not said it; see `keras.distribution.initialize`.

    Args:
      job_addresses: the addresses of all processes, with commas between them.
      num_processes: how many there are.
      process_id: the number of this one.

    Raises:
      ValueError: arguments are missing, or a launcher says otherwise.
    """
    arguments = (job_addresses, num_processes, process_id)
    if arguments == (None, None, None):
        return
    if num_processes is None or process_id is None:
        raise ValueError(
            f"keras.distribution.initialize: num_processes and process_id are needed as well. Received: {arguments}."
        )
    cluster = described()
    if cluster.size > 1 and (cluster.size, cluster.rank) != (num_processes, process_id):
        raise ValueError(
            f"keras.distribution.initialize: {cluster.source} says that this is process {cluster.rank} of {cluster.size}. "
            f"Received: process_id={process_id}, num_processes={num_processes}."
        )
    os.environ["DTENSOR_CLIENT_ID"] = str(process_id)
    os.environ["DTENSOR_NUM_CLIENTS"] = str(num_processes)
    if job_addresses and cluster.size == 1:
        os.environ["DTENSOR_JOBS"] = job_addresses


def distribute_tensor(tensor: Any, layout: Any) -> Any:
    """Returns a tensor in a layout of Keras; see `keras.distribution.distribute_tensor`."""
    return tensor if described().size == 1 else _IN_LAYOUT(tensor, layout)


def wrap_variables(module: types.ModuleType) -> None:
    """Lets Keras's variables be DVariables while there is a distribution over processes."""
    kind = module.Variable
    plain, to_numpy = kind._initialize, module.convert_to_numpy

    @functools.wraps(plain)
    def _initialize(self: Any, value: Any) -> None:
        distribution = distribution_of_processes()
        if distribution is None or isinstance(value, Variable):
            plain(self, value)
        else:
            with init_scope():
                self._value = _MADE(self, value, distribution)

    @functools.wraps(to_numpy)
    def convert_to_numpy(x: Any) -> Any:
        return to_numpy(_GATHERED(x) if is_instance_of(x, _VALUES, "ShardedTensor") else x)

    kind._initialize = _initialize
    module.convert_to_numpy = convert_to_numpy  # type: ignore[attr-defined]
