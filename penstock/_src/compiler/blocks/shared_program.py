"""A program for many extents: what was made for one call, and the conditions under which it is right for others."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.blocks.steps import ProgramForm, ProgramStep
from penstock._src.compiler.plan.sizes import Admission
from penstock._src.ir.extents import guards
from penstock._src.ir.extents.values import Values


@dataclasses.dataclass(frozen=True)
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
        """What the unknown extents are for inputs; None if the program is not for them."""
        if key != self.key:
            return None
        extents = self.specialized.form.extents(values)
        return extents if extents is not None and self._admission.admits(extents) else None

    def step(self, key: Any, values: Sequence[Any]) -> ProgramStep | None:
        """The one step for inputs, if there is no other and a plan that was made is for them, which has these conditions, too."""
        if key != self.key or not self.specialized.is_one_program:
            return None
        extents = self.specialized.form.extents(values)
        (form,) = self.specialized.steps
        assert isinstance(form, ProgramForm)
        return None if extents is None else form.planned_step(extents)

    @functools.cached_property
    def _admission(self) -> Admission:
        return Admission(sorted(self.recording.symbols), self.recording.conditions)
