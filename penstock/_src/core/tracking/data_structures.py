"""Lists, dicts and tuples that track the trackable objects they hold, under "0", "1", ... or keys."""

from __future__ import annotations

import collections
import copy
import functools
import logging
from typing import Any

from penstock._src.core.tracking import trackable as tracking
from penstock._src.core.tracking.trackable import (
    NoDependency,
    Trackable,
    TrackableReference,
    is_saved_function,
)
from penstock._src.util import slots
from penstock._src.util.export import export

log = logging.getLogger("tensorflow")


@export("__internal__.tracking.TrackableDataStructure", v1=[])
class TrackableDataStructure(Trackable):
    """Base of the tracking containers."""

    @property
    def _values(self) -> Any:
        raise NotImplementedError

    @property
    def trainable(self) -> bool:
        """True if the structure's trainable variables are listed as trainable."""
        return self.__dict__.get("_self_trainable", True)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.__dict__["_self_trainable"] = value

    @property
    def _layers(self) -> list[Any]:
        """The elements that have weights: layers, modules, containers."""
        return [value for value in self._values if _has_weights(value)]

    @property
    def layers(self) -> list[Any]:
        """The Keras 2 layers among the elements and in nested containers."""
        layers: list[Any] = []
        for value in self._layers:
            if isinstance(value, TrackableDataStructure):
                layers += value.layers
            elif getattr(value, "_is_layer", False):
                layers.append(value)
        return layers

    @property
    def trainable_weights(self) -> list[Any]:
        """The trainable variables of the elements and of their layers."""
        return self._trainable() if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables of the elements and of their layers."""
        rest = self._gathered("non_trainable_variables")
        rest += [v for v in self._own_variables() if not v.trainable]
        return rest if self.trainable else self._trainable() + rest

    @property
    def weights(self) -> list[Any]:
        """All variables, the trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights
    variables = weights

    @property
    def losses(self) -> list[Any]:
        """The losses that layers among the elements have added."""
        return [loss for layer in self.layers for loss in getattr(layer, "losses", ())]

    @property
    def updates(self) -> list[Any]:
        """The updates that layers among the elements have added."""
        return [update for layer in self.layers for update in getattr(layer, "updates", ())]

    def _trainable(self) -> list[Any]:
        own = [v for v in self._own_variables() if v.trainable]
        return self._gathered("trainable_variables") + own

    def _gathered(self, name: str) -> list[Any]:
        values: list[Any] = []
        for value in self._values:
            if isinstance(value, Trackable):
                values += getattr(value, name, ())
        return values

    def _own_variables(self) -> list[Any]:
        return [value for value in self._values if getattr(value, "_is_tensor_like", False)]

    def __hash__(self) -> int:
        raise TypeError(f"unhashable type: {type(self).__name__!r}")


def _is_dependency(value: Any, save_type: str) -> bool:
    return isinstance(value, Trackable) or save_type == "savedmodel" and is_saved_function(value)


def _has_weights(value: Any) -> bool:
    return isinstance(value, TrackableDataStructure) or (
        hasattr(type(value), "trainable_weights") and hasattr(type(value), "non_trainable_weights")
    )


def _restore_element(container: Trackable, name: str, value: Trackable) -> None:
    """Set a new element to the value saved for its index in a checkpoint.

    An element with another shape than the saved value keeps its own, as in TensorFlow: programs that create variables after
    restoring, such as Keras's optimizers, may append other variables than those that were saved.
    """
    try:
        container._handle_deferred_dependencies(name, value)
    except ValueError as error:
        log.warning("Element %r of a container is not restored. %s", name, error)


