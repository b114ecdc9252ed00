"""The steps that a pack has for a section with operations on the host, on the CPU of this process."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from penstock._src.compiler.blocks.recorded.step_lists import RecordedSteps, StepsRecord
from penstock._src.compiler.blocks.section import Section
from penstock._src.core.errors import OpError
from penstock._src.devices.cpu.packed_plans import (
    PackedPlan,
    checked_plan,
    left_out,
    place_of_plans,
    plans_are_usable,
    target_and_threads,
)
from penstock._src.ir.extents.values import Values
from penstock._src.native.cache.packs import Pack
from penstock._src.runtime.packed.steps import PackedStepsRecord, steps_of

_NO_EXTENTS = Values({})


class PackedSteps:
    """Steps of a pack, and the plan of the program that is one of them."""

    def __init__(self, pack: Pack, target: str, record: PackedStepsRecord) -> None:
        self.pack, self.record, self.fits_any = pack, record.steps, record.fits_any
        self.plan = None if record.plan is None else PackedPlan(pack, target, record.plan)

    record: StepsRecord

    def extents(self, values: Sequence[Any]) -> Values | None:
        """The unknown numbers of the program in these inputs; None if they have another form."""
        return _NO_EXTENTS if self.plan is None else self.plan.form.extents(values)

    def step(
        self,
        section: Section,
        extents: Values,
        specialize: Callable[[Sequence[Any]], Any],
        wait: Callable[[Any], Any],
        values: Sequence[Any],
        known: Sequence[int],
    ) -> RecordedSteps | None:
        """The steps for these inputs as one; None if they are not for these. See RecordedSteps."""
        program = None
        if self.plan is not None:
            program = self.plan.sized(extents)
            if program is None:
                return None
        try:
            return RecordedSteps(self.record, section, program, specialize, wait, values, known)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            left_out(self.pack, error)
            return None


def packed_steps(pack: Pack, section: str) -> Iterable[PackedSteps]:
    """The steps of a pack for a section; none if others might be made."""
    planned = target_and_threads(pack) if plans_are_usable() else None
    if planned is None:
        return ()
    target, threads = planned
    found = []
    for text in pack.plans(place_of_steps(target, threads, section)):
        try:
            record = steps_of(text, pack.objects)
            if record.plan is not None:
                checked_plan(pack, threads, record.plan)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OpError) as error:
            left_out(pack, error)
            continue
        found.append(PackedSteps(pack, target, record))
    return found


def place_of_steps(target: str, threads: int, section: str) -> str:
    """The key in a pack of the steps for a section."""
    return f"steps {place_of_plans(target, threads, section)}"
