"""Objects that give their values as older saveables: `_gather_saveables_for_checkpoint` instead of `_serialize_to_tensors`."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.variable import Variable
from penstock._src.util.dataclass import dataclass


def has_serialize_to_tensors(trackable: Any) -> bool:
    """True if an object implements `_serialize_to_tensors`."""
    if "_serialize_to_tensors" in getattr(trackable, "__dict__", ()):
        return True
    for kind in type(trackable).__mro__:  # classes nearer to the object's class come first
        if kind is not Trackable and "_serialize_to_tensors" in vars(kind):
            return True
        if kind is not Trackable and "_gather_saveables_for_checkpoint" in vars(kind):
            return False
    return False


def saveable_factories(trackable: Any) -> dict[str, Any]:
    """The factories of an object's older saveables by attribute: those that it was loaded with, or its own."""
    loaded = getattr(trackable, "__dict__", {}).get("_self_saveable_object_factories")
    return trackable._gather_saveables_for_checkpoint() if loaded is None else loaded


def saveables_by_attribute(trackable: Any) -> dict[str, Any]:
    """The saveables of an object by the attributes of checkpoints, or tensors where it gives those.

    A saveable has `specs`, each with a `name` and a `tensor`, and `restore(tensors, shapes)`.
    """
    saveables = {}
    for attribute, saveable in saveable_factories(trackable).items():
        if isinstance(saveable, Variable):
            saveable = VariableSaveable(saveable, attribute)
        elif (
            callable(saveable) and not hasattr(saveable, "dtype") and not hasattr(saveable, "specs")
        ):
            saveable = saveable(name=attribute)
        saveables[attribute] = saveable
    return saveables


@dataclass(frozen=True)
class VariableSpec:
    """A value of a variable's saveable.

    Attributes:
      name: of the attribute of checkpoints.
      tensor: the value.
    """

    name: str
    tensor: Any


class VariableSaveable:
    """The value of a variable as the saveable of an object around it.

    Args:
      variable: the variable.
      attribute: of checkpoints.
    """

    def __init__(self, variable: Variable, attribute: str) -> None:
        self._variable = variable
        self.specs = [
            VariableSpec(attribute, value) for value in variable._serialize_to_tensors().values()
        ]

    def restore(self, tensors: Sequence[Any], shapes: Any) -> Any:
        """Gives the variable the only one of `tensors`; in a graph, returns the operation that does."""
        del shapes
        (name,) = self._variable._serialize_to_tensors()
        return self._variable._restore_from_tensors({name: tensors[0]})


class SaveableCompatibilityConverter(Trackable):
    """Saveables of an object as values by name, and back.

    Args:
      obj: the object.
      saveables: its saveables.
    """

    def __init__(self, obj: Any, saveables: Sequence[Any]) -> None:
        self.obj, self._saveables = obj, list(saveables)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {
            spec.name: spec.tensor
            for saveable in self._saveables
            for spec in getattr(saveable, "specs", ())
        }

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        wanted = {spec.name for saveable in self._saveables for spec in saveable.specs}
        if wanted != set(restored_tensors):
            raise ValueError(
                f"Could not restore object {self.obj}: expected the values {sorted(wanted)}. Received "
                f"{sorted(restored_tensors)}."
            )
        restored = [
            saveable.restore([restored_tensors[spec.name] for spec in saveable.specs], None)
            for saveable in self._saveables
        ]
        return restored[0] if len(restored) == 1 else restored
