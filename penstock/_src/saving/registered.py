"""Registered classes, which SavedModels name, and registered functions that save objects in their own way."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_VALID_NAME = re.compile(r"^[a-zA-Z0-9._-]+$")


class PredicateRegistry:
    """Candidates by name, found by the predicate that accepts an object; the latest is tried first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._candidates: dict[str, Any] = {}
        self._predicates: dict[str, Callable[[Any], bool]] = {}

    def register(self, package: Any, name: Any, predicate: Any, candidate: Any) -> None:
        """Adds a candidate under `<package>.<name>`."""
        if not isinstance(package, str) or not isinstance(name, str):
            raise TypeError(
                f"The package and name registered to a {self.name} must be strings, got: "
                f"package={type(package)}, name={type(name)}"
            )
        if not callable(predicate):
            raise TypeError(
                f"The predicate registered to a {self.name} must be callable, got: {type(predicate)}"
            )
        full = f"{package}.{name}"
        if not _VALID_NAME.match(full):
            raise ValueError(
                f"Invalid registered {self.name}. Please check that the package and name follow the regex "
                f"'{_VALID_NAME.pattern}': (package='{package}', name='{name}')"
            )
        if full in self._candidates:
            raise ValueError(
                f"The name '{full}' has already been registered to a {self.name}. Found: {self._candidates[full]}"
            )
        self._candidates[full], self._predicates[full] = candidate, predicate

    def lookup(self, obj: Any) -> Any:
        """Returns the candidate for an object, or raises LookupError."""
        return self._candidates[self.get_registered_name(obj)]

    def name_lookup(self, registered_name: str) -> Any:
        """Returns the candidate of a name, or raises LookupError."""
        return self._held(self._candidates, registered_name)

    def get_predicate(self, registered_name: str) -> Callable[[Any], bool]:
        """Returns the predicate of a name, or raises LookupError."""
        return self._held(self._predicates, registered_name)

    def _held(self, table: dict[str, Any], name: str) -> Any:
        if name not in table:
            raise LookupError(f"The {self.name} registry does not have name '{name}' registered.")
        return table[name]

    def get_registered_name(self, obj: Any) -> str:
        """Returns the name of the candidate for an object, or raises LookupError."""
        for name, predicate in reversed(self._predicates.items()):
            if predicate(obj):
                return name
        raise LookupError(f"Could not find matching {self.name} for {type(obj)}.")

    def get_registrations(self) -> Mapping[str, Callable[[Any], bool]]:
        """Returns the predicates by name."""
        return self._predicates


CLASSES = PredicateRegistry("serializable class")
SAVERS = PredicateRegistry("checkpoint saver")


def _or_none(find: Callable[[Any], Any], key: Any) -> Any:
    try:
        return find(key)
    except LookupError:
        return None


def get_registered_class_name(obj: Any) -> str | None:
    """Returns the name under which the class of an object is registered, or None."""
    return _or_none(CLASSES.get_registered_name, obj)


def get_registered_class(registered_name: str) -> Any:
    """Returns the class registered under a name, or None."""
    return _or_none(CLASSES.name_lookup, registered_name)


def register_serializable(
    package: str = "Custom", name: str | None = None, predicate: Any = None
) -> Callable[[type], type]:
    """Returns a decorator that registers a class under a name.

    Args:
      package, name: together the name; by default that of the class.
      predicate: whether an object is saved under it; by default whether it is an instance of the class.
    """

    def decorator(cls: type) -> type:
        if not isinstance(cls, type):
            raise TypeError(f"Registered serializable must be a class: {cls}")
        accepts = predicate or (lambda instance: isinstance(instance, cls))
        CLASSES.register(package, cls.__name__ if name is None else name, accepts, cls)
        return cls

    return decorator


def register_checkpoint_saver(
    package: str = "Custom",
    name: str | None = None,
    predicate: Any = None,
    save_fn: Any = None,
    restore_fn: Any = None,
    strict_predicate_restore: bool = True,
) -> None:
    """Registers functions that save and restore the objects that `predicate` accepts.

    Args:
      package, name: together the name.
      predicate: whether an object is saved in this way.
      save_fn: `save_fn(trackables, file_prefix)`.
      restore_fn: `restore_fn(trackables, merged_prefix)`.
      strict_predicate_restore: whether the predicate must accept the object when it is restored as well.
    """
    for label, function in (("save_fn", save_fn), ("restore_fn", restore_fn)):
        if not callable(function):
            raise TypeError(f"The {label} must be callable, got: {type(function)}")
    candidate = (save_fn, restore_fn, strict_predicate_restore)
    SAVERS.register(package, name, predicate, candidate)


def get_registered_saver_name(trackable: Any) -> str | None:
    """Returns the name of the saver for an object, or None."""
    return _or_none(SAVERS.get_registered_name, trackable)


def get_save_function(registered_name: str) -> Any:
    """Returns the function that saves, of a registered saver."""
    return SAVERS.name_lookup(registered_name)[0]


def get_restore_function(registered_name: str) -> Any:
    """Returns the function that restores, of a registered saver."""
    return SAVERS.name_lookup(registered_name)[1]


def get_strict_predicate_restore(registered_name: str) -> bool:
    """True if a saver's predicate must accept the objects that are restored; False without a predicate."""
    saver = _or_none(SAVERS.name_lookup, registered_name)
    return False if saver is None else saver[2]


def validate_restore_function(trackable: Any, registered_name: str) -> None:
    """Raises ValueError unless the saver of this name is registered and accepts the object."""
    if _or_none(SAVERS.name_lookup, registered_name) is None:
        raise ValueError(
            f"Error when restoring object {trackable} from checkpoint. This object was saved using a registered saver "
            f"named '{registered_name}', but this saver cannot be found in the current context."
        )
    if not SAVERS.get_predicate(registered_name)(trackable):
        raise ValueError(
            f"Object {trackable} was saved with the registered saver named '{registered_name}'. However, this saver "
            "cannot be used to restore the object because the predicate does not pass."
        )
