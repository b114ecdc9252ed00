"""The registry of names under which TypeSpecs are saved."""

import re
from collections.abc import Callable
from typing import Any

from penstock._src.core.specs import TensorSpec, TypeSpec

# TensorFlow Probability accesses these private names.
_NAME_TO_TYPE_SPEC: dict[str, type[TypeSpec]] = {}
_TYPE_SPEC_TO_NAME: dict[type[TypeSpec], str] = {}
_FORM = re.compile(r"^(\w+\.)+\w+$")


def register(name: str) -> Callable[[type[TypeSpec]], type[TypeSpec]]:
    """Returns a decorator that gives a TypeSpec class a name of the form "project.Type".

    Raises:
      ValueError: the name has another form, or the class or name is registered already.
      TypeError: the name is not a string, or the class not a TypeSpec.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if not _FORM.match(name):
        raise ValueError(
            "Registered name must have the form '{project_name}.{type_name}' (e.g. "
            f"'my_project.MyTypeSpec'); got {name!r}."
        )

    def decorate(cls: type[TypeSpec]) -> type[TypeSpec]:
        _require_spec(cls)
        if cls in _TYPE_SPEC_TO_NAME:
            raise ValueError(
                f"Class {cls.__module__}.{cls.__name__} has already been registered with name "
                f"{_TYPE_SPEC_TO_NAME[cls]}."
            )
        if name in _NAME_TO_TYPE_SPEC:
            registered = _NAME_TO_TYPE_SPEC[name]
            raise ValueError(
                f"Name {name} has already been registered for class "
                f"{registered.__module__}.{registered.__name__}."
            )
        _NAME_TO_TYPE_SPEC[name], _TYPE_SPEC_TO_NAME[cls] = cls, name
        return cls

    return decorate


def is_registered(cls: type[TypeSpec]) -> bool:
    """True if a TypeSpec class has a name."""
    return cls in _TYPE_SPEC_TO_NAME


def get_name(cls: type[TypeSpec]) -> str:
    """Returns the name of a TypeSpec class.

    Raises:
      ValueError: it has none.
    """
    _require_spec(cls)
    if cls not in _TYPE_SPEC_TO_NAME:
        raise ValueError(f"TypeSpec {cls.__module__}.{cls.__name__} has not been registered.")
    return _TYPE_SPEC_TO_NAME[cls]


def lookup(name: str) -> type[TypeSpec]:
    """Returns the TypeSpec class of a name.

    Raises:
      ValueError: there is none.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if name not in _NAME_TO_TYPE_SPEC:
        raise ValueError(f"No TypeSpec has been registered with name {name!r}")
    return _NAME_TO_TYPE_SPEC[name]


def _require_spec(cls: Any) -> None:
    if not (isinstance(cls, type) and issubclass(cls, TypeSpec)):
        raise TypeError(f"Expected `cls` to be a TypeSpec; got {cls!r}")


register("tf.TensorSpec")(TensorSpec)
