"""Loops and branches: jumps of the launch table around the launches of nested functions.

    while    state := first values
             again:  condition's launches;  jump to done unless it holds
                     body's launches, new state
                     jump to again
             done:
    case     a jump over the index to one of the branches, each of which writes the results and jumps to the end

A loop's state lies in buffers of its own.  A body writes a new value straight into its state buffer if nothing still
reads the old one (in_place.py); otherwise beside it, and it is copied at the end of the round.
"""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.kernel import SpecialKernel
from penstock._src.compiler.kernels.memory import bytes_of, home, in_memory_already
from penstock._src.compiler.lower.trip_count import growth, is_true, terms
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.in_place import writable_in_place
from penstock._src.compiler.plan.launch_table import Jump, Label
from penstock._src.compiler.plan.launchers.contractions import stores_once
from penstock._src.compiler.plan.launchers.functions import launch_nested
from penstock._src.compiler.plan.launchers.nests import copy
from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import current
from penstock._src.ir.function import Function
from penstock._src.ir.meaning.ranges import limits
from penstock._src.ir.node import Node
from penstock._src.native import runner


@contextlib.contextmanager
def _nested(builder: PlanBuilder, functions: Sequence[Function]) -> Iterator[None]:
    """Gives nodes that nested functions share with the function around them (repeated numbers, indices) their buffers
    of outside back at the end."""
    ids = {node.id for function in functions for node in function.nodes()}
    before = {i: builder.buffers[i] for i in ids if i in builder.buffers}
    yield
    for i in ids:
        builder.buffers.pop(i, None)
    builder.buffers.update(before)


