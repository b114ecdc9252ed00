"""Notices in docstrings, and properties of classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

NOTICES = ("Deprecated", "Warning", "Caution", "Important", "Note")


def get_qualified_name(function: Any) -> str:
    """Returns the name of a function with that of its class."""
    return str(getattr(function, "__qualname__", None) or function.__name__)


def validate_callable(func: Any, decorator_name: str) -> None:
    """Raises ValueError unless a decorator may be applied to `func`."""
    if not callable(func):
        raise ValueError(
            f"{func} is not a function. If this is a property, make sure @property appears before "
            f"@{decorator_name} in your source code."
        )


def add_notice_to_docstring(
    doc: str | None,
    instructions: str,
    no_doc_str: str,
    suffix_str: str,
    notice: list[str],
    notice_type: str = "Warning",
) -> str:
    """Returns a docstring with a suffix on its first line and a notice below.

    Args:
      doc: the docstring; if it is empty, `no_doc_str` takes the place of the first line and its suffix.
      instructions: the last line of the notice.
      no_doc_str: see `doc`.
      suffix_str: what to append to the first line.
      notice: the lines of the notice.
      notice_type: what it begins with, one of `NOTICES`.

    Raises:
      ValueError: the notice is empty, or its type is unknown.
    """
    if notice_type not in NOTICES:
        raise ValueError(f"Unrecognized notice type. Should be one of: {list(NOTICES)}")
    if not notice:
        raise ValueError("The `notice` arg must not be empty.")
    first, *rest = inspect.cleandoc(doc or "").rstrip().splitlines() or [""]
    head = f"{first} {suffix_str}" if first else no_doc_str
    body = [f"{notice_type}: {notice[0]}", *notice[1:], *([instructions] if instructions else [])]
    if rest and rest[0].strip():
        rest = ["", *rest]
    return "\n".join([head, "", *body, *rest])


class classproperty:
    """A property of a class, computed at each access."""

    def __init__(self, func: Callable[[type], Any]) -> None:
        self._func = func

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._func(owner)


class cached_classproperty:
    """A read-only property of a class, computed once for each subclass."""

    def __init__(self, func: Callable[[type], Any]) -> None:
        self._func = func
        self._values: dict[type, Any] = {}

    def __get__(self, instance: Any, owner: type) -> Any:
        if owner not in self._values:
            self._values[owner] = self._func(owner)
        return self._values[owner]

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError(f"property {self._func.__name__} is read-only")

    def __delete__(self, instance: Any) -> None:
        raise AttributeError(f"property {self._func.__name__} is read-only")
