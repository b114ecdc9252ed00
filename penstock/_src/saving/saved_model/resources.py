"""Objects that hold a resource, such as tables, and files that belong to a SavedModel."""

import os
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.trackable import AutoTrackable
from penstock._src.eager.context import init_scope
from penstock._src.util.export import export


@export(
    "saved_model.experimental.TrackableResource", v1=["saved_model.experimental.TrackableResource"]
)
class TrackableResource(AutoTrackable):
    """An object with a resource that a SavedModel makes anew when it is loaded.

    A subclass says in `_create_resource` how to make it, in `_initialize` how to fill it and in
    `_destroy_resource` how to give it up.
    """

    def __init__(self, device: str = "") -> None:
        super().__init__()
        self._setattr_tracking = False
        self._resource_handle: Any = None
        self._resource_device = device
        self._setattr_tracking = True

    def _create_resource(self) -> Any:
        """Returns the handle of a new resource."""
        raise NotImplementedError("TrackableResource._create_resource not implemented.")

    def _initialize(self) -> Any:
        """Fills the resource."""

    def _destroy_resource(self) -> Any:
        """Gives the resource up."""

    @property
    def resource_handle(self) -> Any:
        """The handle of the resource, made when it is first asked for."""
        if self._resource_handle is None:
            with init_scope():
                self._setattr_tracking = False
                self._resource_handle = self._create_resource()
                self._setattr_tracking = True
        return self._resource_handle


@export("saved_model.Asset", v1=["saved_model.Asset"])
class Asset(AutoTrackable):
    """A file that a program reads, copied into its SavedModel.

    >>> module.vocabulary = tf.saved_model.Asset("words.txt")
    """

    def __init__(self, path: Any) -> None:
        super().__init__()
        self._setattr_tracking = False
        with init_scope():
            self._path = convert_to_tensor(os.fsdecode(path), dtype=dtypes.string)
        self._setattr_tracking = True

    @property
    def asset_path(self) -> Any:
        """The path as a string tensor."""
        return self._path
