"""Input forms: the positions in a block's inputs from which a program for many extents reads its symbols, and the numbers that it requires.

A symbol may be read in several places, such as the batch size of two inputs, which must agree.
"""

import dataclasses
import struct
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.ir.extents.dims import LEAST, least
from penstock._src.ir.extents.values import CallValues, Values
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks

# Where a number is read: ("rank", position of the input), ("extent", position, axis), ("value", position, index of an element), ("count", position)
# for the length of a list, ("item", position, axis) for an extent of its elements, ("bytes", position) for a whole value.
Read = tuple[Any, ...]
UNREAD = -1  # the number of a symbol that was not read yet
# The requirements for a shape: position of the input, rank, (axis, required number) of fixed extents, (axis, index of the symbol) of unknown ones.
_Shape = tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]]


@dataclass(frozen=True)
class InputForm:
    """The numbers of inputs on which a program depends, each with the name of a symbol or a required value."""

    entries: list[tuple[Read, Any]] = dataclasses.field(default_factory=list)

    def add(self, read: Read, what: Any) -> None:
        """Adds a number: `what` is the name of a symbol (after a minus for negative numbers), or the required value."""
        self.entries.append((read, what))

    @forks.cached_property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols, sorted."""
        return tuple(sorted({what.lstrip("-") for _, what in self.entries if type(what) is str}))

    def extents(self, values: Sequence[Any]) -> Values | None:
        """The numbers of the symbols in these inputs; None if the inputs have another form."""
        numbers = [UNREAD] * len(self.symbols)
        for position, rank, fixed, unknown in self._shapes:
            shape = values[position].shape
            if len(shape) != rank:
                return None
            for axis, required in fixed:
                if shape[axis] != required:
                    return None
            for axis, symbol in unknown:
                number = shape[axis]
                if number < LEAST or numbers[symbol] not in (UNREAD, number):
                    return None
                numbers[symbol] = number
        for read, what, symbol, sign in self._others:
            number = _number(read, values)
            if symbol is None:
                if number != what:
                    return None
            elif not self._set(numbers, symbol, sign * number):
                return None
        try:
            return CallValues(self.symbols, self._pack(*numbers))
        except struct.error:  # a value of uint64
            return None

    def _set(self, numbers: list[int], symbol: int, number: int) -> bool:
        """Sets the number of a symbol; False if it is invalid, or differs from an earlier one."""
        if number < least(self.symbols[symbol]) or numbers[symbol] not in (UNREAD, number):
            return False
        numbers[symbol] = number
        return True

    @forks.cached_property
    def _pack(self) -> Callable[..., bytes]:
        """Packs the numbers of the symbols."""
        return struct.Struct(f"={len(self.symbols)}q").pack

    @forks.cached_property
    def _shapes(self) -> list[_Shape]:
        """The entries for ranks and extents, grouped by input, so that each shape is read once."""
        shapes: dict[int, _Shape] = {}
        for (kind, position, *axis), what in self.entries:
            if kind == "rank":
                shapes[position] = position, what, [], []
            elif kind == "extent" and type(what) is str:
                shapes[position][3].append((axis[0], self.symbols.index(what)))
            elif kind == "extent":
                shapes[position][2].append((axis[0], what))
        return list(shapes.values())

    @forks.cached_property
    def _others(self) -> list[tuple[Read, Any, int | None, int]]:
        """The other entries, with the index of the symbol (None for a required value) and its sign."""
        others = []
        for read, what in self.entries:
            if read[0] not in ("rank", "extent"):
                symbol = self.symbols.index(what.lstrip("-")) if type(what) is str else None
                others.append(
                    (read, what, symbol, -1 if symbol is not None and what[0] == "-" else 1)
                )
        return others


def _number(read: Read, values: Sequence[Any]) -> Any:
    kind, position, *index = read
    value = values[position]
    if kind == "value":
        return int(value.reshape(-1)[index[0]])
    if kind == "count":
        return len(value)
    if kind == "item":
        return value.common_shape()[index[0]]
    return value.dtype.str, value.shape, value.tobytes()
