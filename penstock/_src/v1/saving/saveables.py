"""Saveable form of each object for a Saver: tensors by name, and the restoring of the object."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.variable import Variable
from penstock._src.saving.object_graph import values_of
from penstock._src.util import nest
from penstock._src.v1.variables.partitioned import PartitionedVariable
from penstock._src.v1.variables.reference import ReferenceVariable


class SaveSpec:
    """A tensor of a checkpoint.

    Args:
      tensor: the tensor, or a function of it.
      slice_spec: which part of a larger tensor it is; "" for the whole.
      name: its name in the checkpoint.
      dtype, device: of the tensor; required for a function.
    """

    def __init__(
        self, tensor: Any, slice_spec: str, name: str, dtype: Any = None, device: Any = None
    ) -> None:
        self._tensor, self.slice_spec, self.name = tensor, slice_spec, name
        if callable(tensor):
            if dtype is None or device is None:
                raise AssertionError(
                    "When passing a callable `tensor` to a SaveSpec, an explicit dtype and device must be provided."
                )
            self.dtype, self.device = dtype, device
        else:
            self.dtype = tensor.dtype
            self.device = tensor.device if device is None else device

    @property
    def tensor(self) -> Any:
        """The tensor."""
        return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject:
    """Base class of the objects that a Saver saves.

    Args:
      op: the object.
      specs: its tensors.
      name: its name in the checkpoint.
    """

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op, self.specs, self.name = op, specs, name

    @property
    def device(self) -> Any:
        """The device of the tensors."""
        return self.specs[0].device

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Any) -> Any:
        """Gives the object its tensors back; returns the operation that does so."""
        raise ValueError("Calling an abstract method.")


class VariableSaveable(SaveableObject):
    """A variable, or a slice of one."""

    def __init__(self, var: Any, slice_spec: str, name: str) -> None:
        self._variable = var
        read = var._graph_element if STATE.graph is not None and not slice_spec else None
        tensor = read if read is not None else lambda: var.read_value()
        spec = SaveSpec(tensor, slice_spec, name, dtype=var.dtype.base_dtype, device=var.device)
        super().__init__(var, [spec], name)

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Any) -> Any:
        """Assigns the tensor, in one of `restored_shapes` if they are given."""
        (value,) = restored_tensors
        if restored_shapes is not None:
            value = raw.Reshape(tensor=value, shape=restored_shapes[0])
        value = raw.Identity(input=value)
        value.set_shape(self._variable.shape)
        if isinstance(self._variable, ReferenceVariable):
            return self._variable.assign(value, read_value=False)
        return raw.AssignVariableOp(self._variable.handle, value)


class TrackableSaveable(SaveableObject):
    """An object that gives its own tensors by name, such as a table."""

    def __init__(self, op: Any, name: str) -> None:
        tensors = values_of(op)
        self._keys = list(tensors)
        specs = [SaveSpec(tensor, "", f"{name}-{key}") for key, tensor in tensors.items()]
        super().__init__(op, specs, name)

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Any) -> Any:
        """Gives the object its tensors."""
        return self.op._restore_from_tensors(dict(zip(self._keys, restored_tensors, strict=True)))


def saveables_of(op: Any, name: str) -> Iterator[SaveableObject]:
    """The saveables of a variable, its slices, a trackable object or a saveable.

    Raises:
      TypeError: the name is not a string, or the object cannot be saved.
      ValueError: slices do not belong together.
    """
    if not isinstance(name, str):
        raise TypeError(
            "names_to_saveables must be a dict mapping string names to trackable operations. "
            f"Name is not a string: {name}"
        )
    if isinstance(op, SaveableObject):
        yield op
    elif isinstance(op, list | tuple | PartitionedVariable):
        yield from _saveables_of_slices(list(op), name)
    elif isinstance(op, Variable):
        yield VariableSaveable(op, "", name)
    elif isinstance(op, Trackable) or hasattr(op, "_serialize_to_tensors"):
        yield TrackableSaveable(op, name)
    else:
        raise TypeError(
            "names_to_saveables must be a dict mapping string names to Tensors/Variables. "
            f"Not a variable: {op}"
        )


def _saveables_of_slices(parts: list[Any], name: str) -> Iterator[SaveableObject]:
    whole = None
    for part in parts:
        if isinstance(part, SaveableObject):
            yield part
            continue
        if not isinstance(part, Variable):
            raise ValueError(f"Slices must all be Variables: {part}")
        info = part._get_save_slice_info()
        if not info:
            raise ValueError(f"Slices must all be slices: {part}")
        whole = whole or info.full_name
        if whole != info.full_name:
            raise ValueError(
                f"Slices must all be from the same tensor: {whole} != {info.full_name}"
            )
        yield VariableSaveable(part, info.spec, name)


def by_name(objects: Any) -> dict[str, Any]:
    """Returns objects to be saved by name; slices of one variable as a list.

    Raises:
      TypeError: they are neither a dict nor a sequence.
      ValueError: two have the same name.
    """
    if isinstance(objects, Mapping):
        return dict(objects)
    if not isinstance(objects, list | tuple | set):
        raise TypeError(f"Variables to save should be passed in a dict or a list. Got {objects}")
    named: dict[str, Any] = {}
    for op in nest.flatten(list(objects)):
        info = op._get_save_slice_info() if isinstance(op, Variable) else None
        if info:
            slices = named.setdefault(info.full_name, [])
            if not isinstance(slices, list):
                raise ValueError(
                    f"Mixing slices and non-slices with the same name: {info.full_name}"
                )
            slices.append(op)
            continue
        name = _name_of(op)
        if name in named and (named[name] is not op or STATE.graph is not None):
            raise ValueError(f"At least two variables have the same name: {name}")
        named[name] = op
    return dict(sorted(named.items()))


def _name_of(op: Any) -> str:
    if isinstance(op, SaveableObject):
        return op.name
    if isinstance(op, Tensor):
        raise TypeError(f"Variable to save is not a Variable: {op}")
    return getattr(op, "_shared_name", None) or op.name.removesuffix(":0")


def all_saveables(named: Mapping[str, Any]) -> list[SaveableObject]:
    """The saveables of objects by name, in the order of the names.

    Raises:
      ValueError: an object has two names.
    """
    saveables: list[SaveableObject] = []
    seen: set[int] = set()
    for name, op in sorted(named.items(), key=lambda item: str(item[0])):
        for saveable in saveables_of(op, name):
            if id(saveable.op) in seen:
                raise ValueError(
                    f"The same saveable will be restored with two names: {saveable.name}"
                )
            if saveable.op is not None:
                seen.add(id(saveable.op))
            saveables.append(saveable)
    return saveables
