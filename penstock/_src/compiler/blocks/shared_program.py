"""A program for many extents: what was made for one call, and the conditions under which it is right for others."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.blocks.steps import ProgramForm, ProgramStep
from penstock._src.compiler.plan.sizes import Admission
from penstock._src.ir.extents import guards
from penstock._src.ir.extents.values import Values
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class SharedProgram:
    """The form of a specialization, for all inputs that fulfil its conditions.

    key          what else the inputs have in common: shapes and aliases of variables, types of lists
    specialized  the form
    recording    what was decided of unknown extents
    """

    key: Any
    specialized: Specialized
    recording: guards.Recording

    @property
    def conditions(self) -> str:
        """For which extents it is, in words."""
        return self.recording.conditions_text()

    @classmethod
    def of(
        cls, key: Any, specialized: Specialized, recording: guards.Recording
    ) -> SharedProgram | None:
        """What was made under a recording; None if it is right for the extents at hand alone."""
        if recording.fixes_all:
            return None
        return cls(key, specialized, recording)

    def extents(self, key: Any, values: Sequence[Any]) -> Values | None:
        """What the unknown extents are for inputs; None if these have another form than the program's."""
        return self.specialized.form.extents(values) if key == self.key else None

    def planned_step(self, extents: Values) -> ProgramStep | None:
        """The one step for extents, if there is no other and a plan that was made is for them, which has these conditions, too."""
        if not self.specialized.is_one_program:
            return None
        (form,) = self.specialized.steps
        assert isinstance(form, ProgramForm)
        return form.planned_step(extents)

    def admits(self, extents: Values) -> bool:
        """True if the conditions hold for these extents."""
        return self._admission.admits(extents)

    @functools.cached_property
    def _admission(self) -> Admission:
        return Admission(sorted(self.recording.symbols), self.recording.conditions)
