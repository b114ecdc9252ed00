"""The compiler's pipeline: from a Function of primitives to a program, each stage from one frozen record to the next.

    lower       graph       -> Function      ops as primitives (lower/, called by blocks/): what comes in
    simplify    Function    -> Function      what has no effect goes; algebra was done as nodes were made (ir/rules)
    loops       Function    -> Function      what all rounds of a loop can do at once leaves it
    recognize   Function    -> Recognized    attentions, contractions, reductions, and what their kernels take along
    partition   Recognized  -> Partition     what is stored, and the fusion groups that store it
    merge       Partition   -> Partition     groups over one space become one
    schedule    Partition   -> Schedule      groups as kernels: loop nests, in launch order
    plan        Schedule    -> Plan          launches over buffers, arranged in one arena
    emit        Kernel      -> code          as planning asks for it, if it was not met before
    load        Plan        -> Program       machine code and addresses, by the device in PENSTOCK_DEVICE

A stage treats a function together with those nested in it, bodies of loops and branches. It is timed, its result is verified when
PENSTOCK_VERIFY is set and written to a file when PENSTOCK_DUMP is; PENSTOCK_DISABLE leaves out those that are optional.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock._src.compiler.codegen.generator import Generator
from penstock._src.compiler.device import Device, current_device, find_device
from penstock._src.compiler.fusion.merge import merge
from penstock._src.compiler.fusion.partition import partition
from penstock._src.compiler.fusion.schedule import schedule
from penstock._src.compiler.passes.loops import loops
from penstock._src.compiler.passes.simplify import simplify
from penstock._src.compiler.plan.memory_need import check_results
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.planner import plan
from penstock._src.compiler.recognize.recognize import recognize
from penstock._src.compiler.stages import STATISTICS, Stages
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.values import memory_limit
from penstock._src.ir.function import Function
from penstock._src.util.flags import flags


@dataclass
class Compiled:
    """A function after all stages, and what runs it. `run(arguments) -> results`; variables are updated by it."""

    function: Function
    program: Any
    run: Callable[[Sequence[Any]], list[Any]]
    seconds: dict[str, float] = field(default_factory=dict)
    why_interpreted: str = ""  # the primitive that has no native code yet, if one hinders


def compile_function(function: Function, device: int | None = None) -> Compiled:
    """Takes a function through all stages to a program of the device in PENSTOCK_DEVICE, of its GPUs that of a number."""
    stages = Stages(function.name)
    function = improved(function, stages)
    compiled = _loaded(function, stages, current_device(device))
    STATISTICS.functions += 1
    if flags.debug >= 1:
        spent = sum(stages.seconds.values()) * 1e3
        nodes = len(function.nodes())
        print(f"compiled {function.name}: {nodes} nodes, {spent:.1f} ms", file=sys.stderr)
    return compiled


def improved(function: Function, stages: Stages) -> Function:
    """A lowered function after the stages that give functions."""
    stages.look_at("lower", function)
    function = stages.run("simplify", simplify, function)
    return stages.run("loops", loops, function)


def plan_function(
    function: Function,
    generator: Generator,
    threads: int,
    stages: Stages | None = None,
    has_lanes: bool = False,
) -> Plan:
    """The Plan of a function, for the target of a generator, which keeps what it emits, and so many threads, which may run lanes."""
    stages = stages or Stages(function.name)
    recognized = stages.run("recognize", recognize, function)
    groups = stages.run("partition", partition, recognized)
    groups = stages.run("merge", merge, groups)
    kernels = stages.run("schedule", schedule, groups)
    before = generator.seconds
    planned = stages.run("plan", plan, kernels, generator, threads, has_lanes)
    stages.seconds["emit"] = generator.seconds - before
    stages.seconds["plan"] -= stages.seconds["emit"]
    return planned


def _loaded(function: Function, stages: Stages, device: Device) -> Compiled:
    """The function as a program of a device."""
    check_results(function)
    try:
        generator = device.generator
        planned = Plan(function)
        if generator is not None:
            planned = plan_function(function, generator, device.threads, stages, device.has_lanes)
        program = stages.timed("load", device.load, planned)
    except MemoryError as error:  # of a stage of the compiler
        raise memory_limit.refused(error, function.name) from error
    except UnimplementedError as error:
        # A gap of the code generator. It is a defect, shown by explain(); the results are right, but slow.
        if flags.verify:
            raise
        program = find_device("reference").load(Plan(function))
        print(f"penstock: {function.name} is interpreted: {error}", file=sys.stderr)
        return Compiled(function, program, program.run, stages.seconds, str(error))
    if flags.check and device.computes:
        from penstock._src.compiler.check.checked import CheckedProgram  # loaded if asked for

        program = CheckedProgram(stages.functions, program, flags.check)
    return Compiled(function, program, program.run, stages.seconds)
