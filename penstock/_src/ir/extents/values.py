"""Values: the numbers of unknown extents in one call.

    with Values({"d0": 32}):
        ...                     d0 is 32 here: Dims compare and convert to numbers as in this call

Outside of any such block a Dim has no number, so that nothing can depend on one unnoticed. A Recording (guards.py) also has numbers, and
records the decisions that used them.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from penstock._src.util.process import forks

Expression = tuple  # ((monomial, coefficient), ...), see dims.py

FUNCTIONS: dict[str, Callable[..., int]] = {
    # A divisor may be 0 in a call: the quotient then belongs to an array without elements, and any number will do.
    "floordiv": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else 0,
    "min": min,
    "max": max,
    "table": lambda index, *entries: entries[min(max(index, 0), len(entries) - 1)],
}


class NoNumber(RuntimeError):
    """The number of an unknown extent was needed outside of a call."""


class _Current(threading.local):
    """The Values that are entered in this thread, the innermost last."""

    def __init__(self) -> None:
        self.within: list[Values] = []


_CURRENT = _Current()


class Values:
    """The numbers of symbols in one call. Within `with`, Dims have these numbers.

    is_open  True if results are also for other calls, so that their extents stay expressions
    """

    is_open = False

    def __init__(self, symbols: Mapping[str, int]) -> None:
        self.symbols = dict(symbols)
        self._numbers: dict[Expression, int] = {}

    @forks.cached_property
    def packed(self) -> bytes:
        """The numbers as bytes of int64, in the order of the symbols' names.

        Raises:
          OverflowError: one does not fit into 64 bits.
        """
        numbers = [self.symbols[name] for name in sorted(self.symbols)]
        try:
            return struct.pack(f"={len(numbers)}q", *numbers)
        except struct.error as error:
            raise OverflowError(str(error)) from None

    def number(self, expression: Expression) -> int:
        """The number of an expression; adds no condition."""
        number = self._numbers.get(expression)
        if number is None:
            number = self._numbers[expression] = evaluate(expression, self.symbols)
        return number

    def is_zero(self, difference: Expression) -> bool:
        """True if an expression is 0."""
        return self.number(difference) == 0

    def is_positive(self, difference: Expression) -> bool:
        """True if an expression is greater than 0."""
        return self.number(difference) > 0

    def known_order(self, difference: Expression) -> bool | None:
        """True if an expression is greater than 0, False if it is at most 0, in all calls; None if calls differ."""
        return None

    def fixed(self, expression: Expression) -> int:
        """The number of an expression that is converted to a plain int."""
        return self.number(expression)

    def conditions_text(self) -> str:
        """The conditions of a program compiled within, as text; "" if it is for these extents alone."""
        return ""

    def __enter__(self) -> Any:
        _CURRENT.within.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _CURRENT.within.pop()


class CallValues(Values):
    """The numbers of a call of an existing program, packed: most calls never need them by name."""

    def __init__(self, names: Sequence[str], packed: bytes) -> None:
        """`packed` has the numbers in the order of the names, which are sorted."""
        self._names, self.packed = names, packed
        self._numbers = {}

    @forks.cached_property
    def symbols(self) -> dict[str, int]:  # type: ignore[override]
        """The numbers by name."""
        numbers = struct.unpack(f"={len(self._names)}q", self.packed)
        return dict(zip(self._names, numbers, strict=True))


def current() -> Values:
    """The innermost Values of this thread.

    Raises:
      NoNumber: there are no Values.
    """
    if not _CURRENT.within:
        raise NoNumber("the number of an unknown extent is asked for outside of a call")
    return _CURRENT.within[-1]


def current_or_none() -> Values | None:
    """The innermost Values of this thread, or None."""
    return _CURRENT.within[-1] if _CURRENT.within else None


def evaluate(expression: Expression, symbols: Mapping[str, int]) -> int:
    """The number of an expression for these numbers of the symbols."""
    total = 0
    for monomial, coefficient in expression:
        for atom in monomial:
            if atom[0] == "symbol":
                number = symbols.get(atom[1])
                if number is None:
                    raise NoNumber(f"the unknown extent {atom[1]} has no number here")
                coefficient *= number
            else:
                parts = [evaluate(part, symbols) for part in atom[1:]]
                coefficient *= FUNCTIONS[atom[0]](*parts)
        total += coefficient
    return total
