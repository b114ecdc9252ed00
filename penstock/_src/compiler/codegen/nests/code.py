"""The result of an emitter: code, and the facts that a launch needs."""

from collections.abc import Callable
from typing import Any

from penstock._src.native import Code
from penstock._src.util.dataclass import dataclass

# Words of a nest's context before its pointers: iterations of a task, iterations in all.
POINTERS = 2


@dataclass(frozen=True, eq=False)
class NestCode:
    """Compiled once for all sizes.

    function     the name of its task function
    iterations   for the current extents: number of iterations that the tasks share
    work         for the current extents: approximate number of element operations
    innermost    number of the variable of the innermost loop
    is_spread    True if each iteration is a separate task: a block of a GPU
    """

    code: Code
    function: str
    iterations: Callable[[Callable[[Any], int]], int]
    work: Callable[[Callable[[Any], int]], int]
    innermost: int | None = None
    is_spread: bool = False

    @property
    def extents(self) -> tuple[Any, ...]:
        """Expressions of the Dims that follow the pointers in the context."""
        return self.code.facts
