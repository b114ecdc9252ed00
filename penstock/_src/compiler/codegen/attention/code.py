"""The result of the emitter of attention: code, and the facts that a launch needs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.native import Code
from penstock._src.util.dataclass import dataclass

from .form import ContextLayout


@dataclass(frozen=True, eq=False)
class AttentionStage:
    """A task function for any lengths.

    per          number of rows of the scores per task; None if the launch may choose it, or for all rows
    by_columns   True if a task takes columns instead
    """

    code: Code
    function: str
    per: int | None = None
    by_columns: bool = False


@dataclass(frozen=True, eq=False)
class AttentionCode:
    """Task functions that are launched one after the other, with the same words.

    layout     of their context's words, but those of the epilogues, and of their memory
    extents    for each epilogue, expressions of the Dims that follow its operands in the context
    """

    stages: tuple[AttentionStage, ...]
    layout: ContextLayout
    extents: Sequence[Sequence[Any]]

    @property
    def codes(self) -> list[Code]:
        """The codes of the stages."""
        return [stage.code for stage in self.stages]
