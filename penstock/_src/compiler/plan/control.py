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

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.compiler.fusion.partition import Partition, bytes_of, home, in_memory_already
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.in_place import writable_in_place
from penstock._src.compiler.plan.launch_table import Jump, Label
from penstock._src.compiler.plan.specials import PLANS, plans
from penstock._src.core import dtypes
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.native import runner

if TYPE_CHECKING:
    from penstock._src.compiler.plan.planner import Planner


@contextlib.contextmanager
def _nested(planner: Planner, functions: Sequence[Function]) -> Iterator[None]:
    """Gives nodes that nested functions share with the function around them (repeated numbers, indices) their buffers
    of outside back at the end."""
    ids = {node.id for function in functions for node in function.nodes()}
    before = {i: planner.buffers[i] for i in ids if i in planner.buffers}
    yield
    for i in ids:
        planner.buffers.pop(i, None)
    planner.buffers.update(before)


@plans("while")
def _while(planner: Planner, kernel: Any) -> None:
    with _nested(planner, [kernel.node.attrs["cond"], kernel.node.attrs["body"]]):
        _plan_while(planner, kernel)


def _plan_while(planner: Planner, kernel: Any) -> None:
    node = kernel.node
    carried = node.attrs["carried"]
    state = _result_buffers(planner, kernel, carried, node.args)
    unread = node.attrs.get("unread", ())
    for i, (source, buffer) in enumerate(zip(node.args, state)):
        if i in unread:
            buffer.touch(planner.time)
            planner.note("a loop's unread state", [], [buffer])
        else:
            planner.copy(source, buffer)
    outer = [planner.used(a) for a in node.args[carried:]]
    again, done = Label(), Label()
    start = planner.time
    events = 0 if planner.trace is None else len(planner.trace.events)
    planner.launches.append(again)
    (holds,) = planner.inline(node.attrs["cond"], [*state, *outer])
    planner.launches.append(Jump(runner.JUMP_UNLESS, done, [holds]))
    planner.note("a loop's condition", [holds], [])
    _step(planner, node.attrs["body"], state, outer)
    planner.launches.append(Jump(runner.JUMP, again))
    planner.launches.append(done)
    if planner.trace is not None:
        planner.trace.again(events)
    planner.time += 1
    planner.keep_through(start, [*state, *outer])


def _step(planner: Planner, body: Function, state: list[Buffer], outer: list[Buffer]) -> None:
    """The body's launches, which leave the new state where the old one was."""
    part = Partition(body, planner.options, inner=True)
    parameters = body.parameters[: len(state)]
    homes = [home(r) for r in body.results]
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
        if free and writable_in_place(part, own, parameter):
            wanted[own.id] = buffer
        else:
            late.append((result, buffer))
    planner.inline(body, [*state, *outer], part, wanted)
    beside: list[tuple[Node, Buffer | None, Buffer]] = []
    for result, buffer in late:
        if in_memory_already(home(result)):  # may be another state that is about to change
            aside = planner.temporary("state", bytes_of(result))
            planner.copy(result, aside, part)
            beside.append((result, aside, buffer))
        else:
            beside.append((result, None, buffer))
    for result, aside, buffer in beside:
        planner.copy(result, buffer, part, aside)


@plans("case")
def _case(planner: Planner, kernel: Any) -> None:
    node = kernel.node
    index, *operands = node.args
    branches = node.attrs["branches"]
    results = _result_buffers(planner, kernel, len(node.results), branches[0].results)
    for buffer in results:
        buffer.touch(planner.time)
    inputs = [planner.used(a) for a in operands]
    number = _int32(planner, index)
    labels, end = [Label() for _ in branches], Label()
    start = planner.time
    planner.launches.append(Jump(runner.SWITCH, len(branches), [number, *labels]))
    planner.note("a choice", [number], [])
    for label, branch in zip(labels, branches):
        planner.launches.append(label)
        # each on its own: a number that one branch returns lies in a result, where another returns something else
        with _nested(planner, [branch]):
            _plan_branch(planner, branch, inputs, results)
        planner.launches.append(Jump(runner.JUMP, end))
    planner.launches.append(end)
    planner.time += 1
    planner.keep_through(start, [*results, *inputs])


def _plan_branch(
    planner: Planner, branch: Function, inputs: Sequence[Buffer], results: Sequence[Buffer]
) -> None:
    part = Partition(branch, planner.options)
    wanted: dict[int, Buffer] = {}
    late = []
    for result, buffer in zip(branch.results, results):
        own = home(result)
        if in_memory_already(own) or own.id in wanted:
            late.append((result, buffer))
        else:
            wanted[own.id] = buffer
    planner.inline(branch, inputs, part, wanted)
    for result, buffer in late:
        planner.copy(result, buffer, part)


def _int32(planner: Planner, index: Node) -> Buffer:
    """A scalar in memory as an int32."""
    if index.dtype == dtypes.int32:
        return planner.used(index)
    target = planner.temporary("branch", 4)
    planner.copy(index.builder.cast(index, dtypes.int32), target)
    return target


def _result_buffers(
    planner: Planner, kernel: Any, count: int, like: Sequence[Node]
) -> list[Buffer]:
    """Where the items of a node lie; items that nobody asks for get memory too."""
    items = {item.attrs["index"]: item for item in kernel.outputs}
    found = []
    for i in range(count):
        if i in items:
            found.append(planner.used(items[i]))
        else:
            found.append(planner.temporary("state", bytes_of(like[i])))
    return found


__all__ = ["PLANS", "Jump", "Label"]
