"""A program for many extents: what was made for one call, and the conditions under which it is right for others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.ir.extents import dims, guards
from penstock._src.ir.extents.values import Values


@dataclasses.dataclass(frozen=True)
class SharedProgram:
    """The form of a specialization, for all inputs that fulfil its conditions.

    key          what else the inputs have in common: shapes and aliases of variables, types of lists
    specialized  the form
    symbols      the names of the unknown extents
    holds        whether the conditions hold for extents, in the order of their names
    conditions   in words
    """

    key: Any
    specialized: Specialized
    symbols: Sequence[str]
    holds: Callable[..., bool]
    conditions: str

    @classmethod
    def of(
        cls, key: Any, specialized: Specialized, recording: guards.Recording
    ) -> SharedProgram | None:
        """What was made under a recording; None if it is right for the extents at hand alone."""
        symbols = list(recording.symbols)
        if all(recording.is_fixed(dims.Dim.symbol(name).expr) for name in symbols):
            return None
        holds = guards.test_of(recording.conditions, symbols)
        return cls(key, specialized, symbols, holds, guards.text(recording.conditions))

    def extents(self, key: Any, values: Sequence[Any]) -> Values | None:
        """What the unknown extents are for inputs; None if the program is not for them."""
        if key != self.key:
            return None
        numbers = self.specialized.form.numbers(values)
        if numbers is None or not self.holds(*[numbers[name] for name in self.symbols]):
            return None
        return Values(numbers)
