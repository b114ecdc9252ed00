"""keras.distribution over processes: the functions that Keras's TensorFlow backend lacks.

Keras 3 asks its backend to place variables and tensors; its TensorFlow backend answers nothing, so a distribution changes nothing there.
When its modules load on the stand-in and this process is in a cluster, variables become DVariables in the layouts that the
distribution says, and functions run on shards (`distribute/dtensor/spmd`). In one process Keras is as it was.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from typing import Any

import numpy as np

from penstock._src.cluster.environments.table import described
from penstock._src.core.convert import convert_to_tensor
from penstock._src.distribute.dtensor.clients import create_distributed_mesh, num_clients
from penstock._src.distribute.dtensor.layout import UNSHARDED, Layout
from penstock._src.distribute.dtensor.spmd.eager import DATA, on_shards
from penstock._src.distribute.dtensor.spmd.relayout import of_first
from penstock._src.distribute.dtensor.tensors import relayout
from penstock._src.distribute.dtensor.values import ShardedTensor
from penstock._src.distribute.dtensor.variables import DVariable
from penstock._src.eager.context import init_scope
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable


def wrap_backend(module: types.ModuleType) -> None:
    """Adds to Keras's functions of its TensorFlow backend those that distributions over processes call."""
    module.initialize = initialize  # type: ignore[attr-defined]
    module.distribute_tensor = distribute_tensor  # type: ignore[attr-defined]
    listed, mesh_of = module.list_devices, module._to_backend_mesh

    @functools.wraps(listed)
    def list_devices(device_type: str | None = None) -> list[str]:
        if num_clients() == 1:
            return listed(device_type)
        return [f"{(device_type or 'cpu').lower()}:{rank}" for rank in range(num_clients())]

    @functools.wraps(mesh_of)
    def to_backend_mesh(device_mesh: Any) -> Any:
        if num_clients() == 1:
            return mesh_of(device_mesh)
        pairs = list(zip(device_mesh.axis_names, device_mesh.shape))
        return create_distributed_mesh(pairs, device_type="CPU")

    module.list_devices = list_devices  # type: ignore[attr-defined]
    module._to_backend_mesh = to_backend_mesh  # type: ignore[attr-defined]
    DATA.append(_batch_dimension)


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
    if num_clients() == 1:
        return tensor
    return relayout(tensor, getattr(layout, "backend_layout", layout))


def wrap_variables(module: types.ModuleType) -> None:
    """Lets Keras's variables be DVariables while there is a distribution over processes."""
    kind = module.Variable
    plain, to_numpy = kind._initialize, module.convert_to_numpy

    @functools.wraps(plain)
    def _initialize(self: Any, value: Any) -> None:
        distribution = _distribution()
        if distribution is None or isinstance(value, Variable):
            plain(self, value)
        else:
            with init_scope():
                self._value = _made(self, value, distribution)

    @functools.wraps(to_numpy)
    def convert_to_numpy(x: Any) -> Any:
        return to_numpy(gathered(x) if isinstance(x, ShardedTensor) else x)

    kind._initialize = _initialize
    module.convert_to_numpy = convert_to_numpy  # type: ignore[attr-defined]


class GatheringVariable(DVariable):
    """The DVariable of a Keras variable: NumPy gets the whole value, for which all processes must ask at the same time."""

    def numpy(self) -> np.ndarray:
        """Returns the whole value."""
        return gathered(self._read()).numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)


def gathered(tensor: Any) -> Any:
    """Returns a DTensor that every process holds whole."""
    layout = tensor.layout
    return relayout(tensor, Layout.replicated(layout.mesh, layout.rank))


def _made(variable: Any, value: Any, distribution: Any) -> DVariable:
    """The DVariable of a Keras variable; its value is that of the first process."""
    tensor: Any = convert_to_tensor(value() if callable(value) else value, dtype=variable._dtype)
    variable._shape = tuple(tensor.shape.as_list())
    if variable._layout is None:
        variable._layout = distribution.get_variable_layout(variable)
    layout = variable._layout.backend_layout
    with on_shards():
        whole = of_first(EagerTensor(tensor._value, tensor.dtype), layout.mesh)
    return GatheringVariable(
        relayout(whole, layout),
        trainable=variable.trainable,
        name=variable.name,
        aggregation=variable._map_aggregation(variable.aggregation),
        synchronization=variable._map_synchronization(variable.synchronization),
    )


def _distribution() -> Any:
    """Keras's current distribution, if it is over processes."""
    if num_clients() == 1:
        return None
    library = sys.modules.get("keras.src.distribution.distribution_lib")
    return None if library is None else library.distribution()


def _batch_dimension() -> str:
    """The mesh dimension along which batches are divided: see `DATA`."""
    distribution = _distribution()
    if distribution is None:
        return ""
    name = distribution.batch_dim_name
    mesh = distribution.device_mesh.backend_mesh
    return name if name in mesh and mesh[name].size > 1 else UNSHARDED
