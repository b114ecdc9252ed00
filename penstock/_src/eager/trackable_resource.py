"""TrackableResource: an object with a resource that is created again when its SavedModel is loaded."""

import collections
import contextlib
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.core.values.resources import Resource
from penstock._src.eager.context import init_scope
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


class ResourceTracker:
    """The resources that were made within a `resource_tracker_scope`."""

    def __init__(self) -> None:
        self._resources: list[Any] = []

    resources: list[Any] = read_only("_resources", "The resources, in the order they were made.")

    def add_resource(self, resource: Any) -> None:
        """Adds a resource."""
        self._resources.append(resource)


_TRACKERS: list[ResourceTracker] = []


@contextlib.contextmanager
def resource_tracker_scope(resource_tracker: ResourceTracker) -> Iterator[None]:
    """A context that adds new resources to the tracker, including those of inner contexts."""
    global _TRACKERS
    before = _TRACKERS
    _TRACKERS = [*before, resource_tracker]
    try:
        yield
    finally:
        _TRACKERS = before


@contextlib.contextmanager
def resource_creator_scope(resource_type: Any, resource_creator: Any) -> Iterator[None]:
    """A context in which resources of classes are made by `resource_creator(next_creator, *args, **kwargs)`.

    Args:
      resource_type: the name of a class, or several.
      resource_creator: the function.

    Raises:
      RuntimeError: a context that was entered within this one is still open at its end.
    """
    before = STATE.resource_creators
    names = resource_type if isinstance(resource_type, list | tuple) else [resource_type]
    own = collections.defaultdict(list, {name: list(creators) for name, creators in before.items()})
    for name in names:
        own[name].append(resource_creator)
    STATE.resource_creators = own
    try:
        yield
    finally:
        if STATE.resource_creators is not own:
            raise RuntimeError("Exiting resource_creator_scope without proper nesting.")
        STATE.resource_creators = before


class _ResourceMaker(type(Trackable)):  # type: ignore[misc]
    """Makes resources through the creators of their class, innermost first."""

    def _resource_type(cls) -> str:
        return cls.__name__

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        create: Callable[..., Any] = cls._make_tracked
        for creator in STATE.resource_creators.get(cls._resource_type(), ()):
            create = functools.partial(creator, create)
        return create(*args, **kwargs)

    def _make_tracked(cls, *args: Any, **kwargs: Any) -> Any:
        resource = super().__call__(*args, **kwargs)
        for tracker in _TRACKERS:
            tracker.add_resource(resource)
        return resource


@export(
    "saved_model.experimental.TrackableResource", v1=["saved_model.experimental.TrackableResource"]
)
class TrackableResource(Trackable, metaclass=_ResourceMaker):
    """The base of objects that own a resource, such as a table, which is saved and loaded with them.

    A subclass has `_create_resource`, which returns the handle, and may have `_initialize` and
    `_destroy_resource`.

    Args:
      device: the device that holds the resource.

    >>> class Counter(tf.saved_model.experimental.TrackableResource):
    ...     def _create_resource(self):
    ...         return tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[])
    >>> Counter().resource_handle.dtype
    tf.resource
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
        """The handle of the resource, created at first access."""
        if self._resource_handle is None:
            with init_scope():
                self._resource_handle = self._create_resource()
        return self._resource_handle
