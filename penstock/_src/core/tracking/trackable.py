"""Trackable: objects with named dependencies, which checkpoints save.

`saving/` traverses `_trackable_children()` from a root. Restoring before a dependency exists leaves a `Deferred` entry,
which is applied when the dependency is tracked.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from penstock._src.util import slots
from penstock._src.util.export import export


@export("__internal__.tracking.Trackable", v1=[])
class Trackable:
    """An object with named dependencies that are saved and restored with it."""

    # State is made at first use, in `__dict__`: classes of users may not call `__init__`, and may have a `__setattr__`.

    @property
    def _self_children(self) -> dict[str, Trackable]:
        return self.__dict__.setdefault("_self_unconditional_dependency_names", {})

    @property
    def _self_deferred(self) -> dict[str, list[Callable[[Trackable], None]]]:
        return self.__dict__.setdefault("_self_unconditional_deferred_dependencies", {})

    @property
    def _self_named_restores(self) -> list[Callable[[Trackable], None]]:
        """Restores by name, oldest first, which also restore the dependencies that are added later."""
        return self.__dict__.setdefault("_self_name_based_restores", [])

    @property
    def _update_uid(self) -> int:
        """The number of the latest restore of the object's own values: an earlier one does not restore them again."""
        return self.__dict__.get("_self_update_uid", -1)

    @_update_uid.setter
    def _update_uid(self, number: int) -> None:
        self.__dict__["_self_update_uid"] = number

    @property
    def _object_identifier(self) -> str:
        """The name of the class in SavedModels."""
        return "_generic_user_object"

    def _maybe_initialize_trackable(self) -> None:
        """Does nothing: state is created on first use."""

    @property
    def _setattr_tracking(self) -> bool:
        return self.__dict__.get("_self_setattr_tracking", True)

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        self.__dict__["_self_setattr_tracking"] = value

    def _track_trackable(
        self, trackable: Trackable, name: str, overwrite: bool = False
    ) -> Trackable:
        """Makes `trackable` the dependency `name`.

        Raises:
          TypeError: it is not a Trackable.
          ValueError: another object has that name, and `overwrite` is False.
        """
        if not isinstance(trackable, Trackable):
            raise TypeError(
                "Trackable._track_trackable() can only be used to track objects of type "
                f"Trackable. Got type {type(trackable)}."
            )
        known = self._self_children.get(name)
        if known is not None and known is not trackable and not overwrite:
            raise ValueError(
                f"Called Trackable._track_trackable() with name='{name}', but a Trackable with "
                "this name is already declared as a dependency. Names must be unique (or "
                "overwrite=True)."
            )
        self._self_children[name] = trackable
        if known is not trackable:
            self._handle_deferred_dependencies(name, trackable)
        return trackable

    def _add_variable_with_custom_getter(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        getter: Any = None,
        overwrite: bool = False,
        **kwargs_for_getter: Any,
    ) -> Any:
        """Makes a variable with `getter`, tracks it, and applies pending restores to it."""
        variable = getter(
            name=name, shape=shape, dtype=dtype, initializer=initializer, **kwargs_for_getter
        )
        if not isinstance(variable, Trackable):
            return variable
        return self._track_trackable(variable, name=name, overwrite=overwrite)

    def _no_dependency(self, value: Any) -> Any:
        return value

    def _untrack_trackable(self, name: str) -> None:
        self._self_children.pop(name, None)

    def _handle_deferred_dependencies(self, name: str, trackable: Trackable) -> None:
        """Applies pending restores for the dependency `name` to `trackable`."""
        for restore in (*self._self_deferred.pop(name, ()), *self._self_named_restores):
            restore(trackable)

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Trackable | None:
        """Returns the dependency `name`, or None."""
        if cached_dependencies:
            return cached_dependencies.get(name)
        return self._trackable_children().get(name)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the dependencies by name, for `save_type` "savedmodel" including functions."""
        del save_type, kwargs
        return dict(self._self_children)

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        return [TrackableReference(n, c) for n, c in self._trackable_children().items()]

    @property
    def _unconditional_checkpoint_dependencies(self) -> list[TrackableReference]:
        return self._checkpoint_dependencies

    @property
    def _unconditional_dependency_names(self) -> dict[str, Any]:
        return self._trackable_children()

    def _serialize_to_tensors(self) -> dict[str, Any]:
        """Returns the object's own values as tensors by name."""
        raise NotImplementedError

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        """Sets the object's own values from tensors."""
        raise NotImplementedError

    def _serialize_to_proto(self, object_proto: Any = None, **kwargs: Any) -> Any:
        """Returns a message for the SavedModel of an object of a registered class, or None."""
        del object_proto, kwargs
        return None

    @classmethod
    def _deserialize_from_proto(cls, **kwargs: Any) -> Any:
        """Returns an object of a registered class from a SavedModel."""
        del kwargs
        return cls()

    def _deserialization_dependencies(self, children: dict[str, Any]) -> dict[str, Any]:
        """Returns what `_deserialize_from_proto` needs, by name."""
        del children
        return {}

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return self.__dict__.get("_self_saveable_object_factories", {})

    def _map_resources(self, save_options: Any) -> tuple[dict, dict]:
        del save_options
        return {}, {}

    def _export_to_saved_model_graph(
        self, object_map: Any, tensor_map: Any, options: Any, **kwargs: Any
    ) -> list[Any]:
        del object_map, tensor_map, options, kwargs
        return []


