"""Launches of a function's kernels in order, and of nested functions on given arguments."""

import functools
from collections.abc import Callable, Mapping, Sequence

from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.kernels.memory import home, in_memory_already
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.in_place import Lifetimes, writable_in_place
from penstock._src.compiler.plan.launchers.contractions import stores_once
from penstock._src.compiler.plan.launchers.exchanges import advance_exchanges
from penstock._src.compiler.plan.launchers.specials import stop_unless
from penstock._src.compiler.plan.launchers.streams import launch_section
from penstock._src.compiler.plan.verify.kernels import KernelVerifier
from penstock._src.compiler.plan.verify.states import StateVerifier
from penstock._src.ir.extents.values import current
from penstock._src.ir.function import Check, Function
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

NONE: Mapping[int, Sequence[Check]] = {}


def launch_all(
    builder: PlanBuilder,
    schedule: Schedule,
    pinned: set[int],
    checks: Mapping[int, Sequence[Check]] = NONE,
) -> None:
    """Launches all kernels of a schedule.

    Args:
      schedule: the kernels.
      pinned: ids of nodes that are read after the kernels.
      checks: the checks to evaluate before a kernel, by its index.
    """
    lifetimes = builder.lifetimes
    builder.lifetimes = Lifetimes.of(schedule, pinned)
    _share_updated(builder, schedule)
    is_verified = flags.verify and not current().is_open
    verifier = KernelVerifier(builder.tasks, builder.target) if is_verified else None
    states = StateVerifier(schedule.function, builder.buffers) if flags.verify else None

    def evaluate_checks(number: int) -> None:
        for check in checks.get(number, ()):
            stop_unless(builder, check)

    def launch(number: int) -> None:
        kernel = schedule.kernels[number]
        if verifier is not None:
            verifier.look_at(kernel)
        if states is not None:
            states.look_at(kernel)
        builder.launch(kernel)
        if states is not None:
            states.note(kernel)
        advance_exchanges(builder)
        # A function within runs any number of times: `known_written` knows nothing of its variables.
        if schedule.function is builder.function:
            builder.note_written(kernel)
        evaluate_checks(number + 1)

    evaluate_checks(0)
    _launch_in_order(builder, schedule, launch)
    if verifier is not None:
        verifier.look_at_stores()
    builder.lifetimes = lifetimes


def _launch_in_order(
    builder: PlanBuilder, schedule: Schedule, launch: Callable[[int], None]
) -> None:
    """Launches kernels by number; those of a section with streams side by side."""
    sections, number = {section.start: section for section in schedule.sections}, 0
    while number < len(schedule.kernels):
        if number in sections:
            launch_section(builder, sections[number], launch)
            number = sections[number].end
        else:
            launch(number)
            number += 1


def _share_updated(builder: PlanBuilder, schedule: Schedule) -> None:
    """Makes kernels that replace a block of a value work in place: the value gets the result's buffer; also through chains of updates.

    The buffer may be that of a loop's state, which then is overwritten as early as the value is stored.
    """
    computed = {
        n.id
        for k in schedule.kernels
        if isinstance(k, NestKernel | ContractKernel)
        for n in k.outputs
    }
    # The last update first: its buffer is handed down the whole chain.
    for kernel in reversed(schedule.kernels):
        for node in kernel.outputs:
            old = builder.lifetimes.updated(kernel, node)
            # Only nests and contractions can store to any given address.
            if old is None or old.id not in computed or old.id in builder.buffers:
                continue
            buffer = builder.buffer(node)
            if buffer.place in ("arena", "output") and _is_free(builder, schedule, old, buffer):
                builder.buffers[old.id] = buffer


def _is_free(builder: PlanBuilder, schedule: Schedule, value: Node, buffer: Buffer) -> bool:
    """True if the kernel that computes a value may store it over the parameters of its function that are in a buffer."""
    once = functools.partial(stores_once, builder)
    return all(
        writable_in_place(schedule, value, parameter, once)
        for parameter in schedule.function.parameters
        if builder.buffers.get(parameter.id) is buffer
    )


def bind(builder: PlanBuilder, function: Function, arguments: Sequence[Buffer]) -> None:
    """Makes buffers those of a function's parameters."""
    for parameter, buffer in zip(function.parameters, arguments, strict=True):
        builder.buffers[parameter.id] = buffer
        buffer.touch(builder.time)


def launch_nested(
    builder: PlanBuilder,
    schedule: Schedule,
    arguments: Sequence[Buffer],
    wanted: Mapping[int, Buffer] = {},
) -> list[Buffer]:
    """Launches a nested function on these arguments; returns its results. `wanted` has the buffers for some nodes, by id."""
    function, outer = schedule.function, builder.schedule
    builder.schedule = schedule
    bind(builder, function, arguments)
    # The function may be launched several times: temporaries get new buffers, constants keep theirs.
    for node in schedule.nodes:
        if not (node.kind == "parameter" or node.kind == "constant" and in_memory_already(node)):
            builder.buffers.pop(node.id, None)
    builder.buffers.update(wanted)
    launch_all(builder, schedule, {home(r).id for r in function.results})
    results = [builder.used(r) for r in function.results]
    builder.time += 1
    builder.schedule = outer
    return results
