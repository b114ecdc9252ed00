"""A program for many extents: compiled for one call, with the conditions under which it is right for others."""

from __future__ import annotations

from typing import Any

from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.plan.sizes import Admission
from penstock._src.ir.extents import guards
from penstock._src.ir.extents.values import Values
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks


@dataclass(frozen=True)
class SharedProgram:
    """The form of a specialization, for all inputs that meet its conditions.

    key          the rest that inputs must have in common: shapes and aliases of variables, types of lists
    specialized  the form
    recording    the decisions about unknown extents
    """

    key: Any
    specialized: Specialized
    recording: guards.Recording

    @property
    def conditions(self) -> str:
        """The conditions as text."""
        return self.recording.conditions_text()

    def admits(self, extents: Values) -> bool:
        """True if the conditions hold for these extents."""
        return self._admission.admits(extents)

    @forks.cached_property
    def _admission(self) -> Admission:
        return Admission(sorted(self.recording.symbols), self.recording.conditions)
