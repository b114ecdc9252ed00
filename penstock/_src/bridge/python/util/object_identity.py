"""`tensorflow.python.util.object_identity`: dictionaries and sets that tell keys apart by identity.

Keys need not be hashable, and `==` may mean something else for them, as for variables and lists.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, MutableMapping, MutableSet
from typing import Any

from penstock._src.core.tensor import Reference

_ObjectIdentityWrapper = Reference


class _WeakObjectIdentityWrapper(Reference):
    """A reference that does not keep its object alive; equal to others of the same object."""

    __slots__ = ("_identity",)

    def __init__(self, wrapped: Any) -> None:
        super().__init__(weakref.ref(wrapped))
        self._identity = id(wrapped)

    def deref(self) -> Any:
        """Returns the object, or None if it is gone."""
        return self._wrapped()

    unwrapped = property(deref)

    def __hash__(self) -> int:
        return self._identity


class _ByIdentity:
    """The common part of dictionaries and sets: the references to keys."""

    reference = Reference

    def _wrap_key(self, key: Any) -> Reference:
        return self.reference(key)

    def __len__(self) -> int:
        return sum(1 for _ in self)  # type: ignore[call-overload]

    def __iter__(self) -> Iterator[Any]:
        """The keys that are still alive."""
        for reference in list(self._storage):  # type: ignore[attr-defined]
            key = reference.unwrapped
            if key is None and self.reference is not Reference:
                self._forget(reference)
            else:
                yield key

    def _forget(self, reference: Reference) -> None:
        storage: Any = self._storage  # type: ignore[attr-defined]
        storage.pop(reference) if isinstance(storage, dict) else storage.discard(reference)


class ObjectIdentityDictionary(_ByIdentity, MutableMapping):  # type: ignore[misc]
    """A dictionary of keys by identity."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._storage: dict[Reference, Any] = {}
        self.update(dict(*args, **kwargs))

    def __getitem__(self, key: Any) -> Any:
        return self._storage[self._wrap_key(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._storage[self._wrap_key(key)] = value

    def __delitem__(self, key: Any) -> None:
        del self._storage[self._wrap_key(key)]

    def __repr__(self) -> str:
        return f"ObjectIdentityDictionary({self._storage!r})"


class ObjectIdentityWeakKeyDictionary(ObjectIdentityDictionary):
    """A dictionary of keys by identity, from which objects vanish that nothing else refers to."""

    reference = _WeakObjectIdentityWrapper


class ObjectIdentitySet(_ByIdentity, MutableSet):  # type: ignore[misc]
    """A set of objects by identity."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._storage = {self._wrap_key(item) for item in items}

    @classmethod
    def _from_storage(cls, storage: set[Reference]) -> ObjectIdentitySet:
        result = cls()
        result._storage = storage
        return result

    def __contains__(self, key: Any) -> bool:
        return self._wrap_key(key) in self._storage

    def add(self, value: Any) -> None:
        """Adds an object."""
        self._storage.add(self._wrap_key(value))

    def discard(self, value: Any) -> None:
        """Removes an object if it is there."""
        self._storage.discard(self._wrap_key(value))

    def update(self, items: Iterable[Any]) -> None:
        """Adds objects."""
        self._storage.update(map(self._wrap_key, items))

    def clear(self) -> None:
        """Removes all objects."""
        self._storage.clear()

    def intersection(self, items: Iterable[Any]) -> set[Any]:
        """Returns the storage's references to the objects that are in both."""
        return self._storage.intersection(map(self._wrap_key, items))

    def difference(self, items: Iterable[Any]) -> ObjectIdentitySet:
        """Returns the set of the objects that are not among `items`."""
        return self._from_storage(self._storage.difference(map(self._wrap_key, items)))


class ObjectIdentityWeakSet(ObjectIdentitySet):
    """A set of objects by identity, from which those vanish that nothing else refers to."""

    reference = _WeakObjectIdentityWrapper
