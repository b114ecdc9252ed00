"""Classes that are registered for objects of SavedModels, by identifiers and versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.proto.saved import SavedUserObject
from penstock._src.util.export import export

_REVIVED: dict[str, list[VersionedTypeRegistration]] = {}
_IDENTIFIERS: dict[str, Callable[[Any], bool]] = {}


@export("__internal__.saved_model.load.VersionedTypeRegistration", v1=[])
class VersionedTypeRegistration:
    """Recreation of objects of a class from a SavedModel.

    Args:
      object_factory: creates an object from a SavedUserObject message.
      version: the version that is written.
      min_producer_version: the oldest file version that this code reads.
      min_consumer_version: the oldest version of this code that reads the files written.
      bad_consumers: later versions that cannot read them.
      setter: `setter(object, name, value)` sets an attribute; `setattr` by default.
    """

    def __init__(
        self,
        object_factory: Callable[[Any], Any],
        version: int,
        min_producer_version: int,
        min_consumer_version: int,
        bad_consumers: Any = None,
        setter: Callable[..., None] = setattr,
    ) -> None:
        self.object_factory, self.setter, self.version = object_factory, setter, version
        self.identifier: str | None = None
        self.min_producer_version = min_producer_version
        self.min_consumer_version = min_consumer_version
        self.bad_consumers = list(bad_consumers or ())

    def should_load(self, proto: Any) -> bool:
        """True if this registration can load the object of a message."""
        producer = proto.version.producer
        return (
            proto.identifier == self.identifier
            and self.version >= proto.version.min_consumer
            and producer >= self.min_producer_version
            and self.version not in proto.version.bad_consumers
        )

    def to_proto(self) -> Any:
        """Returns the message under which objects of this version are saved."""
        message = SavedUserObject(identifier=self.identifier)
        message.version.producer = self.version
        message.version.min_consumer = self.min_consumer_version
        message.version.bad_consumers.extend(self.bad_consumers)
        return message

    def from_proto(self, proto: Any) -> Any:
        """Returns the object of a message."""
        return self.object_factory(proto)


@export("__internal__.saved_model.load.register_revived_type", v1=[])
def register_revived_type(
    identifier: str,
    predicate: Callable[[Any], bool],
    versions: list[VersionedTypeRegistration],
) -> None:
    """Registers the identifier under which objects that satisfy `predicate` are saved.

    Args:
      identifier: a str.
      predicate: of an object; it returns a bool.
      versions: how objects are made again.

    Raises:
      AssertionError: the identifier is already registered.
    """
    if not versions:
        raise AssertionError("Need at least one version of a registered type.")
    if identifier in _REVIVED:
        raise AssertionError(f"Duplicate registrations for type '{identifier}'")
    for registration in versions:
        registration.identifier = identifier
    _REVIVED[identifier] = sorted(versions, key=lambda r: r.version, reverse=True)
    _IDENTIFIERS[identifier] = predicate


@export("__internal__.saved_model.load.registered_identifiers", v1=[])
def registered_identifiers() -> Any:
    """Returns the identifiers of registered types.

    Returns:
      A view of str.
    """
    return _REVIVED.keys()


@export("__internal__.saved_model.load.get_setter", v1=[])
def get_setter(proto: Any) -> Callable[..., None] | None:
    """Returns the function that sets attributes of the object of a message, or None if no type is registered for it.

    Args:
      proto: a SavedUserObject message.

    Returns:
      A function of the object, a name and a value, or None.
    """
    for registration in _REVIVED.get(proto.identifier, ()):
        if registration.should_load(proto):
            return registration.setter
    return None


def serialize(obj: Any) -> Any:
    """Returns the message of an object of a registered type in its newest version, or None."""
    for identifier, predicate in _IDENTIFIERS.items():
        if predicate(obj):
            return _REVIVED[identifier][0].to_proto()
    return None


def deserialize(proto: Any) -> tuple[Any, Callable[..., None]] | None:
    """Returns the object of a message and the function that sets its attributes, or None if no version fits."""
    for registration in _REVIVED.get(proto.identifier, ()):
        if registration.should_load(proto):
            return registration.from_proto(proto), registration.setter
    return None