@export("__internal__.tracking.TrackableReference", v1=[])
class TrackableReference(tuple):
    """A dependency and its name: `(name, ref)`.

    Args:
      name: of the dependency.
      ref: the Trackable.
    """

    __slots__ = ()

    def __new__(cls, name: str, ref: Trackable) -> TrackableReference:
        return super().__new__(cls, (name, ref))

    name = property(lambda self: self[0])
    ref = property(lambda self: self[1])


class NoDependency:
    """Marks a value that is assigned to an attribute without becoming a dependency."""

    def __init__(self, value: Any) -> None:
        self.value = value


@export("__internal__.tracking.wrap", v1=[])
def wrap(value: Any) -> Any:
    """Wraps a list, dict or tuple in a container that tracks its trackable elements.

    Args:
      value: any object.

    Returns:
      The container; other objects as they are.
    """
    return slots.WRAP(value)


@export("__internal__.tracking.sticky_attribute_assignment", v1=[])
def sticky_attribute_assignment(trackable: Trackable, name: str, value: Any) -> Any:
    """Tracks `value` if possible; returns the value to store in the attribute.

    Args:
      trackable: the owner of the attribute.
      name: of the attribute.
      value: what is assigned; a `NoDependency` is not tracked.

    Returns:
      The value, in a container that tracks if it is a list, dict or tuple.
    """
    add = not isinstance(value, NoDependency)
    value = wrap(value) if add else value.value
    if add and isinstance(value, Trackable):
        trackable._track_trackable(value, name=name, overwrite=True)
    return value


@export("__internal__.tracking.no_automatic_dependency_tracking", v1=[])
def no_automatic_dependency_tracking(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a method with attribute assignments that add no dependencies.

    Args:
      method: of a Trackable.

    Returns:
      A method with the same arguments.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = getattr(self, "_self_setattr_tracking", True)
        self._self_setattr_tracking = False
        try:
            return method(self, *args, **kwargs)
        finally:
            self._self_setattr_tracking = before

    return call


@export("__internal__.tracking.AutoTrackable", v1=[])
class AutoTrackable(Trackable):
    """A Trackable that makes attributes dependencies when they are assigned."""

    def __setattr__(self, name: str, value: Any) -> None:
        before = self.__dict__.get(name, self)
        if before is value and before is not self:
            return
        if self.__dict__.get("_self_setattr_tracking", True):
            value = sticky_attribute_assignment(trackable=self, value=value, name=name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._untrack_trackable(name)
        super().__delattr__(name)

    def _no_dependency(self, value: Any) -> Any:
        """Returns the value to assign to an attribute that is not tracked."""
        return NoDependency(value)

    def _delete_tracking(self, name: str) -> None:
        """Removes the dependency `name`, if there is one."""
        self._untrack_trackable(name)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        if save_type != "savedmodel":
            return super()._trackable_children(save_type, **kwargs)
        # Before the dependencies: a property that is read may add one.
        functions = self._functions_to_save()
        children = super()._trackable_children(save_type, **kwargs)
        # A function that is tracked, but no attribute, is not meant to be saved.
        kept = {name: child for name, child in children.items() if not is_saved_function(child)}
        return {**functions, **kept}

    def _functions_to_save(self) -> dict[str, Any]:
        """The tf.functions and traces among the attributes."""
        functions = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from properties that the user did not read
            for name in dir(self):
                if name.startswith("__") and name != "__call__":
                    continue
                try:
                    attribute = getattr(self, name, None)
                except Exception:
                    continue  # as in TensorFlow, an attribute whose property raises is treated as missing
                if is_saved_function(attribute):
                    functions[name] = attribute
        return functions


def is_saved_function(value: Any) -> bool:
    """True if a value is a tf.function or a trace of one, which SavedModels hold as objects."""
    return getattr(type(value), "_is_saved_function", False)