class ListWrapper(TrackableDataStructure, list):  # type: ignore[misc]
    """A list that tracks its elements under their indices."""

    def __init__(self, wrapped_list: Any = ()) -> None:
        list.__init__(self, [tracking.wrap(v) for v in wrapped_list])

    @property
    def _values(self) -> Any:
        return self

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        del kwargs
        return {str(i): v for i, v in enumerate(self) if _is_dependency(v, save_type)}

    def _stored(self, index: int, value: Any) -> Any:
        value = tracking.wrap(value)
        if isinstance(value, Trackable):
            _restore_element(self, str(index), value)
        return value

    def append(self, value: Any) -> None:
        """Adds an element at the end."""
        list.append(self, self._stored(len(self), value))

    def extend(self, values: Any) -> None:
        """Adds elements at the end."""
        for value in values:
            self.append(value)

    def __iadd__(self, values: Any) -> ListWrapper:  # type: ignore[misc]
        self.extend(values)
        return self

    def insert(self, index: Any, value: Any) -> None:
        """Adds an element before the one at `index`."""
        list.insert(self, index, tracking.wrap(value))

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            list.__setitem__(self, key, [tracking.wrap(v) for v in value])
        else:
            list.__setitem__(self, key, self._stored(key, value))

    def __copy__(self) -> ListWrapper:
        return type(self)(list(self))

    def copy(self) -> list[Any]:
        """Returns a shallow copy."""
        return type(self)(list(self))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (list(self),)

    def __repr__(self) -> str:
        return f"ListWrapper({list.__repr__(self)})"


class List(ListWrapper):
    """A list of trackable objects that only grows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del kwargs
        super().__init__(*args)


class _DictWrapper(TrackableDataStructure, dict):  # type: ignore[misc]
    """A dict that tracks its values under their keys."""

    _kind: Any = dict  # the wrapped class: dict or a subclass

    def __init__(self, wrapped_dict: Any = (), **more: Any) -> None:
        self._kind.__init__(self)
        self.update(wrapped_dict, **more)

    @property
    def _values(self) -> Any:
        return self.values()

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        del kwargs
        children = {k: v for k, v in self.items() if _is_dependency(v, save_type)}
        for key in children:
            if not isinstance(key, str):
                raise ValueError(
                    "Unable to save a dictionary with trackable values under non-string keys. "
                    f"Received the key {key!r}."
                )
        return children

    def __setitem__(self, key: Any, value: Any) -> None:
        value = tracking.wrap(value.value if isinstance(value, NoDependency) else value)
        if isinstance(value, Trackable) and isinstance(key, str):
            _restore_element(self, key, value)
        self._kind.__setitem__(self, key, value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds the items of another dict."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Returns the value of `key`, after setting it to `default` if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def __copy__(self) -> _DictWrapper:
        return type(self)(dict(self))

    copy = __copy__

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (dict(self),)

    def __repr__(self) -> str:
        return f"DictWrapper({self})"

    def __str__(self) -> str:
        return repr(self._kind(self))


class _OrderedDictWrapper(_DictWrapper, collections.OrderedDict):  # type: ignore[misc]
    """An ordered dict that tracks its values under their keys."""

    _kind = collections.OrderedDict


class Mapping(_DictWrapper):
    """A dict of trackable objects."""


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
        names = [*getattr(self._kind, "_fields", ()), *range(len(self))]
        named = zip(names, [*self] * 2)
        return {str(name): v for name, v in named if _is_dependency(v, save_type)}

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
        if any(isinstance(part, Trackable) or is_saved_function(part) for part in parts):
            kind = value.__class__  # differs from type(value) for proxies
            wrapped = tuple.__new__(
                _TupleWrapper if kind is tuple else _tracking_class(kind), parts
            )
            vars(wrapped).update(getattr(value, "__dict__", {}))
            return wrapped
    return value


@functools.cache
def _tracking_class(kind: type) -> Any:
    """Returns the class of tracking tuples that claim to be of `kind`, a class of named tuples."""
    return type(
        "_TupleWrapper",
        (_TupleMethods, kind),
        {"_kind": kind, "_make": getattr(kind, "_make", None), "__module__": kind.__module__},
    )


slots.WRAP = wrap_or_unwrap
