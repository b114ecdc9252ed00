"""Lists that track their elements under "0", "1", ... A checkpoint's names are positions, so such a list may only grow."""

from __future__ import annotations

import collections.abc
import copy
import operator
from collections.abc import Iterator
from typing import Any

from penstock._src.core.tracking.containers import TrackableDataStructure
from penstock._src.core.tracking.trackable import Trackable


class List(TrackableDataStructure, collections.abc.Sequence):  # type: ignore[misc]
    """A list of trackable objects that only grows."""

    _storage: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._hold(list(*args, **kwargs))

    def _hold(self, storage: list[Any]) -> None:
        """Takes a list as the place of the elements."""
        self._storage = storage
        for index, element in enumerate(storage):
            storage[index] = self._tracked(element, index)

    def _tracked(self, value: Any, index: int) -> Any:
        return self._tracked_trackable(value, str(index))

    @property
    def _values(self) -> Any:
        return self._storage

    def append(self, value: Any) -> None:
        """Adds an element at the end."""
        self._storage.append(self._tracked(value, len(self._storage)))

    def extend(self, values: Any) -> None:
        """Adds elements at the end."""
        for value in values:
            self.append(value)

    def copy(self) -> Any:
        """Returns a shallow copy."""
        return copy.copy(self)

    def __copy__(self) -> Any:
        return type(self)(list(self._storage))

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._storage, memo))

    def __iadd__(self, values: Any) -> Any:
        self.extend(values)
        return self

    def __imul__(self, times: Any) -> Any:
        if times <= 0:
            raise ValueError(
                f"List only supports append, multiplying in place by {times} removes elements."
            )
        for value in list(self._storage) * (times - 1):
            self.append(value)
        return self

    def __add__(self, other: Any) -> list[Any]:
        return self._storage + getattr(other, "_storage", other)

    def __radd__(self, other: Any) -> list[Any]:
        return other + self._storage

    def __mul__(self, times: Any) -> list[Any]:
        return self._storage * times

    __rmul__ = __mul__

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._storage)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._storage)

    def __contains__(self, value: Any) -> bool:
        return value in self._storage

    def __repr__(self) -> str:
        return f"List({self._storage!r})"


_MutableSequence: Any = collections.abc.MutableSequence


class ListWrapper(List, list):  # type: ignore[misc]
    """A list over one of the user's, which tracks its elements under their indices.

    It holds the user's own list, so a change of either is seen in both. Changes other than appending leave no order in
    which a checkpoint's values belong to the elements: they are allowed, but the list can then not be saved.
    """

    _moved: bool  # whether elements are at other places than they were
    _outside: bool  # whether the user's list was changed by itself

    def __init__(self, wrapped_list: Any = ()) -> None:
        self._moved = self._outside = False
        self._hold(wrapped_list if type(wrapped_list) is list else list(wrapped_list))
        self._done()

    def _tracked(self, value: Any, index: int) -> Any:
        return self._track_value(value, str(index))

    @property
    def _modified_outside(self) -> bool:
        """True if the user's list was changed by itself."""
        known = list.__getitem__(self, slice(None))
        return self._outside or not _same(known, self._storage)

    def _mutate(self, moves: bool) -> None:
        """Notes a change to come that moves elements if `moves`, and earlier ones of the user's list."""
        self._outside = self._modified_outside
        self._moved = self._moved or moves

    def _done(self) -> None:
        """Takes the elements as they are now for those that the wrapper knows: its own, which C code reads."""
        list.__setitem__(self, slice(None), self._storage)

    def _holds_trackables(self) -> bool:
        return any(isinstance(value, Trackable) for value in self._storage)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        if self._moved:
            raise ValueError(
                f"Unable to save the object {self} (a list wrapper constructed to track trackable TensorFlow objects). "
                "A list element was replaced (__setitem__, __setslice__), deleted (__delitem__, __delslice__), or moved "
                "(sort). In order to support restoration on object creation, tracking is exclusively for append-only "
                "data structures. A list that need not be saved can be wrapped in a non-trackable object."
            )
        if self._modified_outside:
            raise ValueError(
                f"Unable to save the object {self} (a list wrapper constructed to track trackable TensorFlow objects). "
                f"The wrapped list was modified outside the wrapper (its final value was {self._storage}), which breaks "
                "restoration on object creation. A list that need not be saved can be wrapped in a NoDependency object."
            )
        children = super()._trackable_children(save_type, **kwargs)
        return children | self._functions(((str(i), v) for i, v in enumerate(self)), save_type)

    def append(self, value: Any) -> None:
        """Adds an element at the end."""
        super().append(value)
        list.append(self, self._storage[-1])  # earlier changes of the user's list stay seen

    def insert(self, index: Any, value: Any) -> None:
        """Adds an element before the one at `index`."""
        self._mutate(self._holds_trackables() or isinstance(value, Trackable))
        self._storage.insert(index, value)
        self._done()

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Sorts the elements."""
        self._mutate(self._holds_trackables())
        self._storage.sort(key=key, reverse=reverse)
        self._done()

    # Of the methods above and below.
    pop = _MutableSequence.pop
    remove = _MutableSequence.remove
    reverse = _MutableSequence.reverse
    clear = _MutableSequence.clear

    def __delitem__(self, key: Any) -> None:
        self._mutate(self._holds_trackables())
        del self._storage[key]
        self._done()

    def __setitem__(self, key: Any, value: Any) -> None:
        before = list(self._storage)
        at = range(*key.indices(len(before))) if isinstance(key, slice) else [key]
        self._mutate(any(isinstance(before[i], Trackable) for i in at))
        self._storage[key] = value
        for index, new in enumerate(self._storage):
            if index >= len(before) or new is not before[index]:
                self._storage[index] = self._tracked(new, index)
        self._done()

    def __imul__(self, times: Any) -> Any:
        if times > 0:
            return super().__imul__(times)
        self._mutate(self._holds_trackables())
        self._storage.clear()
        self._done()
        return self

    def _marked(self, copied: Any) -> Any:
        copied._moved, copied._outside = self._moved, self._modified_outside
        return copied

    def __copy__(self) -> Any:
        return self._marked(super().__copy__())

    def __deepcopy__(self, memo: Any) -> Any:
        return self._marked(super().__deepcopy__(memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._storage,)

    def __eq__(self, other: object) -> bool:
        return bool(self._storage == getattr(other, "_storage", other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> Any:
        return self._storage < getattr(other, "_storage", other)

    def __le__(self, other: Any) -> Any:
        return self._storage <= getattr(other, "_storage", other)

    def __gt__(self, other: Any) -> Any:
        return self._storage > getattr(other, "_storage", other)

    def __ge__(self, other: Any) -> Any:
        return self._storage >= getattr(other, "_storage", other)

    def __hash__(self) -> int:  # type: ignore[override]
        raise TypeError("unhashable type: 'ListWrapper'")

    def __repr__(self) -> str:
        return f"ListWrapper({self._storage!r})"


def _same(known: list[Any], now: list[Any]) -> bool:
    """True if both lists hold the very same objects."""
    return len(known) == len(now) and all(map(operator.is_, known, now))
