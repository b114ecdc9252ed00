"""What inputs of a block must be like for a program that was made for others: which numbers of theirs are unknown extents, and which are fixed."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.ir.extents.guards import LEAST
from penstock._src.ir.extents.values import CallValues, Values
from penstock._src.util.dataclass import dataclass

# How a number is found: ("rank", position of the input), ("extent", position, axis), ("value", position, place of an element), ("count", position)
# of a list, ("bytes", position) for a whole value.
Read = tuple[Any, ...]
# Of a shape that is looked at: the position of its input, its rank, (axis, number) of what must be so, (axis, place among the symbols) of what may be anything.
_Shape = tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]]


@dataclass(frozen=True)
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
        for position, rank, fixed, unknown in self._shapes:
            shape = values[position].shape
            if len(shape) != rank:
                return None
            for axis, wanted in fixed:
                if shape[axis] != wanted:
                    return None
            for axis, place in unknown:
                number = shape[axis]
                if number < LEAST or (found[place] or number) != number:
                    return None
                found[place] = number
        for read, what in self._others:
            if not _is_like(_number(read, values), what, found):
                return None
        try:
            return CallValues(self.symbols, np.array(found, np.int64))
        except OverflowError:  # a value of uint64
            return None

    @functools.cached_property
    def _shapes(self) -> list[_Shape]:
        """What the shapes of inputs must be."""
        shapes: dict[int, _Shape] = {}
        for (kind, position, *axis), what in self.entries:
            if kind == "rank":
                shapes[position] = position, what, [], []
            elif kind == "extent" and type(what) is str:
                shapes[position][3].append((axis[0], self.symbols.index(what)))
            elif kind == "extent":
                shapes[position][2].append((axis[0], what))
        return list(shapes.values())

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


def _is_like(number: Any, what: Any, found: list[int]) -> bool:
    """True if a number is what is wanted; notes in `found` what a symbol is, which is 0 before."""
    if type(what) is _Opposite:
        number = -number
    elif type(what) is not _Symbol:
        return bool(number == what)
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
