"""`tensorflow.python.trackable.trackable_utils`: names in keys of checkpoints, and orders of dependencies."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.saving.object_graph import ATTRIBUTES, escaped

__all__ = [
    "checkpoint_key",
    "escape_local_name",
    "extract_local_name",
    "extract_object_name",
    "object_path_to_string",
    "order_by_dependency",
]

escape_local_name = escaped


def object_path_to_string(node_path_arr: Sequence[Any]) -> str:
    """Returns the name of an object in keys, from the references to it."""
    return "/".join(escaped(reference.name) for reference in node_path_arr)


def checkpoint_key(object_path: str, local_name: str) -> str:
    """Returns the key of a value."""
    return f"{object_path}/{ATTRIBUTES}/{escaped(local_name)}"


def extract_object_name(key: str) -> str:
    """Returns the name of the object in a key.

    Raises:
      ValueError: it is not a key of a value.
    """
    return key[: key.index(f"/{ATTRIBUTES}")]


def extract_local_name(key: str, prefix: str | None = None) -> str:
    """Returns the name of the value in a key, without the beginning `prefix`; of TensorFlow 1's keys the whole."""
    _, mark, name = key.partition(f"{ATTRIBUTES}/{prefix or ''}")
    return name if mark else key


def order_by_dependency(dependency_map: Mapping[Any, Sequence[Any]]) -> list[Any]:
    """Returns the keys so that each comes after those that it depends on.

    Raises:
      ValueError: a value is not a key, or the keys depend on each other.
    """
    unknown = {d for needed in dependency_map.values() for d in needed} - dependency_map.keys()
    if unknown:
        raise ValueError(
            f"Found values in the dependency map which are not keys: {sorted(map(str, unknown))}"
        )
    waiting = {key: set(needed) for key, needed in dependency_map.items()}
    ordered: list[Any] = []
    while waiting:
        ready = [key for key, needed in waiting.items() if not needed]
        if not ready:
            raise ValueError(f"There is a cyclic dependency between {sorted(map(str, waiting))}.")
        ready.sort(key=lambda key: -sum(key in needed for needed in waiting.values()))
        for key in ready:
            del waiting[key]
        for needed in waiting.values():
            needed.difference_update(ready)
        ordered += ready
    return ordered
