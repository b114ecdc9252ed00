"""Compares arguments with type annotations, for `tf.experimental.dispatch_for_api`.

A target takes a call only if at least one argument is an instance of a dispatchable type that its annotation names. An
annotation such as `Union[MaskedTensor, TensorLike]` matches a plain tensor too, but plain tensors alone do not dispatch:
else a target that calls the same function with plain tensors would call itself.
"""

import collections.abc
import enum
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any

from penstock._src.core.composite import CompositeTensor

_REGISTERED: list[type] = []
"""Dispatchable classes that are not composite tensors."""


class Match(enum.IntEnum):
    """Result of comparing a value with an annotation; the larger of two holds for a list or a call."""

    NONE = 0
    PLAIN = 1
    DISPATCHABLE = 2


def register_dispatchable_type(cls: type) -> None:
    """Lets functions dispatch on instances of `cls`, which is not a composite tensor.

    Raises:
      ValueError: it is registered already.
    """
    if is_dispatchable(cls):
        raise ValueError(f"Type {cls} has already been registered")
    _REGISTERED.append(cls)


def is_dispatchable(cls: Any) -> bool:
    """True if functions dispatch on instances of `cls`: composite tensors and registered classes."""
    return isinstance(cls, type) and issubclass(cls, (CompositeTensor, *_REGISTERED))


def match_call(arguments: Mapping[str, Any], signature: Mapping[str, Any]) -> Match:
    """Compares the arguments of a call, by parameter, with the annotations of a signature."""
    if not all(name in arguments for name in signature):
        return Match.NONE
    return _all_of(match(arguments[name], annotation) for name, annotation in signature.items())


def match(value: Any, annotation: Any) -> Match:
    """Compares `value` with the type annotation `annotation`."""
    if annotation is Any or annotation is inspect.Parameter.empty:
        return Match.PLAIN
    if annotation is None or annotation is type(None):
        return Match.PLAIN if value is None else Match.NONE
    if isinstance(annotation, (list, tuple)) and not isinstance(annotation, type):
        return _best_of(value, annotation)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _best_of(value, arguments)
    if origin in (list, collections.abc.Sequence):
        if not isinstance(value, (list, tuple)):
            return Match.NONE
        return _all_of(match(element, arguments[0]) for element in value)
    checks = getattr(annotation, "__instancecheck__", None)
    if checks is None or not isinstance(value, annotation):
        return Match.NONE
    return Match.DISPATCHABLE if is_dispatchable(annotation) else Match.PLAIN


def _best_of(value: Any, annotations: Any) -> Match:
    return max((match(value, annotation) for annotation in annotations), default=Match.NONE)


def _all_of(matches: Any) -> Match:
    """The result for several values: NONE if one does not match, PLAIN if there are none."""
    result = Match.PLAIN
    for one in matches:
        if one is Match.NONE:
            return Match.NONE
        result = max(result, one)
    return result


def check_annotation(annotation: Any) -> None:
    """Raises a ValueError unless it is a class, None, a union of such, or a list or sequence of such."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType, list, collections.abc.Sequence):
        for argument in arguments:
            check_annotation(argument)
    elif not (annotation is None or origin is None):
        raise ValueError(
            f"Type annotation {annotation} is not currently supported by dispatch.  Supported "
            "annotations: classes, List[...] and Union[...]."
        )
