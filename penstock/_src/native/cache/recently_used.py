"""RecentlyUsed: a cache of a fixed number of values; beyond them it only remembers values that are referenced elsewhere."""

import weakref
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class RecentlyUsed(Generic[Key, Value]):
    """Values by key: the `size` most recently used ones, and others while they are referenced elsewhere.

    Not thread-safe: its owner has a lock.

    >>> from penstock._src.native.cache.recently_used import RecentlyUsed
    >>> cache = RecentlyUsed(1)
    >>> cache["a"], cache["b"] = {1}, {2}
    >>> cache.get("a"), cache.get("b")
    (None, {2})
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._recent: OrderedDict[Key, Value] = OrderedDict()
        self._held: weakref.WeakValueDictionary[Key, Value] = weakref.WeakValueDictionary()

    def get(self, key: Key) -> Value | None:
        """The value of a key, which becomes the most recently used one; None if it is gone."""
        value = self._recent.get(key)
        if value is not None:
            self._recent.move_to_end(key)
            return value
        value = self._held.get(key)
        if value is not None:
            self[key] = value
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        self._recent[key] = self._held[key] = value
        self._recent.move_to_end(key)
        if len(self._recent) > self.size:
            self._recent.popitem(last=False)

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._held)
