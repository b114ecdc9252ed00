"""Lists, dicts and tuples that track the trackable objects they hold, under "0", "1", ... or keys."""

from __future__ import annotations

import collections
import copy
import functools
from typing import Any

from penstock._src.core.tracking.containers import TrackableDataStructure
from penstock._src.core.tracking.lists import List, ListWrapper
from penstock._src.core.tracking.mappings import Mapping, _DictWrapper, _OrderedDictWrapper
from penstock._src.core.tracking.trackable import (
    NoDependency,
    Trackable,
    TrackableReference,
    is_saved_function,
    sticky_attribute_assignment,
)
from penstock._src.util import slots

__all__ = [
    "List",
    "ListWrapper",
    "Mapping",
    "NoDependency",
    "TrackableDataStructure",
    "_DictWrapper",
    "_OrderedDictWrapper",
    "_TupleWrapper",
    "sticky_attribute_assignment",
    "wrap_or_unwrap",
]


class _TupleMethods(TrackableDataStructure):
    """Methods of tracking tuples: elements tracked under the names of fields and their indices, and the class of the plain tuple."""

    _kind: type = tuple

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._kind

    @property
    def __wrapped__(self: Any) -> Any:
        """The plain tuple with these elements."""
        return tuple.__new__(self._kind, self)

    @property
    def _values(self: Any) -> Any:
        return tuple(self)

    def _trackable_children(
        self: Any, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        del kwargs
        if vars(self).get("_foreign"):
            raise ValueError(
                f"Unable to save because the namedtuple {self.__wrapped__} is not constructable from its _fields (i.e. "
                f"__new__ is overridden). Expected keyword arguments {self._kind._fields}. A tuple that need not be "
                "saved can be wrapped in an object that is not a tuple."
            )
        names = [*getattr(self._kind, "_fields", ()), *range(len(self))]
        plain = vars(self).get("_untracked", ())
        named = zip(names, enumerate([*self] * 2))
        tracked = {str(name): v for name, (at, v) in named if at % len(self) not in plain}
        children = {name: v for name, v in tracked.items() if isinstance(v, Trackable)}
        return children | self._functions(tracked.items(), save_type)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __eq__(self: Any, other: object) -> bool:
        return tuple.__eq__(self, other)  # type: ignore[arg-type]

    def __copy__(self) -> Any:
        return wrap_or_unwrap(self.__wrapped__)

    def __deepcopy__(self, memo: Any) -> Any:
        return wrap_or_unwrap(copy.deepcopy(self.__wrapped__, memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return f"_TupleWrapper({self})"

    def __str__(self) -> str:
        return repr(self.__wrapped__)


class _TupleWrapper(_TupleMethods, tuple):
    """A plain tuple that tracks its elements."""


def wrap_or_unwrap(value: Any) -> Any:
    """Wraps plain lists, dicts and ordered dicts, and tuples that hold trackables, in tracking containers."""
    if isinstance(value, NoDependency):
        return value.value
    kind = type(value)
    if kind is list:
        return ListWrapper(value)
    if kind is dict:
        return _DictWrapper(value)
    if kind is collections.OrderedDict:
        return _OrderedDictWrapper(value)
    if isinstance(value, tuple) and not issubclass(kind, _TupleMethods | TrackableReference):
        parts = [wrap_or_unwrap(part) for part in value]
        untracked = {at for at, part in enumerate(value) if isinstance(part, NoDependency)}
        if untracked or any(isinstance(p, Trackable) or is_saved_function(p) for p in parts):
            return _wrapped_tuple(value, parts, untracked)
    return value


def _wrapped_tuple(value: Any, parts: list[Any], untracked: set[int]) -> Any:
    """A tracking tuple of wrapped elements; those at some indices are not tracked."""
    kind = value.__class__  # differs from type(value) for proxies
    foreign = False
    if hasattr(kind, "_fields"):
        try:
            kind(**dict(zip(kind._fields, parts, strict=True)))
        except TypeError:
            parts, foreign = list(value), True
    wrapped = tuple.__new__(_TupleWrapper if kind is tuple else _tracking_class(kind), parts)
    vars(wrapped).update(getattr(value, "__dict__", {}), _untracked=untracked, _foreign=foreign)
    return wrapped


@functools.cache
def _tracking_class(kind: type) -> Any:
    """Returns the class of tracking tuples that claim to be of `kind`, a class of named tuples."""
    return type(
        "_TupleWrapper",
        (_TupleMethods, kind),
        {"_kind": kind, "_make": getattr(kind, "_make", None), "__module__": kind.__module__},
    )


slots.WRAP = wrap_or_unwrap
