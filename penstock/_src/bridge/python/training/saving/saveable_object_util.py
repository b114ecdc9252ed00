"""`tensorflow.python.training.saving.saveable_object_util`: objects as saveables, and saveables as objects."""

from collections.abc import Iterator
from typing import Any

from penstock._src.saving.saveables import (
    SaveableCompatibilityConverter,
    has_serialize_to_tensors,
)
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.v1.saving.saveables import by_name, saveables_of

__all__ = [
    "SaveableCompatibilityConverter",
    "op_list_to_dict",
    "saveable_objects_for_op",
    "set_cpu0",
    "trackable_has_serialize_to_tensor",
]

trackable_has_serialize_to_tensor = has_serialize_to_tensors


def set_cpu0(device_string: str) -> str:
    """Returns the first CPU of the task of a device."""
    spec = DeviceSpec.from_string(device_string)
    return spec.replace(device_type="CPU", device_index=0).to_string()


def saveable_objects_for_op(op: Any, name: str) -> Iterator[Any]:
    """Returns the saveables of a variable, its slices or another object, under a name.

    Raises:
      TypeError: it cannot be saved.
      ValueError: slices do not belong together.
    """
    return saveables_of(op, name)


def op_list_to_dict(op_list: Any, convert_variable_to_tensor: bool = True) -> dict[str, Any]:
    """Returns objects to be saved by name."""
    del convert_variable_to_tensor
    return by_name(op_list)
