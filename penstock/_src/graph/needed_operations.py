"""The operations of a graph that a call needs."""

import heapq
from collections.abc import Collection, Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.graph.control import only_reads
from penstock._src.graph.operation import Operation


def needed_operations(
    graph: Any,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    control_outputs: Sequence[Operation],
    already_run: Collection[Operation] = (),
) -> list[Operation]:
    """The operations that outputs and control outputs depend on, with inputs as leaves, in an order in which they can run.

    Those of `already_run` are left out, and what only they depend on: their results that others read are inputs.
    """
    input_ids = {t._id for t in inputs}
    needed = _reached(
        [t.op for t in outputs if t._id not in input_ids] + list(control_outputs),
        input_ids,
        set(map(id, already_run)),
    )
    return _ordered(needed, input_ids)


def goes_back(op: Operation) -> bool:
    """True if an operation passes a value to the next iteration of a TensorFlow 1 loop. Its readers precede it."""
    return op.raw_op.flow.redirects == "next"


def _needs(op: Operation, fed: set[int]) -> list[Operation]:
    """Return the operations that give an operation's inputs or must precede it."""
    return [t.op for t in op._inputs if t._id not in fed] + list(op._control_inputs)


def _before(op: Operation, fed: set[int]) -> list[Operation]:
    """The operations that must run before."""
    return [other for other in _needs(op, fed) if not goes_back(other)]


def _reached(
    roots: Sequence[Operation], fed: set[int], already_run: set[int]
) -> dict[int, Operation]:
    reached: dict[int, Operation] = {}
    awaited: dict[int, Operation] = {}
    pending = list(roots)
    while pending:
        op = pending.pop()
        if id(op) in already_run:
            continue
        if id(op) not in reached and not (op._outputs and all(t._id in fed for t in op._outputs)):
            reached[id(op)] = op
            pending += [t.op for t in op._inputs if t._id not in fed]
            for before in op._control_inputs:
                if id(before) not in awaited and _is_unread(before):
                    awaited[id(before)] = before
                    pending += _awaited_through(before, fed)
                elif id(before) not in awaited:
                    pending.append(before)
    return reached


def _is_unread(op: Operation) -> bool:
    """True if an operation of a function only reads. Its position in the order of effects alone does not make it run.

    The variable may be uninitialized at that point and be assigned by a later operation.
    """
    return op.graph.building_function and only_reads(op)


def _awaited_through(op: Operation, fed: set[int]) -> list[Operation]:
    """Return the operations with effects that run before an operation that only reads."""
    awaited: list[Operation] = []
    pending, seen = [op], {id(op)}
    while pending:
        for before in _needs(pending.pop(), fed):
            if id(before) not in seen:
                seen.add(id(before))
                (pending if _is_unread(before) else awaited).append(before)
    return awaited


def _ordered(needed: dict[int, Operation], fed: set[int]) -> list[Operation]:
    """The operations in the order of their making, except where one that was put in later must come before."""
    order = sorted(needed.values(), key=lambda op: op.position)
    done: set[int] = set()
    for op in order:
        if any(id(b) in needed and id(b) not in done for b in _before(op, fed)):
            return _sorted_by_dependence(needed, fed)
        done.add(id(op))
    return order


def _sorted_by_dependence(needed: dict[int, Operation], fed: set[int]) -> list[Operation]:
    waits: dict[int, int] = {}
    after: dict[int, list[Operation]] = {}
    for op in needed.values():
        before = {id(b) for b in _before(op, fed) if id(b) in needed}
        waits[id(op)] = len(before)
        for other in before:
            after.setdefault(other, []).append(op)
    ready = [(op.position, id(op)) for op in needed.values() if not waits[id(op)]]
    heapq.heapify(ready)
    order = []
    while ready:
        op = needed[heapq.heappop(ready)[1]]
        order.append(op)
        for later in after.get(id(op), ()):
            waits[id(later)] -= 1
            if not waits[id(later)]:
                heapq.heappush(ready, (later.position, id(later)))
    if len(order) < len(needed):
        stuck = [op.name for op in needed.values() if waits[id(op)]]
        raise InvalidArgumentError(f"The graph has a cycle through {', '.join(sorted(stuck)[:5])}.")
    return order
