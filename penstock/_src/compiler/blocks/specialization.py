"""What executes a block for inputs of given shapes: steps, one after the other."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.end_of_data import can_end, run_others
from penstock._src.compiler.blocks.steps import HostStep, ProgramStep
from penstock._src.core.errors import OutOfRangeError


@dataclasses.dataclass(frozen=True, eq=False)
class Specialization:
    """The steps of a block for inputs of given shapes. `run(values)` gives its outputs for these inputs."""

    steps: Sequence[Any]
    run: Callable[[Sequence[Any]], list[Any]]


def specialization(
    steps: Sequence[Any],
    slots: Mapping[int, int],
    inputs: int,
    initial: Sequence[Any],
    outputs: list[int],
) -> Specialization:
    """Puts steps together. Values stand in slots; the inputs come first.

    Args:
      steps: in the order in which they run.
      slots: where tensors stand, by their ids.
      inputs: the number of inputs.
      initial: what the slots after those of the inputs hold before a run: constants, and None for what steps write.
      outputs: slots of the outputs.
    """
    if len(steps) == 1 and isinstance(steps[0], ProgramStep):
        (step,) = steps
        if step.is_plain and step.writes == outputs and step.reads == list(range(inputs)):
            return Specialization(steps, step.run)
    return Specialization(steps, functools.partial(_run, steps, slots, initial, outputs))


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
