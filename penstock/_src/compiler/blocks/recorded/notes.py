"""Makes records of the steps of blocks that were lowered (step_lists.py)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.recorded.step_lists import (
    HostRecord,
    ProgramRecord,
    Source,
    StepsRecord,
    WaitingRecord,
)
from penstock._src.compiler.blocks.section import Section, WaitingSection
from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.blocks.steps import ProgramForm
from penstock._src.graph.operation import Operation

_MOST_ELEMENTS = 1024  # of a known value in a record


class NotRecorded(Exception):
    """Raised if a step cannot be recorded; the message gives the reason."""


def steps_record(section: Section, form: Specialized, key: str) -> StepsRecord:
    """The record of the steps of a section.

    Args:
      section: with a name (planned.py).
      form: its steps.
      key: what the inputs must have besides shapes.

    Raises:
      NotRecorded: they have something that records cannot have.
    """
    tensors = [*section.inputs, *[t for op in section.ops for t in op._outputs]]
    by_id = {t._id: t for t in tensors}
    slots: list[Any] = [*section.inputs, *[None] * len(form.initial)]
    for tensor, slot in form.slots.items():
        slots[slot] = by_id[tensor]
    if None in slots:
        raise NotRecorded("a slot without a tensor")
    count = len(section.inputs)
    # Slots that steps write have None.
    constants = [count + at for at, value in enumerate(form.initial) if value is not None]
    steps = [_step(step, slots) for step in form.steps]
    if len(form.waiting) > 1:
        raise NotRecorded("several sections that wait")
    waiting = _waiting(form.waiting[0]) if form.waiting else None
    names = [t.name for t in slots]
    values = list(section.values or ())
    return StepsRecord(key, values, names, constants, form.outputs, steps, waiting)


def _step(step: Any, slots: Sequence[Any]) -> HostRecord | ProgramRecord:
    if not isinstance(step, ProgramForm):
        return HostRecord(step.op.name, step.reads, step.writes, step.why)
    if any(kind != "input" for kind, _ in step.sources):
        raise NotRecorded("an argument that is not an input")
    makers = [(slot, _source(source, slots[slot].op)) for slot, source in step.makers]
    return ProgramRecord([op.name for op in step.ops], step.reads, makers, step.is_empty)


def _source(source: Source, op: Operation) -> Source:
    kind, value = source
    if kind in ("result", "input", "view", "rows"):
        return source
    if kind == "known" and op.type == "Const":
        return "constant", None
    is_plain = kind == "known" and type(value) is np.ndarray and value.dtype.kind in "biuf"
    if is_plain and value.size <= _MOST_ELEMENTS and value.dtype.isbuiltin == 1:
        return kind, (value.dtype.str, value.shape, value.tobytes().hex())
    raise NotRecorded(f"a value of the kind {kind}")


def _waiting(waiting: WaitingSection) -> WaitingRecord:
    section = waiting.section
    if section.why_host:
        raise NotRecorded("a section that only the host runs")
    names = {t._id: t.name for t in section.inputs}
    return WaitingRecord(
        ops=[op.name for op in section.ops],
        inputs=[t.name for t in section.inputs],
        outputs=[t.name for t in section.outputs],
        host=dict(section.host),
        constants=[names[i] for i in section.constants if i in names],
        for_host=[names[i] for i in section.for_host if i in names],
        values=list(section.values or ()),
        reasons=dict(waiting.reasons),
        reads=waiting.reads,
        writes=waiting.writes,
    )
