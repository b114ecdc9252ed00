"""Exchanges that bring a tensor from one layout into another, or combine partial results."""

from typing import Any

import numpy as np

from penstock._src.cluster.transports.table import connect
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.spmd.plans import Specs
from penstock._src.ops.collective.cluster import cluster_reduce
from penstock._src.ops.collective.mesh import (
    mesh_exchange,
    mesh_first,
    mesh_gather,
    mesh_part,
    mesh_reduce,
    mesh_scatter,
)


def is_of_processes(mesh: Mesh) -> bool:
    """True if each device of a mesh is a process that holds only its own shards."""
    return mesh.num_local_devices() < mesh.size


def rank_here(mesh: Mesh) -> int:
    """The device of this process, which is its rank.

    Raises:
      UnimplementedError: it has several devices of the mesh, or none.
    """
    ids = mesh.local_device_ids()
    if len(ids) != 1:
        raise UnimplementedError(
            f"tf.experimental.dtensor: with several processes, each must have exactly one device of a mesh. This one has {len(ids)}."
        )
    return ids[0]


def is_first_of(mesh: Mesh) -> bool:
    """True if this process performs the writes that happen once per mesh."""
    return not is_of_processes(mesh) or rank_here(mesh) == mesh.min_global_device_id()


def wait_for_all(mesh: Mesh) -> None:
    """Waits until all processes of a mesh have called it."""
    transport = connect() if is_of_processes(mesh) else None
    if transport is not None:
        transport.barrier()


def place_here(mesh: Mesh, dimension: str) -> int:
    """The number of this process's shards along a mesh dimension."""
    place = np.argwhere(mesh.global_device_ids() == rank_here(mesh))[0]
    return int(place[mesh.axis(dimension)])


def relaid(tensor: Any, old: Specs, new: Specs, mesh: Mesh) -> Any:
    """Returns this process's shard in another layout."""
    old, new = _without_ones(old, mesh), _without_ones(new, mesh)
    current = list(old)
    for axis, spec in enumerate(old):
        if spec in (UNSHARDED, new[axis]):
            continue
        moves = new.index(spec) if spec in new else None
        if moves is not None and current[moves] == UNSHARDED:
            tensor = mesh_exchange(tensor, **_groups(mesh, spec), split_axis=moves, join_axis=axis)
            current[moves] = spec
        else:
            tensor = mesh_gather(tensor, **_groups(mesh, spec), axis=axis)
        current[axis] = UNSHARDED
    for axis, spec in enumerate(new):
        if current[axis] != spec:
            size = mesh[spec].size
            tensor = mesh_part(tensor, size=size, index=place_here(mesh, spec), axis=axis)
    return tensor


def _without_ones(specs: Specs, mesh: Mesh) -> Specs:
    """Specs in which axes of one part are whole."""
    return tuple(UNSHARDED if s == UNSHARDED or mesh[s].size == 1 else s for s in specs)


def combined(tensor: Any, dimension: str, merge: str, mesh: Mesh) -> Any:
    """Returns the sum (or product, least, greatest) of partial results over a mesh dimension."""
    groups = _groups(mesh, dimension)
    if groups["size"] == 1:
        return tensor
    size = connected_size()
    if groups == {"size": size, "members": list(range(size))}:
        return cluster_reduce(inputs=[tensor], merge_op=merge, final_op="Id", pack_bytes=0)[0]
    return mesh_reduce(tensor, **groups, merge_op=merge)


def connected_size() -> int:
    """Return the number of connected processes; 0 if this one works alone."""
    transport = connect()
    return 0 if transport is None else transport.cluster.size


def scattered(tensor: Any, dimension: str, axis: int, mesh: Mesh) -> Any:
    """Returns this process's shard along an axis of the sum of partial results over a mesh dimension."""
    return mesh_scatter(tensor, **_groups(mesh, dimension), axis=axis)


def of_first(tensor: Any, mesh: Mesh) -> Any:
    """Returns the tensor of the first process of the mesh."""
    ranks = [int(rank) for rank in mesh.global_device_ids().flat]
    return mesh_first(tensor, size=len(ranks), members=ranks)


def _groups(mesh: Mesh, dimension: str) -> dict[str, Any]:
    """The processes that differ along one dimension only, as attributes of the exchanging ops."""
    size = mesh[dimension].size
    rows = np.moveaxis(mesh.global_device_ids(), mesh.axis(dimension), -1).reshape(-1, size)
    return {"size": size, "members": [int(rank) for rank in rows.flat]}
