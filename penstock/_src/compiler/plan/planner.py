"""The stage from Schedule to Plan: kernels become launches over buffers, and temporaries get offsets in one arena.

The code of kernels is also written here, as planning needs facts about it (tasks, scratch memory, the innermost loop). The pipeline
reports the time for this separately, as the step `emit`.
"""

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.generator import Generator
from penstock._src.compiler.codegen.specials.table import SPECIALS
from penstock._src.compiler.fusion.attention import AttentionKernel
from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import BoundsKernel, NestKernel
from penstock._src.compiler.kernels.memory import bytes_of, home, in_memory_already
from penstock._src.compiler.plan.buffers import Buffer, arrange, places, settle_streams
from penstock._src.compiler.plan.builder import Launcher, PlanBuilder
from penstock._src.compiler.plan.early_checks import EarlyChecks
from penstock._src.compiler.plan.in_place import Lifetimes, steps_in_place, writable_in_place
from penstock._src.compiler.plan.launchers import control, exchanges, specials
from penstock._src.compiler.plan.launchers.attention import launch_attention
from penstock._src.compiler.plan.launchers.contractions import launch_contraction, stores_once
from penstock._src.compiler.plan.launchers.functions import launch_all
from penstock._src.compiler.plan.launchers.nests import copy, launch_nest
from penstock._src.compiler.plan.memory_need import check_memory
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.verify.order import MemoryTrace, verify_order
from penstock._src.core import dtypes
from penstock._src.ir.extents.values import Values, current, current_or_none
from penstock._src.ir.function import Check, Function
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

# Functions that add a kernel's launches, by its class; for a special kernel, by the kind of its node.
LAUNCHERS: dict[Any, Launcher] = {
    NestKernel: launch_nest,
    ContractKernel: launch_contraction,
    AttentionKernel: launch_attention,
    BoundsKernel: specials.launch_bounds_check,
    **dict.fromkeys(SPECIALS, specials.launch_special),
    "exchange_start": exchanges.launch_start,
    "exchange_wait": exchanges.launch_wait,
    "while": control.launch_while,
    "case": control.launch_case,
}


def plan(
    schedule: Schedule,
    generator: Generator,
    threads: int,
    overlaps_streams: bool = False,
    changing: frozenset[int] = frozenset(),
) -> Plan:
    """The Plan of a function for a target and a number of threads. Writes the code of kernels that are not cached.

    Args:
      schedule: the function as kernels.
      generator: of code for the target.
      threads: their number.
      overlaps_streams: True if the device can run streams side by side.
      changing: indices of the variables that other functions assign, if nobody packs weights anew afterwards.
    """
    with current_or_none() or Values({}):
        builder = _begin(schedule, generator, threads, changing)
        builder.overlaps_streams = overlaps_streams
        return _planned(builder)


def _planned(builder: PlanBuilder) -> Plan:
    """`plan`, where unknown extents have numbers."""
    schedule, generator = builder.schedule, builder.generator
    written = generator.written
    _plan_function(builder, EarlyChecks.of(schedule))
    guarded = bool(flags.guard or flags.checked)
    settle_streams(builder.known, builder.stream_times)
    arena_bytes = arrange(builder.known, guarded)
    function = schedule.function
    conditions = [(check, builder.buffer(check.condition)) for check in _late_checks(function)]
    is_open = current().is_open
    planned = Plan(
        function=function,
        launches=tuple(builder.launches),
        buffers=tuple(builder.known),
        arena_bytes=arena_bytes,
        prepacked=tuple(builder.prepacked.values()),
        errors=tuple(builder.errors),
        conditions=tuple(conditions),
        algorithms=frozenset(builder.algorithms),
        threads=builder.threads,
        guarded=guarded,
        written=generator.written - written,
        places=places(builder.known) if is_open else (),
    )
    if builder.trace is not None:
        check_memory(planned)  # first, as verifying needs memory in proportion to the arena
        verify_order(builder.trace, arena_bytes, generator.target)
    return planned


