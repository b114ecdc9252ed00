"""Which operations of a graph a call needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.graph.operation import Operation


def needed_operations(
    graph: Any, inputs: Sequence[Any], outputs: Sequence[Any], control_outputs: Sequence[Operation]
) -> list[Operation]:
    """The operations that outputs and control outputs depend on, inputs taken as given, in an order they can run in."""
    given = {t._id for t in inputs}
    order: list[Operation] = []
    state: dict[int, int] = {}  # operation's id -> 1 while its inputs are visited, 2 when done
    roots = [t.op for t in outputs if t._id not in given] + list(control_outputs)
    stack: list[Operation] = list(reversed(roots))
    while stack:
        op = stack[-1]
        seen = state.get(id(op), 0)
        if seen == 2:
            stack.pop()
            continue
        state[id(op)] = 1
        before = [t.op for t in op._inputs if t._id not in given] + list(op._control_inputs)
        missing = [o for o in before if id(o) not in state]
        if missing and seen == 0:
            stack.extend(missing)
            continue
        if missing:
            stack.extend(missing)
            continue
        state[id(op)] = 2
        order.append(op)
        stack.pop()
    given_ops = {id(t.op) for t in inputs}
    order = [
        op for op in order if not (id(op) in given_ops and all(t._id in given for t in op._outputs))
    ]
    return sorted(order, key=lambda op: op.position)
