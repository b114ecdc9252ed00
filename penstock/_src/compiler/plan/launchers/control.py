"""Loops and branches: jumps of the launch table around the launches of nested functions.

    while    state := first values
             again:  condition's launches;  jump to done unless it holds
                     body's launches, new state
                     jump to again
             done:
    case     a switch on the index to one of the branches; each writes the results and jumps to the end

A loop's state has its own buffers, or the memory of variables that begin it and get its result. The body stores a new value directly in the state's buffer if nothing reads the old value afterwards
(in_place.py); otherwise it uses another buffer, which is copied to the state at the end of the round.
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
from penstock._src.compiler.plan.launchers.functions import bind, launch_nested
from penstock._src.compiler.plan.launchers.loop_weights import packed_before_loop
from penstock._src.compiler.plan.launchers.nests import copy
from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import current
from penstock._src.ir.function import Function
from penstock._src.ir.meaning.intervals import limits
from penstock._src.ir.node import Node
from penstock._src.native import runner


@contextlib.contextmanager
def _nested(builder: PlanBuilder, functions: Sequence[Function]) -> Iterator[None]:
    """Restores the buffers of nodes that nested functions share with the enclosing function, such as constants and indices."""
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
        if i in unread:  # the body overwrites the initial value before any read
            buffer.touch(builder.time)
            builder.note("a loop's unread state", [], [buffer])
        elif builder.buffer(source) is buffer:  # a variable that the loop steps where it is
            builder.used(source)
        else:
            copy(builder, source, buffer)
    outer = [builder.used(a) for a in node.args[carried:]]
    body = builder.schedule.nested[node.attrs["body"]]
    rounds = known_rounds(node)
    with packed_before_loop(builder, body, state, outer, rounds):
        _launch_rounds(builder, node, state, outer, rounds)


def _launch_rounds(
    builder: PlanBuilder,
    node: Node,
    state: list[Buffer],
    outer: list[Buffer],
    rounds: int | None,
) -> None:
    """Adds the launches of a loop's condition and body, which run again and again."""
    again, done = Label(), Label()
    start = builder.time
    events = 0 if builder.trace is None else len(builder.trace.events)
    builder.control(again)
    condition = builder.schedule.nested[node.attrs["cond"]]
    (holds,) = launch_nested(builder, condition, [*state, *outer])
    builder.control(Jump(runner.JUMP_UNLESS, done, [holds], rounds))
    builder.note("a loop's condition", [holds], [])
    _step(builder, builder.schedule.nested[node.attrs["body"]], state, outer)
    # All variables are those of a completed round: the run may be interrupted before the next one.
    if _has_all_variables(builder, state):
        builder.control(Jump(runner.HOLD, 0))
    builder.control(Jump(runner.JUMP, again), done)
    # Verifies the order of a second iteration, which reads results of the first.
    if builder.trace is not None:
        builder.trace.again(events)
    builder.time += 1
    builder.keep_through(start, [*state, *outer])


def known_rounds(node: Node) -> int | None:
    """The trip count of a loop, if its condition only compares counters with known limits."""
    (holds,) = node.attrs["cond"].results
    counts = [_rounds_of_term(node, term) for term in terms(holds) if not is_true(term)]
    known = [rounds for rounds in counts if rounds is not None]
    # A term without a known count may end the loop sooner.
    return min(known) if known and len(known) == len(counts) else None


def _rounds_of_term(node: Node, term: Node) -> int | None:
    """The number of rounds for which `counter < limit` holds, if initial value, step and limit are known."""
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
            # Else the counter overflows.
            is_exact = int(first) + rounds * step <= limits(counter.dtype)[1]
            return rounds if is_exact else None
    return None


def _settled_number(value: Any) -> Any:
    """A number that is known before the run; None for an extent that differs between calls."""
    return None if dims.is_symbolic(value) and current().is_open else value


def _has_all_variables(builder: PlanBuilder, state: Sequence[Buffer]) -> bool:
    """True if every variable that the program assigns is itself the buffer of a loop's state, so that all are consistent after a round."""
    buffers = [buffer.inside or buffer for buffer in state]
    numbers = {buffer.number for buffer in buffers if buffer.place == "variable"}
    return numbers >= builder.assigned


def _step(
    builder: PlanBuilder, schedule: Schedule, state: list[Buffer], outer: list[Buffer]
) -> None:
    """Adds the body's launches, which replace the old state by the new one."""
    body = schedule.function
    bind(builder, body, [*state, *outer])
    parameters = body.parameters[: len(state)]
    homes = [home(r) for r in body.results]
    once = functools.partial(stores_once, builder)
    count = {h.id: sum(h is other for other in homes) for h in homes}
    moved = {h.id for r, h, p in zip(body.results, homes, parameters) if r is not p}
    wanted: dict[int, Buffer] = {}
    late: list[tuple[Node, Buffer]] = []
    for result, own, parameter, buffer in zip(body.results, homes, parameters, state):
        if result is parameter:  # unchanged
            continue
        # The kernel may store into the state's buffer if the old value is not the next value of another state (as in `a, b = b, a + b`),
        # and the new value is computed by the body for this state alone.
        is_free = (
            parameter.id not in moved
            and not in_memory_already(own)
            and count[own.id] == 1
            and own.id not in wanted
        )
        if is_free and writable_in_place(schedule, own, parameter, once):
            wanted[own.id] = buffer
        else:
            late.append((result, buffer))
    launch_nested(builder, schedule, [*state, *outer], wanted)
    # A result that is an old state is saved before the first state is replaced: it may be replaced itself.
    copies: list[tuple[Node, Buffer | None, Buffer]] = []
    for result, buffer in late:
        saved = None
        if in_memory_already(home(result)):
            saved = builder.temporary("state", bytes_of(result))
            copy(builder, result, saved, schedule)
        copies.append((result, saved, buffer))
    for result, saved, buffer in copies:
        copy(builder, result, buffer, schedule, saved)


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
        # Branches are launched separately: a constant that one of them returns is in a result's buffer there, but not in another branch.
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
    """The buffers of a node's items; unused items get temporaries."""
    items = {item.attrs["index"]: item for item in kernel.outputs}
    buffers = []
    for i in range(count):
        if i in items:
            buffers.append(builder.used(items[i]))
        else:
            buffers.append(builder.temporary("state", bytes_of(like[i])))
    return buffers
