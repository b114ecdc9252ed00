"""The parts of checkpointing that Keras and optimizers handle themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.tracking.trackable import Trackable, TrackableReference
from penstock._src.saving.object_graph import (
    ByIdentity,
    TrackableView,
    attribute_of,
    children_of,
    give_values,
    values_of,
)
from penstock._src.saving.saveables import has_serialize_to_tensors
from penstock._src.saving.serialized import tensor_of
from penstock._src.saving.state import update_checkpoint_state
from penstock._src.util.export import export
from penstock._src.v1.saving.saveables import SaveableObject, SaveSpec

export("__internal__.train.update_checkpoint_state", v1=[])(update_checkpoint_state)


@export("__internal__.tracking.CheckpointInitialValue", v1=[])
class CheckpointInitialValue:
    """An initial value that comes from a checkpoint.

    Args:
      checkpoint_position, shape, shard_info: of the value; the constructor raises
        UnimplementedError.
    """

    def __init__(self, checkpoint_position: Any, shape: Any = None, shard_info: Any = None) -> None:
        raise UnimplementedError(
            "CheckpointInitialValue: variables are made with values of their own, then restored."
        )


@export("__internal__.tracking.CheckpointInitialValueCallable", v1=[])
class CheckpointInitialValueCallable:
    """A function that returns the value of a slot that a checkpoint holds.

    Args:
      checkpoint_position: what an optimizer's `_create_or_restore_slot_variable` was given.
    """

    def __init__(self, checkpoint_position: Any) -> None:
        self.checkpoint_position = checkpoint_position

    def __call__(self, shape: Any = None, dtype: Any = None, shard_info: Any = None) -> Any:
        """Returns the value, in the shape and type that the checkpoint has."""
        del shape, dtype
        if shard_info is not None:
            raise UnimplementedError("CheckpointInitialValueCallable: parts of a value.")
        return self.checkpoint_position.value()


@export("__internal__.tracking.ObjectGraphView", v1=[])
class ObjectGraphView(TrackableView):
    """The objects that a checkpoint of `root` would contain, with the attributes of a checkpoint.

    Args:
      root: a Trackable.
      attached_dependencies: TrackableReferences that `root` gets in this view only.
    """

    def __init__(self, root: Trackable, attached_dependencies: Any = None) -> None:
        super().__init__(root)
        self._attached = list(attached_dependencies or ())

    @property
    def attached_dependencies(self) -> list[TrackableReference]:
        """Dependencies of the root that exist only in this view."""
        return self._attached

    def list_children(
        self, obj: Trackable, save_type: str = "checkpoint", **kwargs: Any
    ) -> list[TrackableReference]:
        """Returns the dependencies of an object."""
        references = [
            TrackableReference(n, c) for n, c in children_of(obj, save_type, **kwargs).items()
        ]
        return references + self._attached if obj is self.root else references

    def breadth_first_traversal(self) -> tuple[list[Any], dict[Any, tuple[Any, ...]]]:
        """Returns the objects, the root first, and for each object the path of references to it."""
        visited: list[Any] = [self.root]
        paths: dict[int, tuple[Any, ...]] = {id(self.root): ()}
        for objects in visited:
            for reference in self.list_children(objects):
                if id(reference.ref) not in paths:
                    paths[id(reference.ref)] = (*paths[id(objects)], reference)
                    visited.append(reference.ref)
        return visited, ByIdentity(visited, paths)


@export("__internal__.tracking.DelegatingTrackableMixin", v1=[])
class DelegatingTrackableMixin:
    """A Trackable that delegates its dependencies and values to another.

    Args:
      trackable_obj: the other Trackable.
    """

    def __init__(self, trackable_obj: Trackable) -> None:
        self._trackable = trackable_obj

    @property
    def _setattr_tracking(self) -> bool:
        return self._trackable._setattr_tracking

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        self._trackable._setattr_tracking = value

    def _maybe_initialize_trackable(self) -> None:
        self._trackable._maybe_initialize_trackable()

    def _track_trackable(self, trackable: Trackable, name: str, overwrite: bool = False) -> Any:
        return self._trackable._track_trackable(trackable, name, overwrite)

    def _untrack_trackable(self, name: str) -> None:
        self._trackable._untrack_trackable(name)

    def _handle_deferred_dependencies(self, name: str, trackable: Trackable) -> None:
        self._trackable._handle_deferred_dependencies(name, trackable)

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        return self._trackable._lookup_dependency(name, cached_dependencies)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return self._trackable._trackable_children(save_type, **kwargs)

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        return self._trackable._checkpoint_dependencies

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return self._trackable._serialize_to_tensors()

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return self._trackable._restore_from_tensors(restored_tensors)


@export("__internal__.tracking.saveable_objects_from_trackable", v1=[])
def saveable_objects_from_trackable(obj: Trackable) -> dict[str, Callable[..., Any]]:
    """Returns functions of names that give the saveables of an object, by the attributes that checkpoints have of it.

    Args:
      obj: a Trackable.

    Returns:
      A dict of functions.
    """
    if has_serialize_to_tensors(obj):
        attributes = {attribute_of(obj, name)[0] for name in values_of(obj)}
        return {
            attribute: functools.partial(_AttributeSaveable, obj, attribute)
            for attribute in sorted(attributes)
        }

    def named(factory: Any) -> Callable[..., Any]:
        return (
            factory if callable(factory) and not hasattr(factory, "dtype") else lambda name: factory
        )

    return {
        name: named(factory) for name, factory in obj._gather_saveables_for_checkpoint().items()
    }


class _AttributeSaveable(SaveableObject):
    """The values of an object that share an attribute of checkpoints."""

    def __init__(self, obj: Any, attribute: str, name: str = "") -> None:
        values = values_of(obj)
        specs = []
        self._names: list[tuple[str, str]] = []  # (value, slice) of each tensor
        for value_name, value in values.items():
            shared, suffix = attribute_of(obj, value_name)
            tensors = tensor_of(value_name, value) if shared == attribute else {}
            slices = tensors if isinstance(tensors, dict) else {"": tensors}
            for part, tensor in slices.items():
                self._names.append((value_name, part))
                specs.append(SaveSpec(tensor, part, f"{name or attribute}{suffix}"))
        super().__init__(obj, specs, name or attribute)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        """Gives the object its values."""
        values: dict[str, Any] = {}
        for (name, part), tensor in zip(self._names, restored_tensors, strict=True):
            if part:
                values.setdefault(name, {})[part] = tensor
            else:
                values[name] = tensor
        return give_values(self.op, values)


@export("__internal__.tracking.streaming_restore", v1=[])
def streaming_restore(status: Any, session: Any = None) -> None:
    """Runs the remaining restore operations of `status`; eager objects already have their values.

    Args:
      status: what `Checkpoint.restore` returned.
      session: of the graph, or None.
    """
    if session is not None and hasattr(status, "initialize_or_restore"):
        status.initialize_or_restore(session)
