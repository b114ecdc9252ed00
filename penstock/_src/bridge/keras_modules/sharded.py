"""Support for keras.distribution with several processes: variables are DVariables with the distribution's layouts."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.bridge.keras_modules.processes import distribution_of_processes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.distribute.dtensor.clients import create_distributed_mesh
from penstock._src.distribute.dtensor.layout import UNSHARDED, Layout
from penstock._src.distribute.dtensor.spmd.eager import DATA, on_shards
from penstock._src.distribute.dtensor.spmd.relayout import of_first
from penstock._src.distribute.dtensor.tensors import relayout
from penstock._src.distribute.dtensor.variables import DVariable
from penstock._src.eager.tensor import EagerTensor


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


def made(variable: Any, value: Any, distribution: Any) -> DVariable:
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


def _batch_dimension() -> str:
    """The mesh dimension along which batches are divided: see `DATA`."""
    distribution = distribution_of_processes()
    if distribution is None:
        return ""
    name = distribution.batch_dim_name
    mesh = distribution.device_mesh.backend_mesh
    return name if name in mesh and mesh[name].size > 1 else UNSHARDED


def mesh(device_mesh: Any) -> Any:
    """Returns the mesh of processes that a mesh of Keras describes."""
    pairs = list(zip(device_mesh.axis_names, device_mesh.shape))
    return create_distributed_mesh(pairs, device_type="CPU")


def in_layout(tensor: Any, layout: Any) -> Any:
    """Returns a tensor in a layout of Keras."""
    return relayout(tensor, getattr(layout, "backend_layout", layout))


DATA.append(_batch_dimension)
