"""Conversion between one structure of distributed values and a structure for each replica."""

from typing import Any

from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.distribute.mirrored.variables import DistributedVariable
from penstock._src.distribute.values import DistributedValues, Mirrored
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
