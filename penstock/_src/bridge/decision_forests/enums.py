"""Enums with the methods of those of protocol buffers."""

from __future__ import annotations

import enum


class NamedNumber(enum.IntEnum):
    """An enum whose values are integers, as in YDF's files."""

    @classmethod
    def Name(cls, number: int) -> str:
        """Returns the name of a value.

        Args:
          number: the value.
        """
        return cls(number).name

    @classmethod
    def Value(cls, name: str) -> int:
        """Returns the value of a name.

        Args:
          name: of the value.

        Raises:
          ValueError: there is none of this name.
        """
        if name not in cls.__members__:
            raise ValueError(f"{cls.__name__} has no value {name!r}.")
        return cls[name]

    @classmethod
    def keys(cls) -> list[str]:
        """Returns all names."""
        return list(cls.__members__)

    @classmethod
    def values(cls) -> list[int]:
        """Returns all values."""
        return list(cls)

    @classmethod
    def items(cls) -> list[tuple[str, int]]:
        """Returns all names, with their values."""
        return list(cls.__members__.items())
