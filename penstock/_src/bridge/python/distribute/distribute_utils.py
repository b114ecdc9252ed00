"""Values of replicas: `tensorflow.python.distribute.distribute_utils`."""

from __future__ import annotations

from typing import Any

from penstock._src.distribute.mirrored import grouping
from penstock._src.distribute.mirrored.variables import (
    DistributedVariable,
    MirroredVariable,
    SyncOnReadVariable,
)
from penstock._src.distribute.values import Mirrored, PerReplica
from penstock._src.distribute.values import regroup as regroup_values
from penstock._src.util import nest


def is_distributed_variable(v: Any) -> bool:
    """True if a value is a variable with a copy for each replica."""
    return isinstance(v, DistributedVariable)


def is_mirrored(val: Any) -> bool:
    """True if a value is equal on all replicas."""
    return isinstance(val, Mirrored | MirroredVariable)


def is_sync_on_read(val: Any) -> bool:
    """True if a value is a variable that is reduced when it is read."""
    return isinstance(val, SyncOnReadVariable)


def select_replica(replica_id: int, structured: Any) -> Any:
    """Returns the structure of one replica, with its own copies of variables."""
    return grouping.select_copies(replica_id, structured)


def select_replica_mirrored(replica_id: int, structured: Any) -> Any:
    """Returns the structure of one replica, whose values are equal on all.

    Raises:
      TypeError: there are values that may differ.
    """
    for value in nest.flatten(structured):
        if isinstance(value, PerReplica):
            raise TypeError(
                f"Expected value to be mirrored across replicas: {value} in {structured}."
            )
    return select_replica(replica_id, structured)


def regroup(values: Any, wrap_class: Any = PerReplica, always_wrap: bool = False) -> Any:
    """Returns one structure for the structures of all replicas; leaves are held by a `wrap_class`."""
    if always_wrap and not isinstance(values[0], list | tuple | dict):
        return wrap_class(tuple(values))
    return regroup_values(tuple(values), wrap_class)