def _begin(
    schedule: Schedule, generator: Generator, threads: int, changing: frozenset[int]
) -> PlanBuilder:
    """A builder with the buffers of the function's arguments."""
    function = schedule.function
    numbers = {p.id: i for i, p in enumerate(function.parameters)}
    assigned = frozenset([numbers[handle.id] for handle, _ in function.updates])
    # Verification simulates each access, for which extents must have numbers.
    trace = MemoryTrace() if flags.verify and not current().is_open else None
    builder = PlanBuilder(
        function=function,
        generator=generator,
        threads=threads,
        launchers=LAUNCHERS,
        schedule=schedule,
        lifetimes=Lifetimes(),
        numbers=numbers,
        assigned=assigned,
        changing=assigned | changing,
        trace=trace,
    )
    for i, parameter in enumerate(function.parameters):
        if parameter.dtype != dtypes.resource:
            name = f"argument {i}"
            builder.buffers[parameter.id] = Buffer(name, bytes_of(parameter), "input", i)
    return builder


def _plan_function(builder: PlanBuilder, early: EarlyChecks) -> None:
    """Adds the launches of the whole function, and the copies of results and new values that no kernel stores at their destination."""
    schedule, function = builder.schedule, builder.function
    results, copies = _give_results_memory(builder, early)
    checked = [home(check.condition) for check in _late_checks(function)]
    conditions = [builder.buffer(node) for node in checked]
    later: list[tuple[Node, Buffer, Buffer | None]] = []
    # Results that are in memory already (arguments, constants, old values of variables) are copied before kernels update variables. An old
    # value that another variable gets is saved for the same reason, and assigned at the end.
    for source, target in copies:
        own = home(source)
        if own.kind == "item" or not in_memory_already(own):  # computed by a kernel
            later.append((source, target, None))
        elif target.place == "output":
            copy(builder, source, target)
        elif own.kind == "read":
            old_value = builder.temporary("old value", target.size)
            copy(builder, source, old_value)
            later.append((source, target, old_value))
        else:
            later.append((source, target, None))
    # Conditions are looked at after the last launch.
    # Their memory must not be reused for later temporaries: it is read after the last launch.
    pinned = {node.id for node in (*[home(source) for source, _ in copies], *checked)}
    launch_all(builder, schedule, pinned, early.before)
    for source, target, old_value in later:
        copy(builder, source, target, None, old_value)
    # Reads without a kernel: verification must see that nothing has overwritten results by now.
    builder.note("the end", [*results, *conditions], [])
    for buffer in conditions:
        buffer.touch(builder.time)


def _late_checks(function: Function) -> Sequence[Check]:
    """The checks that are evaluated after a run. None of a function that assigns variables: its conditions may read them, so they are evaluated before (early_checks.py)."""
    return () if function.updates else function.checks


def _give_results_memory(
    builder: PlanBuilder, early: EarlyChecks
) -> tuple[list[Buffer], list[tuple[Node, Buffer]]]:
    """Stores results and new values of variables directly at their destination where that is possible.

    Returns:
      The buffers of results, and the remaining copies: (source, target).
    """
    function, schedule = builder.function, builder.schedule
    results, copies, taken = [], [], set[int]()
    for i, node in enumerate(function.results):
        buffer = Buffer(f"result {i}", bytes_of(node), "output", i)
        results.append(buffer)
        own = home(node)
        # A value that was in memory before is not stored by a kernel of this function, so it must be copied to
        # the result.
        if own.id in taken or (in_memory_already(own) and own.kind != "item"):
            copies.append((node, buffer))
        else:
            taken.add(own.id)
            builder.buffers[own.id] = buffer
    reads = {n.args[0].id: n for n in schedule.nodes if n.kind == "read"}
    once = functools.partial(stores_once, builder)
    for handle, node in function.updates:
        buffer, own = builder.variable(handle), home(node)
        read = reads.get(handle.id, handle)
        is_loops = steps_in_place(schedule, own, read)
        # A node is stored at one place only; and an early check reads it before any update.
        elsewhere = own.id in taken or early.is_early(own)
        if not is_loops:
            elsewhere |= in_memory_already(own) or not writable_in_place(schedule, own, read, once)
        if elsewhere:
            copies.append((node, buffer))
        else:
            taken.add(own.id)
            builder.buffers[own.id] = buffer
    return results, copies
