"""The compiler's pipeline: from a Function of primitives to a program, each stage from one frozen record to the next.

    lower       graph       -> Function      ops as primitives (lower/, called by blocks/): the input
    simplify    Function    -> Function      removes unused nodes; algebra was done as nodes were created (ir/rules)
    loops       Function    -> Function      moves work that all steps of a loop can do at once out of it
    products    Function    -> Function      multiplies chains of products in the cheaper order
    heads       Function    -> Function      separates gradients of heads that share keys and values
    weights     Function    -> Function      computes once what products multiply by and follows from constants
    recognize   Function    -> Recognized    attentions, contractions, reductions, and the nodes that their kernels absorb
    partition   Recognized  -> Partition     the stored nodes, and the fusion groups that store them
    merge       Partition   -> Partition     groups over one space become one
    schedule    Partition   -> Schedule      groups as kernels: loop nests, in launch order
    plan        Schedule    -> Plan          launches over buffers, arranged in one arena
    emit        Kernel      -> code          when planning requests it, unless cached
    load        Plan        -> Program       machine code and addresses, by the device in PENSTOCK_DEVICE

A stage treats a function together with those nested in it, bodies of loops and branches. It is timed, its result is verified when
PENSTOCK_VERIFY is set and written to a file when PENSTOCK_DUMP is; PENSTOCK_DISABLE leaves out those that are optional.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

from penstock._src.compiler.codegen.generator import Generator
from penstock._src.compiler.device import (
    Device,
    NumbersTooLarge,
    OpenRunnable,
    current_device,
    find_device,
)
from penstock._src.compiler.fusion.merge import merge
from penstock._src.compiler.fusion.partition import partition
from penstock._src.compiler.fusion.schedule import Schedule, schedule
from penstock._src.compiler.passes.loops import loops
from penstock._src.compiler.passes.product_chains import reorder_products
from penstock._src.compiler.passes.shared_heads import separate_shared_heads
from penstock._src.compiler.passes.simplify import simplify
from penstock._src.compiler.passes.weights import compute_weights
from penstock._src.compiler.plan.memory_need import check_results
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.planner import plan
from penstock._src.compiler.recognize.recognize import recognize
from penstock._src.compiler.stages import STATISTICS, Stages
from penstock._src.core.errors import OpError, UnimplementedError
from penstock._src.core.values import memory_limit
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import Values, current, current_or_none
from penstock._src.ir.function import Function
from penstock._src.native.cache.packs import Pack
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags
from penstock._src.util.process import forks
from penstock._src.util.run_observers import WORK_OBSERVERS

MOST_PLANS = 8  # most plans of a function for many extents
# Called with each function that is about to be planned, while its extents are current.
PLAN_OBSERVERS: list[Callable[["Prepared"], None]] = []


@dataclass
class Compiled:
    """A function after all stages, and its program. `run(arguments) -> results`; it updates variables."""

    function: Function
    program: Any
    run: Callable[[Sequence[Any]], list[Any]]
    seconds: dict[str, float] = field(default_factory=dict)
    extents: Values = field(default_factory=lambda: Values({}))  # the numbers of unknown extents
    # The numbers and decisions of the function's stages.
    recorded: Values = field(default_factory=lambda: Values({}))
    why_interpreted: str = ""  # the primitive that has no native code yet, if one hinders


@dataclass(frozen=True)
class Prepared:
    """A function as kernels, for all calls whose extents meet the recorded conditions.

    recorded  the decisions made about unknown extents
    schedule  None on a device without kernels
    why       the primitive without native code that prevents compilation, if one does
    plans     the plans for many extents, with conditions besides those recorded
    """

    function: Function
    stages: Stages
    device: Device
    recorded: Values
    schedule: Schedule | None = None
    why: str = ""
    plans: list[OpenRunnable] = field(default_factory=list)

    def loaded(self) -> Compiled:
        """The program for the current numbers of extents."""
        if self.why:
            check_results(self.function)
            return self._interpreted(self.why)
        device = self.device
        try:
            program = self._open_program()
            if program is None:
                check_results(self.function)
                program = self.stages.timed("load", device.load, self._planned())
        except MemoryError as error:  # raised by a stage of the compiler
            raise memory_limit.refused(error, self.function.name) from error
        except UnimplementedError as error:
            return self._interpreted(_gap(error))
        if flags.check and device.computes:
            from penstock._src.compiler.check.checked import CheckedProgram  # for checks alone

            program = CheckedProgram(self.stages.functions, program, flags.check)
        if self.schedule is None or flags.check:
            return self._compiled(program, current(), _within(current(), program.run))
        return self._compiled(program, current(), program.run)

    def planned_for(self, extents: Values) -> Compiled | None:
        """The program for extents of an existing plan for many extents, if the plan admits them; None if programs are checked."""
        if flags.check:
            return None
        try:
            return self._sized(extents)
        except NumbersTooLarge:
            return None  # planned for these extents alone, if they fulfil the function's conditions

    def _sized(self, extents: Values) -> Compiled | None:
        """The program of the first plan that admits the extents."""
        for runnable in self.plans:
            program = runnable.sized(extents)
            if program is None:
                continue
            if flags.verify:
                with extents:
                    self._verify()
            return self._compiled(program, extents, program.run)
        return None

    def _compiled(
        self, program: Any, extents: Values, run: Callable[[Sequence[Any]], list[Any]]
    ) -> Compiled:
        STATISTICS.functions += 1
        for observer in WORK_OBSERVERS:
            observer.compiled(self.function, self.stages.seconds)
        return Compiled(
            function=self.function,
            program=program,
            run=run,
            seconds=self.stages.seconds,
            extents=extents,
            recorded=self.recorded,
        )

    def _planned(self) -> Plan:
        """The plan for the current extents."""
        device = self.device
        if self.schedule is None or device.generator is None:
            return Plan(self.function)
        for observer in PLAN_OBSERVERS:
            observer(self)
        return planned_for(
            self.schedule, device.generator, device.threads, self.stages, device.overlaps_streams
        )

    def planned_elsewhere(self, generator: Generator, threads: int) -> tuple[Plan, Values]:
        """The plan for the current extents on another machine: a processor and a number of threads; and the extents within which it was made.

        These are a Recording of the conditions under which the plan is right, or the current numbers, for which alone it is. Its decisions about
        extents are that machine's: they become no conditions of the program here.
        """
        assert self.schedule is not None
        stages, streams = Stages(self.function.name), self.device.overlaps_streams
        if not self._is_for_many:
            numbers = Values(current().symbols)
            with numbers:
                return planned_for(self.schedule, generator, threads, stages, streams), numbers
        assert isinstance(self.recorded, Recording)
        with Recording(current().symbols, self.recorded.conditions) as recording:
            return planned_for(self.schedule, generator, threads, stages, streams), recording

    @forks.cached_property
    def _is_for_many(self) -> bool:
        """True if there are kernels and the program serves extents other than those of a call."""
        recorded = self.recorded
        return (
            self.schedule is not None
            and self.device.generator is not None
            and not self.function.exchanges
            and isinstance(recorded, Recording)
            and not recorded.fixes_all
        )

    def _open_program(self) -> Any:
        """The program of a plan for many extents, sized for the current ones; None if each call's extents are planned alone."""
        device, recorded, extents = self.device, self.recorded, current()
        load = device.load_open if self._is_for_many else None
        if load is None:
            return None
        assert isinstance(recorded, Recording)
        self._verify()
        try:
            for program in self.plans:
                sized = program.sized(extents)
                if sized is not None:
                    return sized
            check_results(self.function)
            with Recording(extents.symbols, recorded.conditions):
                program = self.stages.timed("load", load, self._planned())
            self.plans.insert(0, program)
            del self.plans[MOST_PLANS:]
            return program.sized(extents)
        except NumbersTooLarge:
            return None

    def _verify(self) -> None:
        """Plans for the current extents alone, if plans are verified."""
        if flags.verify:
            check_results(self.function)
            self._planned()

    def _interpreted(self, why: str) -> Compiled:
        """The program of the interpreter: the results are right, but slow. explain() shows why."""
        program = find_device("reference").load(Plan(self.function))
        print(f"penstock: {self.function.name} is interpreted: {why}", file=sys.stderr)
        run = _within(current(), program.run)
        return Compiled(
            function=self.function,
            program=program,
            run=run,
            seconds=self.stages.seconds,
            extents=current(),
            recorded=self.recorded,
            why_interpreted=why,
        )