def launch_while(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launches of a loop."""
    with _nested(builder, [kernel.node.attrs["cond"], kernel.node.attrs["body"]]):
        _launch_while(builder, kernel)


def _launch_while(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    node = kernel.node
    carried = node.attrs["carried"]
    state = _result_buffers(builder, kernel, carried, node.args)
    unread = node.attrs.get("unread", ())
    for i, (source, buffer) in enumerate(zip(node.args, state)):
        if i in unread:
            buffer.touch(builder.time)
            builder.note("a loop's unread state", [], [buffer])
        else:
            copy(builder, source, buffer)
    outer = [builder.used(a) for a in node.args[carried:]]
    again, done = Label(), Label()
    start = builder.time
    events = 0 if builder.trace is None else len(builder.trace.events)
    builder.control(again)
    condition = builder.schedule.nested[node.attrs["cond"]]
    (holds,) = launch_nested(builder, condition, [*state, *outer])
    builder.control(Jump(runner.JUMP_UNLESS, done, [holds], known_rounds(node)))
    builder.note("a loop's condition", [holds], [])
    _step(builder, builder.schedule.nested[node.attrs["body"]], state, outer)
    if _has_all_variables(builder, state):
        builder.control(Jump(runner.HOLD, 0))
    builder.control(Jump(runner.JUMP, again), done)
    if builder.trace is not None:
        builder.trace.again(events)
    builder.time += 1
    builder.keep_through(start, [*state, *outer])


def known_rounds(node: Node) -> int | None:
    """How many rounds a loop makes, if its condition only compares counters with numbers that are known."""
    (holds,) = node.attrs["cond"].results
    found = [_rounds_of_term(node, term) for term in terms(holds) if not is_true(term)]
    known = [rounds for rounds in found if rounds is not None]
    return min(known) if known and len(known) == len(found) else None


def _rounds_of_term(node: Node, term: Node) -> int | None:
    """For how many rounds of a loop `counter < limit` holds, if both are known."""
    if term.kind != "compare" or term.op != "lt" or term.size != 1:
        return None
    counter, limit = term.args
    condition, body, p = node.attrs["cond"], node.attrs["body"], node.builder
    states = zip(
        node.args, condition.parameters[: node.attrs["carried"]], body.parameters, body.results
    )
    for init, parameter, before, after in states:
        if parameter is counter:
            first, last = map(_settled_number, map(p.known.number, (init, limit)))
            step = growth(p, before, after)
            if first is None or last is None or step is None or step <= 0:
                return None
            rounds = max(-((int(first) - int(last)) // step), 0)
            is_exact = int(first) + rounds * step <= limits(counter.dtype)[1]  # else it wraps
            return rounds if is_exact else None
    return None


def _settled_number(value: Any) -> Any:
    """A number that is known before the run; None of an extent that differs from call to call."""
    return None if dims.is_symbolic(value) and current().is_open else value


def _has_all_variables(builder: PlanBuilder, state: Sequence[Buffer]) -> bool:
    """True if every variable that the program assigns is a loop's state in place, so that all are complete after a round."""
    places = [buffer.inside or buffer for buffer in state]
    numbers = {buffer.number for buffer in places if buffer.place == "variable"}
    return numbers >= builder.assigned


def _step(
    builder: PlanBuilder, schedule: Schedule, state: list[Buffer], outer: list[Buffer]
) -> None:
    """The body's launches, which leave the new state where the old one was."""
    body = schedule.function
    parameters = body.parameters[: len(state)]
    homes = [home(r) for r in body.results]
    once = functools.partial(stores_once, builder)
    count = {h.id: sum(h is other for other in homes) for h in homes}
    moved = {h.id for r, h, p in zip(body.results, homes, parameters) if r is not p}
    wanted: dict[int, Buffer] = {}
    late: list[tuple[Node, Buffer]] = []
    for result, own, parameter, buffer in zip(body.results, homes, parameters, state):
        if result is parameter:
            continue
        free = (
            parameter.id not in moved
            and not in_memory_already(own)
            and count[own.id] == 1
            and own.id not in wanted
        )
        if free and writable_in_place(schedule, own, parameter, once):
            wanted[own.id] = buffer
        else:
            late.append((result, buffer))
    launch_nested(builder, schedule, [*state, *outer], wanted)
    beside: list[tuple[Node, Buffer | None, Buffer]] = []
    for result, buffer in late:
        if in_memory_already(home(result)):  # may be another state that is about to change
            aside = builder.temporary("state", bytes_of(result))
            copy(builder, result, aside, schedule)
            beside.append((result, aside, buffer))
        else:
            beside.append((result, None, buffer))
    for result, aside, buffer in beside:
        copy(builder, result, buffer, schedule, aside)


def launch_case(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launches of a choice among branches."""
    node = kernel.node
    index, *operands = node.args
    branches = node.attrs["branches"]
    results = _result_buffers(builder, kernel, len(node.results or ()), branches[0].results)
    for buffer in results:
        buffer.touch(builder.time)
    inputs = [builder.used(a) for a in operands]
    number = _int32(builder, index)
    labels, end = [Label() for _ in branches], Label()
    builder.control(Jump(runner.SWITCH, len(branches), [number, *labels]))
    builder.note("a choice", [number], [])
    for label, branch in zip(labels, branches):
        builder.control(label)
        # each on its own: a number that one branch returns lies in a result, where another returns something else
        with _nested(builder, [branch]):
            _launch_branch(builder, builder.schedule.nested[branch], inputs, results)
        builder.control(Jump(runner.JUMP, end))
    builder.control(end)
    builder.time += 1


def _launch_branch(
    builder: PlanBuilder, schedule: Schedule, inputs: Sequence[Buffer], results: Sequence[Buffer]
) -> None:
    wanted: dict[int, Buffer] = {}
    late = []
    for result, buffer in zip(schedule.function.results, results):
        own = home(result)
        if in_memory_already(own) or own.id in wanted:
            late.append((result, buffer))
        else:
            wanted[own.id] = buffer
    launch_nested(builder, schedule, inputs, wanted)
    for result, buffer in late:
        copy(builder, result, buffer, schedule)


def _int32(builder: PlanBuilder, index: Node) -> Buffer:
    """A scalar in memory as an int32."""
    if index.dtype == dtypes.int32:
        return builder.used(index)
    target = builder.temporary("branch", 4)
    copy(builder, index.builder.cast(index, dtypes.int32), target)
    return target


def _result_buffers(
    builder: PlanBuilder, kernel: SpecialKernel, count: int, like: Sequence[Node]
) -> list[Buffer]:
    """Where the items of a node lie; items that nobody asks for get memory too."""
    items = {item.attrs["index"]: item for item in kernel.outputs}
    found = []
    for i in range(count):
        if i in items:
            found.append(builder.used(items[i]))
        else:
            found.append(builder.temporary("state", bytes_of(like[i])))
    return found
