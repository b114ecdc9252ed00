"""What inputs of a block must be like for a program that was made for others: which numbers of theirs are unknown extents, and which are fixed."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.ir.extents.guards import LEAST
from penstock._src.ir.extents.values import CallValues, Values

# How a number is found: ("rank", position of the input), ("extent", position, axis), ("value", position, place of an element), ("count", position)
# of a list, ("bytes", position) for a whole value.
Read = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class InputForm:
    """The numbers of inputs that a program depends on: each with the name of a symbol, or with what it must be."""

    entries: list[tuple[Read, Any]] = dataclasses.field(default_factory=list)

    def add(self, read: Read, what: Any) -> None:
        """Notes what a number is: the name of a symbol, perhaps after a minus, or what it must be."""
        self.entries.append((read, what))

    @functools.cached_property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols, sorted."""
        return tuple(sorted({what.lstrip("-") for _, what in self.entries if type(what) is str}))

    def extents(self, values: Sequence[Any]) -> Values | None:
        """What the symbols are for inputs; None if these have another form."""
        found = [0] * len(self.symbols)
        for position, wanted in self._shapes:
            shape = values[position].shape
            if len(shape) != len(wanted) or not _are_like(shape, wanted, found):
                return None
        for read, what in self._others:
            if not _are_like((_number(read, values),), (what,), found):
                return None
        try:
            return CallValues(self.symbols, np.array(found, np.int64))
        except OverflowError:  # a value of uint64
            return None

    @functools.cached_property
    def _shapes(self) -> list[tuple[int, list[Any]]]:
        """Positions of inputs whose shapes are looked at, and what their extents are (see `_wanted`)."""
        shapes: dict[int, list[Any]] = {}
        for (kind, position, *place), what in self.entries:
            if kind == "rank":
                shapes[position] = [None] * what
            elif kind == "extent":
                shapes[position][place[0]] = self._wanted(what)
        return list(shapes.items())

    @functools.cached_property
    def _others(self) -> list[tuple[Read, Any]]:
        others = [(read, what) for read, what in self.entries if read[0] not in ("rank", "extent")]
        return [(read, self._wanted(what)) for read, what in others]

    def _wanted(self, what: Any) -> Any:
        """What a number must be; of a symbol, which may be anything, its place among the symbols."""
        if type(what) is not str:
            return what
        kind = _Opposite if what.startswith("-") else _Symbol
        return kind(self.symbols.index(what.lstrip("-")))


class _Symbol(int):
    """The place of a symbol among the symbols."""


class _Opposite(int):
    """The same, of a number below 0: the symbol is the number without its sign."""


def _are_like(numbers: Sequence[Any], wanted: Sequence[Any], found: list[int]) -> bool:
    """Whether numbers are what is wanted; notes in `found` what symbols are, which are 0 before."""
    for number, what in zip(numbers, wanted):
        if type(what) is _Opposite:
            number = -number
        elif type(what) is not _Symbol:
            if number != what:
                return False
            continue
        if number < LEAST or (found[what] or number) != number:
            return False
        found[what] = number
    return True


def _number(read: Read, values: Sequence[Any]) -> Any:
    kind, position, *place = read
    value = values[position]
    if kind == "value":
        return int(value.reshape(-1)[place[0]])
    if kind == "count":
        return len(value)
    return value.dtype.str, value.shape, value.tobytes()
