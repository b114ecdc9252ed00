"""What inputs of a block must be like for a program that was made for others: which numbers of theirs are unknown extents, and which are fixed."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from penstock._src.ir.extents.guards import LEAST

# How a number is found: ("rank", position of the input), ("extent", position, axis), ("value", position, place of an element), ("count", position)
# of a list, ("bytes", position) for a whole value.
Read = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class InputForm:
    """The numbers of inputs that a program depends on: each with the name of a symbol, or with what it must be."""

    entries: list[tuple[Read, Any]] = dataclasses.field(default_factory=list)

    def add(self, read: Read, what: Any) -> None:
        """Notes what a number is: the name of a symbol, or what it must be."""
        self.entries.append((read, what))

    def numbers(self, values: Sequence[Any]) -> dict[str, int] | None:
        """What the symbols are for inputs; None if these have another form."""
        found: dict[str, int] = {}
        for read, what in self.entries:
            number = _number(read, values)
            if type(what) is not str:
                if number != what:
                    return None
            elif number < LEAST or found.setdefault(what, number) != number:
                return None
        return found


def _number(read: Read, values: Sequence[Any]) -> Any:
    kind, position, *place = read
    value = values[position]
    if kind == "rank":
        return value.ndim
    if kind == "extent":
        return value.shape[place[0]]
    if kind == "value":
        return int(value.reshape(-1)[place[0]])
    if kind == "count":
        return len(value)
    return value.dtype.str, value.shape, value.tobytes()
