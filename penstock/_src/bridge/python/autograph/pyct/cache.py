"""Caches of rewritten functions: `tensorflow.python.autograph.pyct.cache`."""

from __future__ import annotations

import inspect
import weakref
from typing import Any


class _TransformedFnCache:
    """Keeps values by function and a second key, as long as the function lives."""

    def __init__(self) -> None:
        self._cache: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()

    def _get_key(self, entity: Any) -> Any:
        raise NotImplementedError("subclasses must override")

    def has(self, entity: Any, subkey: Any) -> bool:
        """True if there is a value."""
        return subkey in self._cache.get(self._get_key(entity), ())

    def __getitem__(self, entity: Any) -> dict[Any, Any]:
        """The values of a function by the second key, to be read and set."""
        return self._cache.setdefault(self._get_key(entity), {})

    def __len__(self) -> int:
        return len(self._cache)


class CodeObjectCache(_TransformedFnCache):
    """Functions with the same code have the same values."""

    def _get_key(self, entity: Any) -> Any:
        return getattr(entity, "__code__", entity)


class UnboundInstanceCache(_TransformedFnCache):
    """Methods of all instances have the same values; functions with the same code have their own."""

    def _get_key(self, entity: Any) -> Any:
        return entity.__func__ if inspect.ismethod(entity) else entity
