"""Conversion between one structure of distributed values and a structure for each replica."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.distribute.mirrored.variables import DistributedVariable
from penstock._src.distribute.values import DistributedValues, Mirrored, PerReplica
from penstock._src.util import nest


def select(index: int, structure: Any) -> Any:
    """Returns the structure of one replica. Variables are unchanged: they return the current replica's copy."""
    return nest.map_structure(lambda value: _one(index, value), structure)


def _one(index: int, value: Any) -> Any:
    if isinstance(value, DistributedValues) and not isinstance(value, DistributedVariable):
        return value.values[index]
    return value


def select_copies(index: int, structure: Any) -> Any:
    """Returns the structure of one replica, with its own copies of variables."""
    return nest.map_structure(
        lambda value: value.values[index] if isinstance(value, DistributedValues) else value,
        structure,
    )


def unshared(value: Any) -> Any:
    """Returns a mirrored tensor with an object for each replica: `regroup` takes one that all replicas return for a value of none of them."""
    if type(value) is not Mirrored or not isinstance(value.values[0], Tensor):
        return value
    first, *others = value.values
    return Mirrored([first, *[raw.Identity(input=v) if v is first else v for v in others]])


def regroup(structures: Sequence[Any], kind: Callable[[Sequence[Any]], Any] = PerReplica) -> Any:
    """Combine the structures of all replicas; leaves that are the same object in all of them stay that object."""
    return _combined(structures, lambda leaves: _grouped(leaves, kind))


def per_replica(structures: Sequence[Any]) -> Any:
    """Combine the structures of all replicas, such that each leaf is a `PerReplica`."""
    return _combined(structures, PerReplica)


def _combined(structures: Sequence[Any], group: Callable[[Sequence[Any]], Any]) -> Any:
    first = structures[0]
    if isinstance(first, (list, tuple, dict)):
        for other in structures[1:]:
            nest.assert_same_structure(first, other)
        leaves = zip(*[nest.flatten(structure) for structure in structures])
        return nest.pack_sequence_as(first, [group(leaf) for leaf in leaves])
    return group(structures)


def _grouped(values: Sequence[Any], kind: Callable[[Sequence[Any]], Any]) -> Any:
    first = values[0]
    if all(value is first for value in values):
        return first
    reference = getattr(first, "_distributed_container", None)
    container = None if reference is None else reference()
    if container is not None and all(a is b for a, b in zip(values, container.values)):
        return container
    return kind(values)


def mirrored(structures: Sequence[Any]) -> Any:
    """Regroup values that are equal on all replicas."""
    return regroup(structures, Mirrored)