def _within(
    extents: Values, run: Callable[[Sequence[Any]], list[Any]]
) -> Callable[[Sequence[Any]], list[Any]]:
    """Returns `run` within these extents: the interpreter reads the shapes of nodes."""

    def run_within(arguments: Sequence[Any]) -> list[Any]:
        with extents:
            return run(arguments)

    return run_within


def _gap(error: OpError) -> str:
    """The message of an error of the code generator; raises it under PENSTOCK_VERIFY, as it is a defect."""
    if flags.verify:
        raise error
    return str(error)


def compile_function(function: Function, device: int | None = None) -> Compiled:
    """Compiles a function for the device in PENSTOCK_DEVICE; of several GPUs for the one of a given number."""
    with current_or_none() or Values({}):
        prepared = prepare(function, device)
        compiled = prepared.loaded()
    if flags.debug >= 1:
        spent = sum(compiled.seconds.values()) * 1e3
        nodes = len(function.nodes())
        print(f"compiled {function.name}: {nodes} nodes, {spent:.1f} ms", file=sys.stderr)
    return compiled


def prepare(function: Function, device: int | None = None, pack: Pack | None = None) -> Prepared:
    """Runs the stages that depend on the current extents only where they record a decision."""
    stages = Stages(function.name)
    function = improved(function, stages)
    device_of_call, recorded = current_device(device, pack), current()
    if device_of_call.generator is None:
        return Prepared(function, stages, device_of_call, recorded)
    function = stages.run("products", reorder_products, function)
    if not flags.disable & {"contractions", "attention"}:
        function = stages.run("heads", separate_shared_heads, function)
    function = stages.run("weights", compute_weights, function)
    try:
        return Prepared(function, stages, device_of_call, recorded, scheduled(function, stages))
    except MemoryError as error:
        raise memory_limit.refused(error, function.name) from error
    except UnimplementedError as error:
        return Prepared(function, stages, device_of_call, recorded, why=_gap(error))


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
    overlaps_streams: bool = False,
    changing: frozenset[int] = frozenset(),
) -> Plan:
    """The Plan of a function for a generator's target and a number of threads; see `plan` in `plan/planner.py`."""
    stages = stages or Stages(function.name)
    kernels = scheduled(function, stages)
    return planned_for(kernels, generator, threads, stages, overlaps_streams, changing)


def scheduled(function: Function, stages: Stages) -> Schedule:
    """A function as kernels."""
    recognized = stages.run("recognize", recognize, function)
    groups = stages.run("partition", partition, recognized)
    groups = stages.run("merge", merge, groups)
    return stages.run("schedule", schedule, groups)


def planned_for(
    kernels: Schedule,
    generator: Generator,
    threads: int,
    stages: Stages,
    overlaps_streams: bool,
    changing: frozenset[int] = frozenset(),
) -> Plan:
    """The Plan of kernels for the current numbers of extents."""
    before = generator.seconds
    planned = stages.run("plan", plan, kernels, generator, threads, overlaps_streams, changing)
    stages.seconds["emit"] = generator.seconds - before
    stages.seconds["plan"] -= stages.seconds["emit"]
    return planned
