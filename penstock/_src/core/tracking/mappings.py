"""Dicts that track their values under their keys."""

from __future__ import annotations

import collections
import collections.abc
import copy
from collections.abc import Iterator
from typing import Any

from penstock._src.core.tracking import trackable as tracking
from penstock._src.core.tracking.containers import TrackableDataStructure
from penstock._src.core.tracking.trackable import NoDependency, Trackable

_NOTHING = object()


class Mapping(TrackableDataStructure, collections.abc.Mapping):  # type: ignore[misc]
    """A dict of trackable objects under str keys that only grows."""

    _storage: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._storage = {}
        self.update(*args, **kwargs)

    @property
    def _values(self) -> Any:
        return [self._storage[key] for key in sorted(self._storage)]

    @property
    def _elements(self) -> Any:
        return self._storage.values()

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"Mapping accepts only string keys, but got a key {key!r}.")
        value = self._tracked_trackable(value, key)
        known = self._storage.setdefault(key, value)
        if known is not value:
            raise ValueError(
                f"Mappings are an append-only data structure. Tried to overwrite the key '{key}' with value {value}, "
                f"but it already contains {known}"
            )

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds the items of another dict."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._storage)

    def __copy__(self) -> Mapping:
        return type(self)(self._storage)

    def __deepcopy__(self, memo: Any) -> Mapping:
        return type(self)(copy.deepcopy(self._storage, memo))

    def __repr__(self) -> str:
        return f"Mapping({self._storage!r})"


def _of_wrapped(name: str) -> Any:
    """A method that works on the user's dict, so that the wrapper takes what it changes for a change outside of it."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.__wrapped__, name)(*args, **kwargs)

    method.__name__ = name
    return method


class _DictWrapper(TrackableDataStructure, dict):  # type: ignore[misc]
    """A dict over one of the user's, which tracks its values under their keys.

    It holds the user's own dict, so a change of either is seen in both; one that was changed by itself cannot be saved.
    """

    _kind: Any = dict  # the wrapped class: dict or a subclass
    __wrapped__: Any
    _outside: bool  # whether the user's dict was changed by itself
    _has_other_keys: bool  # True if trackable values have keys other than strings

    def __init__(self, wrapped_dict: Any = (), **more: Any) -> None:
        kind = self._kind
        wrapped = wrapped_dict if type(wrapped_dict) is kind else kind(wrapped_dict)
        self.__wrapped__, self._outside, self._has_other_keys = wrapped, False, False
        wrapped.update(more)
        for key, value in wrapped.items():
            wrapped[key] = self._tracked(key, value)
        self._done()

    for _name in (
        "__getitem__ __len__ __iter__ __contains__ __reversed__ __or__ __ror__ get keys values items pop popitem clear "
        "setdefault __lt__ __gt__ __le__ __ge__"
    ).split():
        locals()[_name] = _of_wrapped(_name)
    del _name

    @property
    def _values(self) -> Any:
        return [self.__wrapped__[key] for key in sorted(self.__wrapped__)]

    @property
    def _elements(self) -> Any:
        return self.__wrapped__.values()

    def _tracked(self, key: Any, value: Any) -> Any:
        if isinstance(key, str):
            return self._track_value(value, key)
        if isinstance(value, NoDependency):
            return value.value
        value = tracking.wrap(value)
        if isinstance(value, Trackable):
            self._has_other_keys = True
        return value

    @property
    def _modified_outside(self) -> bool:
        """True if the user's dict was changed by itself."""
        now = self.__wrapped__
        return (
            self._outside
            or dict.keys(self) != now.keys()
            or any(now[key] is not value for key, value in dict.items(self))
        )

    def _done(self) -> None:
        """Takes the values as they are now for those that the wrapper knows: its own, which C code reads."""
        self._kind.clear(self)
        for key, value in self.__wrapped__.items():
            self._kind.__setitem__(self, key, value)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        if self._has_other_keys:
            raise ValueError(
                f"Unable to save the object {self} (a dictionary wrapper constructed automatically on attribute "
                "assignment). The wrapped dictionary contains a non-string key which maps to a trackable object or "
                "mutable data structure. A dictionary that need not be saved can be wrapped in a non-trackable object."
            )
        if self._modified_outside:
            raise ValueError(
                f"Unable to save the object {self} (a dictionary wrapper constructed automatically on attribute "
                f"assignment). The wrapped dictionary was modified outside the wrapper (its final value was {self}, its "
                f"value when a checkpoint dependency was added was {dict(dict.items(self))}), which breaks restoration "
                "on object creation. A dictionary that need not be saved can be wrapped in a non-trackable object."
            )
        children = super()._trackable_children(save_type, **kwargs)
        return children | self._functions(self.items(), save_type)

    def _note(self, key: Any) -> None:
        """Notes earlier changes of a key of the user's dict, which is about to change; those of others stay seen."""
        if dict.get(self, key, _NOTHING) is not self.__wrapped__.get(key, _NOTHING):
            self._outside = True

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note(key)
        self.__wrapped__[key] = self._tracked(key, value)
        self._kind.__setitem__(self, key, self.__wrapped__[key])

    def __delitem__(self, key: Any) -> None:
        self._note(key)
        del self.__wrapped__[key]
        self._kind.pop(self, key, None)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds the items of another dict."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.__wrapped__.update(other)
        return self

    def _marked(self, copied: Any) -> Any:
        copied._outside = self._modified_outside
        copied._has_other_keys = self._has_other_keys
        return copied

    def __copy__(self) -> Any:
        return self._marked(type(self)(copy.copy(self.__wrapped__)))

    copy = __copy__

    def __deepcopy__(self, memo: Any) -> Any:
        return self._marked(type(self)(copy.deepcopy(self.__wrapped__, memo)))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.__wrapped__,)

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == getattr(other, "__wrapped__", other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        raise TypeError("unhashable type: 'DictWrapper'")

    def __repr__(self) -> str:
        return f"DictWrapper({self.__wrapped__!r})"

    def __str__(self) -> str:
        return repr(self.__wrapped__)


class _OrderedDictWrapper(_DictWrapper, collections.OrderedDict):  # type: ignore[misc]
    """An ordered dict that tracks its values under their keys."""

    _kind = collections.OrderedDict

    def move_to_end(self, key: Any, last: bool = True) -> None:
        """Moves a key to one end of the order."""
        self.__wrapped__.move_to_end(key, last)
