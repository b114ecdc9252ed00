"""Members of JSON objects, by their types."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from penstock._src.core.errors import InvalidArgumentError

_DIGITS = re.compile(r"[0-9]{1,18}")
# Lists and objects within each other. Whatever looks at a whole value calls itself for each, and Python allows some hundred calls.
_MOST_DEPTH = 128
_CONTAINERS = frozenset({dict, list})
_MOST_BITS = 1023  # of an integer that a float holds, however large


class Fields:
    """The members of a request; null counts as missing.

    Raises:
      InvalidArgumentError: the request is not an object, or has too many objects within each other.
    """

    def __init__(self, request: Any) -> None:
        if not isinstance(request, dict):
            raise InvalidArgumentError("Request is not a JSON object.")
        _check_depth(request)
        self._members: Mapping[str, Any] = {k: v for k, v in request.items() if v is not None}

    def get(self, name: str) -> Any:
        """A member of any type; None if it is missing."""
        return self._members.get(name)

    def integer(self, name: str) -> int | None:
        """An integer."""
        value = self._members.get(name)
        if value is not None and type(value) is not int:
            _refuse(name, "an integer", value)
        return value

    def number(self, name: str, default: float) -> float:
        """A number."""
        value = self._members.get(name, default)
        if not _is_number(value):
            _refuse(name, "a number", value)
        return float(value)

    def boolean(self, name: str) -> bool:
        """True or false; false if it is missing."""
        value = self._members.get(name, False)
        if not isinstance(value, bool):
            _refuse(name, "true or false", value)
        return value

    def text(self, name: str) -> str | None:
        """A string."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, str):
            _refuse(name, "a string", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A string or a list of strings, which are not empty."""
        value = self._members.get(name, [])
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(t, str) and t for t in listed):
            _refuse(name, "a string or a list of strings that are not empty", value)
        return tuple(listed)

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of integers."""
        value = self._members.get(name, [])
        if not is_integers(value):
            _refuse(name, "a list of integers", value)
        return tuple(value)

    def numbers_by_token(self, name: str) -> dict[int, float]:
        """An object of numbers whose names are tokens, integers; empty if it is missing."""
        value = self._members.get(name, {})
        if not isinstance(value, dict) or not all(
            _DIGITS.fullmatch(token) and _is_number(number) for token, number in value.items()
        ):
            _refuse(name, "an object of numbers by tokens", value)
        return {int(token): float(number) for token, number in value.items()}

    def objects(self, name: str) -> list[dict[str, Any]]:
        """A list of objects."""
        value = self._members.get(name)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            _refuse(name, "a list of objects", value)
        return value

    def only(self, known: Collection[str], defaults: Mapping[str, Any] | None = None) -> None:
        """Refuses members that nothing is done with.

        Args:
          known: names of members.
          defaults: {name: value} of members that may have this value only.

        Raises:
          InvalidArgumentError: such a member has another value, or a member is not known at all.
        """
        for name, value in self._members.items():
            if name in known:
                continue
            if name not in (defaults or {}):
                raise InvalidArgumentError(
                    f"'{name}' is not known. Expected {', '.join(sorted(known))}."
                )
            if value != (defaults or {})[name]:
                _refuse(name, f"{(defaults or {})[name]!r}: other values are not supported", value)


def is_integers(value: Any) -> bool:
    """True if a JSON value is a list of integers."""
    return isinstance(value, list) and all(type(each) is int for each in value)


def _is_number(value: Any) -> bool:
    """True if a JSON value is a number that a float holds."""
    return type(value) is float or type(value) is int and value.bit_length() <= _MOST_BITS


def _check_depth(request: dict[str, Any]) -> None:
    level = [request]
    for _ in range(_MOST_DEPTH):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return
    raise InvalidArgumentError(
        f"The request has more than {_MOST_DEPTH} lists and objects within each other."
    )


def _inner(value: Any) -> list[Any]:
    """The lists and objects that a list or object holds."""
    items = value.values() if type(value) is dict else value
    # Of long lists of numbers nothing else is looked at.
    if _CONTAINERS.isdisjoint(map(type, items)):
        return []
    return [item for item in items if type(item) in _CONTAINERS]


def _refuse(name: str, expected: str, value: Any) -> NoReturn:
    raise InvalidArgumentError(f"'{name}': expected {expected}. Received {value!r:.100}.")
