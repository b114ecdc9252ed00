"""Specializations: the steps that execute a block for inputs of given shapes."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.compiler.host.steps import HostStep
from penstock._src.core.errors import OutOfRangeError
from penstock._src.native.builtins import OFTEN

if TYPE_CHECKING:
    from penstock._src.compiler.blocks.specialize import Specialized


@dataclasses.dataclass(slots=True, eq=False)
class Specialization:
    """The steps of a block for inputs of given shapes. `run(values)` returns its outputs for these inputs.

    check    a native check of the block's arrays, then the values of its variables: True if they have the types and shapes of these
             inputs; None until it is needed
    direct   its call as a builtin, which checks the inputs itself; None if it was not made yet, False if it has none
    calls    counted until then
    """

    steps: Sequence[Any]
    run: Callable[[Sequence[Any]], list[Any]]
    check: Callable[..., bool] | None = None
    direct: Any = None
    calls: int = 0

    @property
    def is_program(self) -> bool:
        """True if it is one program, which takes the inputs as they are and gives the outputs."""
        return len(self.steps) == 1 and getattr(self.steps[0], "run", None) == self.run

    def count(self) -> None:
        """Counts a call; makes the direct one if there were enough."""
        self.calls += 1
        if self.calls >= OFTEN:
            make = getattr(self.steps[0], "direct_call", None) if self.is_program else None
            self.direct = (make and make()) or False


def specialization(steps: Sequence[Any], form: "Specialized") -> Specialization:
    """The specialization that runs these steps in order. They pass values in slots; the inputs have the first slots."""
    if form.only_program is not None:  # the common case: neither slots nor a loop over steps
        return Specialization(steps, steps[0].run)
    run = functools.partial(run_steps, steps, form.slots, form.initial, form.outputs)
    return Specialization(steps, run)


def run_steps(
    steps: Sequence[Any],
    slots: Mapping[int, int],
    initial: Sequence[Any],
    outputs: Sequence[int],
    inputs: Sequence[Any],
) -> list[Any]:
    """Computes the outputs for these inputs.

    Args:
      steps: in order.
      slots: of tensors, by their ids.
      initial: the content of the slots after those of the inputs before the run.
      outputs: slots of the outputs.
      inputs: the values of the inputs.
    """
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
    """Runs the operations that do not depend on the step that reached the end of its data, as TensorFlow's executor does."""
    # Imported here: few runs reach the end of their data.
    from penstock._src.compiler.host.end_of_data import can_end, run_others

    if not isinstance(failed, HostStep) or failed.states is None or not can_end(failed.op):
        return
    later = steps[steps.index(failed) + 1 :]
    missing = {slot for step in (failed, *later) for slot in step.writes}
    known = {tensor: values[slot] for tensor, slot in slots.items() if slot not in missing}
    ops = [op for step in later for op in step.ops]
    run_others(ops, failed.op, known, failed.states)
