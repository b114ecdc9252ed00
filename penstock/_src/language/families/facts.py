"""Facts of a file; an impossible value is rejected with its name."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from penstock._src.core.errors import DataLossError, UnimplementedError

# Larger extents cannot be: weights of a layer alone would not fit into any memory.
_MOST = 1 << 28


def is_finite(value: Any) -> bool:
    """True for a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer with more than 300 digits
        return False


class Facts:
    """The metadata of a model's file.

    Args:
      values: by name.
      where: the file, for messages.
      prefix: of the names.
    """

    def __init__(self, values: Mapping[str, Any], where: str, prefix: str = "") -> None:
        self._values, self._where, self._prefix = values, where, prefix

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def over(self, defaults: Mapping[str, Any]) -> Facts:
        """Returns the facts, with others where there are none; null counts as a fact."""
        return Facts({**defaults, **self._values}, self._where, self._prefix)

    def get(self, *names: str) -> Any:
        """Returns the first value that is there and not null; None if none is."""
        for name in names:
            value = self._values.get(self._prefix + name)
            if value is not None:
                return value
        return None

    def integer(self, *names: str, default: int | None = None) -> int:
        """Returns a positive integer.

        Raises:
          DataLossError: it is missing and has no default, or is of another kind.
        """
        value = self.get(*names)
        if value is None and default is not None:
            return default
        # Some files have a number for each layer; equal ones are one.
        if isinstance(value, np.ndarray) and value.size and (value == value.flat[0]).all():
            value = value.flat[0].item()
        elif isinstance(value, np.ndarray):
            self.lacks(names, "one for all layers; other models are not read", value.tolist())
        if type(value) is not int or not 1 <= value <= _MOST:
            self.refuse(names, f"an integer from 1 to {_MOST}", value)
        return value

    def number(self, *names: str, default: float | None = None) -> float:
        """Returns a finite number.

        Raises:
          DataLossError: it is missing and has no default, or is of another kind.
        """
        value = self.get(*names)
        if value is None and default is not None:
            return default
        if not is_finite(value):
            self.refuse(names, "a number", value)
        return float(value)

    def text(self, *names: str, default: str | None = None) -> str:
        """Returns a text.

        Raises:
          DataLossError: it is missing and has no default, or is of another kind.
        """
        value = self.get(*names)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.refuse(names, "a text", value)
        return value

    def flag(self, *names: str, default: bool = False) -> bool:
        """Returns a truth value.

        Raises:
          DataLossError: it is of another kind.
        """
        value = self.get(*names)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(names, "true or false", value)
        return value

    def numbers(self, *names: str) -> tuple[float, ...]:
        """Returns a list of finite numbers.

        Raises:
          DataLossError: it is missing or of another kind.
        """
        value = self.get(*names)
        if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str):
            self.refuse(names, "a list of numbers", value)
        for each in value:
            if not is_finite(each):
                self.refuse(names, "a list of numbers", each)
        return tuple(map(float, value))

    def only(self, known: Collection[str]) -> None:
        """Refuses unknown properties, as they might change what the model computes.

        Args:
          known: names.

        Raises:
          UnimplementedError: there is another one, and it is not null.
        """
        for name, value in self._values.items():
            if value is not None and name not in known:
                self.lacks((name,), f"one of {sorted(known)}", value)

    def inside(self, name: str) -> Facts | None:
        """Returns the facts in an object; None if it is not there.

        Raises:
          DataLossError: it is of another kind.
        """
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.refuse((name,), "an object", value)
        return Facts(value, f"{self._where}: '{name}'")

    def refuse(self, names: Sequence[str], expected: str, value: Any) -> NoReturn:
        """Raises DataLossError about a value."""
        raise DataLossError(
            f"{self._where}: '{self._prefix}{names[0]}': expected {expected}. Found {value!r}."
        )

    def lacks(self, names: Sequence[str], expected: str, value: Any) -> NoReturn:
        """Raises UnimplementedError about a value."""
        raise UnimplementedError(
            f"{self._where}: '{self._prefix}{names[0]}': expected {expected}. Found {value!r}."
        )
