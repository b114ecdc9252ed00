"""The compiler's stages: from a Function of primitives to a program.

A stage takes a Function and returns one. It is timed, can be left out by name (PENSTOCK_DISABLE=name,...), its result
is verified when PENSTOCK_VERIFY is set and written to a file when PENSTOCK_DUMP is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock._src.compiler import dump
from penstock._src.compiler.device import current_device, find_device
from penstock._src.compiler.passes.loops import loops
from penstock._src.compiler.passes.prune import prune
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.planner import plan
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.function import Function
from penstock._src.ir.verify import verify
from penstock._src.util.flags import flags


@dataclass(frozen=True)
class Stage:
    """A pass over a Function, with the name by which it is timed, dumped and disabled."""

    name: str
    run: Callable[[Function], Function]


STAGES = (Stage("prune", prune), Stage("loops", loops))


class Statistics:
    """Counts over the life of the process."""

    def __init__(self) -> None:
        self.functions = 0
        self.seconds: dict[str, float] = {}

    def counts(self) -> dict[str, Any]:
        """The counts now."""
        return {"functions": self.functions, "seconds": dict(self.seconds)}

    def add(self, stage: str, seconds: float) -> None:
        """Adds time spent in a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


STATISTICS = Statistics()


@dataclass
class Compiled:
    """A function after all stages, and what runs it. `run(arguments) -> results`; variables are updated by it."""

    function: Function
    program: Any
    run: Callable[[Sequence[Any]], list[Any]]
    seconds: dict[str, float] = field(default_factory=dict)
    why_interpreted: str = ""  # the primitive that has no native code yet, if one hinders


def compile_function(function: Function) -> Compiled:
    """Takes a function through all stages to a program of the device in PENSTOCK_DEVICE."""
    disabled = {name.strip() for name in flags.disable.split(",")}
    seconds: dict[str, float] = {}
    made = [("lower", function)]
    _after("lower", function)
    for stage in STAGES:
        if stage.name in disabled:
            continue
        start = time.perf_counter()
        function = stage.run(function)
        seconds[stage.name] = time.perf_counter() - start
        _after(stage.name, function)
        made.append((stage.name, function))
    start = time.perf_counter()
    compiled = _program(made)
    seconds["program"] = time.perf_counter() - start
    compiled.seconds = seconds
    STATISTICS.functions += 1
    for name, spent in seconds.items():
        STATISTICS.add(name, spent)
    if flags.debug >= 1:
        print(
            f"compiled {function.name}: {len(function.nodes())} nodes, "
            f"{seconds['program'] * 1e3:.1f} ms",
            file=sys.stderr,
        )
    return compiled


def _program(stages: list[tuple[str, Function]]) -> Compiled:
    """What the last stage made, as a program of the chosen device."""
    _, function = stages[-1]
    device = current_device()
    try:
        planned = plan(function, device.codes, device.threads) if device.codes else Plan(function)
        program = device.load(planned)
    except UnimplementedError as error:
        # A gap of the code generator. It is a defect, shown by explain(); the results are right, but slow.
        reference = find_device("reference").load(Plan(function))
        print(f"penstock: {function.name} is interpreted: {error}", file=sys.stderr)
        return Compiled(function, reference, reference.run, why_interpreted=str(error))
    if flags.check and device.computes:
        from penstock._src.compiler.check.checked import CheckedProgram  # loaded if asked for

        program = CheckedProgram(stages, program, flags.check)
    return Compiled(function, program, program.run)


def _after(stage: str, function: Function) -> None:
    if flags.verify:
        verify(function)
    if flags.dump:
        dump.write(stage, function)
    if flags.debug >= 3:
        print(f"-- after {stage}\n{function}", file=sys.stderr)
