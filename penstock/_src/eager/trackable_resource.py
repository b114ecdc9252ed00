"""TrackableResource: an object with a resource that is created again when its SavedModel is loaded."""

import weakref
from typing import Any

from penstock._src.core.tracking.trackable import Trackable
from penstock._src.core.values.resources import Resource
from penstock._src.eager.context import init_scope
from penstock._src.util.export import export


@export(
    "saved_model.experimental.TrackableResource", v1=["saved_model.experimental.TrackableResource"]
)
class TrackableResource(Trackable):
    """An object with a resource that is created again when its SavedModel is loaded.

    A subclass creates it in `_create_resource`, fills it in `_initialize` and frees it in `_destroy_resource`.
    """

    _held_handle: Any = None

    def __init__(self, device: str = "") -> None:
        self._resource_handle = None
        self._resource_device = device

    @property
    def _resource_handle(self) -> Any:
        return self._held_handle

    @_resource_handle.setter
    def _resource_handle(self, handle: Any) -> None:
        """Stores the handle and links the resource back to this object."""
        self._held_handle = handle
        resource = getattr(handle, "_value", None)
        if isinstance(resource, Resource):
            resource.owner = weakref.ref(self)

    def _create_resource(self) -> Any:
        """Returns the handle of a new resource."""
        raise NotImplementedError("TrackableResource._create_resource not implemented.")

    def _initialize(self) -> Any:
        """Fills the resource."""

    def _destroy_resource(self) -> Any:
        """Frees the resource."""

    @property
    def resource_handle(self) -> Any:
        """The handle of the resource, made when it is first asked for."""
        if self._resource_handle is None:
            with init_scope():
                self._resource_handle = self._create_resource()
        return self._resource_handle
