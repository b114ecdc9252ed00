"""Recurrences in registers: a vector is stepped until each of its lanes is done."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars import operations
from penstock._src.compiler.codegen.scalars.registers import constant, spread, width
from penstock._src.ir.meaning.recurrences import Instruction, Recurrence
from penstock._src.native.language.function import Fn
from penstock._src.native.language.value import Val


def iterated(
    f: Fn, recurrence: Recurrence, args: Sequence[Any], exists: Val | None = None
) -> list[Any]:
    """The carried values after the last step; where `exists` is false they may be anything, without a step."""
    n = max(map(width, args))
    args = [spread(f, a, n) for a in args]
    if recurrence.goes_on is None:
        step = _Step(f, recurrence, args, n, exists)
        return [step.value(v) for v in recurrence.following]
    goes_on = recurrence.goes_on
    rest = args[recurrence.carried :]

    # A loop's condition comes before its body, which takes its values.
    steps: list[_Step] = []
    active: list[Val] = []

    def condition(*state: Val) -> Val:
        steps.append(_Step(f, recurrence, [*state, *rest], n, exists))
        here = steps[-1].value(goes_on)
        active.append(here if exists is None else here & exists)
        return active[-1] if n == 1 else f.reduce("or", active[-1])

    def body(*state: Val) -> list[Val]:
        new = [steps[-1].value(v) for v in recurrence.following]
        # Lanes that are done keep their values while others go on.
        return [f.select(active[-1], a, b) for a, b in zip(new, state, strict=True)]

    return list(f.loop_while(condition, body, *args[: recurrence.carried]))


class _Step:
    """The values of one step, written at first use."""

    def __init__(
        self, f: Fn, recurrence: Recurrence, args: Sequence[Any], n: int, exists: Val | None
    ) -> None:
        self.f, self.recurrence, self.lanes, self.exists = f, recurrence, n, exists
        self.values: dict[int, Any] = dict(enumerate(args))
        self.types = [*recurrence.types, *[i.dtype for i in recurrence.instructions]]
        self.inner: dict[Any, list[Any]] = {}

    def value(self, number: int) -> Any:
        """The register of a value."""
        first = len(self.recurrence.types)
        for at in self.recurrence.needed((number,)):
            if first + at not in self.values:
                self.values[first + at] = self._compute(self.recurrence.instructions[at])
        return self.values[number]

    def _compute(self, instruction: Instruction) -> Any:
        f = self.f
        if instruction.kind == "constant":
            x = constant(f, instruction.number().item(), instruction.dtype)
            return spread(f, x, self.lanes)
        args = [self.values[v] for v in instruction.args]
        if instruction.recurrence is not None:
            key = instruction.recurrence, instruction.args
            if key not in self.inner:
                self.inner[key] = iterated(f, instruction.recurrence, args, self.exists)
            return self.inner[key][instruction.index]
        types = [self.types[v] for v in instruction.args]
        return operations.apply(f, instruction.name, instruction.dtype, types, args)
