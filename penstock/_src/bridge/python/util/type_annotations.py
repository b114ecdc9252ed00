"""The kind of generic type of an annotation."""

from __future__ import annotations

import collections.abc
import typing
from typing import Any

get_generic_type_args = typing.get_args


def is_generic_union(tp: Any) -> bool:
    """True if it is a Union of some types."""
    return typing.get_origin(tp) is typing.Union


def is_generic_tuple(tp: Any) -> bool:
    """True if it is a tuple of some types."""
    return tp is not typing.Tuple and typing.get_origin(tp) is tuple  # noqa: UP006 - what is asked about


def is_generic_list(tp: Any) -> bool:
    """True if it is a list of some type."""
    return tp is not typing.List and typing.get_origin(tp) is list  # noqa: UP006 - what is asked about


def is_generic_mapping(tp: Any) -> bool:
    """True if it is a Mapping between some types."""
    return tp is not typing.Mapping and typing.get_origin(tp) is collections.abc.Mapping


def is_forward_ref(tp: Any) -> bool:
    """True if it is the name of a type to come."""
    return isinstance(tp, typing.ForwardRef)
