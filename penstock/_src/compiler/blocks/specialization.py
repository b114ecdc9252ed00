"""What executes a block for inputs of given shapes: steps, one after the other."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.host.end_of_data import can_end, run_others
from penstock._src.compiler.host.steps import HostStep
from penstock._src.core.errors import OutOfRangeError


@dataclasses.dataclass(slots=True, eq=False)
class Specialization:
    """The steps of a block for inputs of given shapes. `run(values)` gives its outputs for these inputs."""

    steps: Sequence[Any]
    run: Callable[[Sequence[Any]], list[Any]]


def specialization(steps: Sequence[Any], form: Specialized) -> Specialization:
    """Puts the steps of a form together, in the order in which they run. Values stand in slots; the inputs come first."""
    if form.is_one_program:
        return Specialization(steps, steps[0].run)
    run = functools.partial(_run, steps, form.slots, form.initial, form.outputs)
    return Specialization(steps, run)


def _run(
    steps: Sequence[Any],
    slots: Mapping[int, int],
    initial: Sequence[Any],
    outputs: Sequence[int],
    inputs: Sequence[Any],
) -> list[Any]:
    """The outputs for these inputs."""
    values = [*inputs, *initial]
    try:
        for step in steps:
            step(values)
    except OutOfRangeError:
        _end(steps, step, slots, values)
        raise
    return [values[i] for i in outputs]


def _end(
    steps: Sequence[Any], failed: Any, slots: Mapping[int, int], values: Sequence[Any]
) -> None:
    """Does what does not depend on the step that failed for want of data."""
    if not isinstance(failed, HostStep) or failed.states is None or not can_end(failed.op):
        return
    later = steps[steps.index(failed) + 1 :]
    missing = {slot for each in (failed, *later) for slot in each.writes}
    held = {tensor: values[slot] for tensor, slot in slots.items() if slot not in missing}
    ops = [op for each in later for op in each.ops]
    run_others(ops, failed.op, held, failed.states)
