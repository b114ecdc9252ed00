"""Joins the operations of the devices of a group that form one collective op.

The devices of a process share one CPU, which runs operations one after the other, while the members of a collective op wait for each other.
So members of a group in one graph become one operation, which runs when all their inputs are ready:

Before: a1 = CollectiveReduce(a)  on CPU:0,   b1 = CollectiveReduce(b)  on CPU:1
After:  a1, b1 = _Together(a, b)
"""

import copy
import re
from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import get_static_value
from penstock._src.ops.collective.together import _Together

_KIND = re.compile(r"Collective(ReduceScatter|Reduce|Gather|AllToAll|Bcast)(Send|Recv)?(V2)?")


def joined(operations: list[Operation]) -> list[Operation]:
    """Returns the operations, in an order in which they can run, with one in place of the members of each group."""
    groups: dict[tuple[int, int], list[tuple[Operation, int]]] = {}
    for op in operations:
        keys = _keys(op) if op.raw_op.effects.is_collective else None
        if keys is not None and keys[0] > 1:
            groups.setdefault(keys[1:], []).append((op, keys[0]))
    together = {
        id(op): group
        for key, members in groups.items()
        if len(members) == min(size for _, size in members)
        for group in [_together(members, key[0])]
        for op, _ in members
    }
    if not together:
        return operations
    return _ordered(operations, together)


def _keys(op: Operation) -> tuple[int, int, int] | None:
    """The size and key of an operation's group, and the instance key, if they are constants in the graph."""
    if _KIND.fullmatch(op.type) is None:
        return None
    names = ("group_size", "group_key", "instance_key")
    if "group_size" in op.raw_op.attrs:
        return tuple(op.raw_op.attrs[name] for name in names)  # type: ignore[return-value]
    places = [argument.name for argument in op.raw_op.inputs]
    keys = [get_static_value(op._inputs[places.index(name)]) for name in names]
    return None if None in keys else tuple(map(int, keys))  # type: ignore[return-value, arg-type]


def _together(members: Sequence[tuple[Operation, int]], group_key: int) -> Operation:
    """One operation with the tensors and results of all, in the order of their devices."""
    ordered = sorted(members, key=lambda member: (member[0].device, member[0].position))
    ops = [op for op, _ in ordered]
    kind = _KIND.fullmatch(ops[0].type)[1]  # type: ignore[index]
    tensors = [op._inputs[0] for op in ops if "Recv" not in op.type]
    merged = copy.copy(ops[-1])
    merged._inputs = tensors
    merged._outputs = [op._outputs[0] for op in ops]
    merged._control_inputs = [wait for op in ops for wait in op._control_inputs]
    attrs = ops[0].raw_op.attrs
    merged.raw_op = complete(
        _Together,
        {
            "Tin": tuple(t.dtype for t in tensors),
            "Tout": tuple(t.dtype for t in merged._outputs),
            "kind": kind,
            "merge_op": attrs.get("merge_op", ""),
            "final_op": attrs.get("final_op", ""),
            "sizes": tuple(size for _, size in ordered),
            "group_key": group_key,
        },
        True,
    )
    return merged


def _ordered(operations: list[Operation], together: dict[int, Operation]) -> list[Operation]:
    """The operations and groups, each after its inputs, otherwise in the given order.

    An order of effects among the members is ignored: they run at the same time.

    Raises:
      InvalidArgumentError: a member of a group needs a result of another.
    """
    makers = {id(op): together.get(id(op), op) for op in operations}
    by_tensor = {t._id: makers[id(op)] for op in operations for t in op._outputs}
    earlier = _users_before(operations)
    done: dict[int, Operation] = {}
    begun: set[int] = set()
    pending = [makers[id(op)] for op in reversed(operations)]
    while pending:
        op = pending[-1]
        needs = [by_tensor[t._id] for t in op._inputs if t._id in by_tensor]
        awaited = [*op._control_inputs, *earlier.get(id(op), ())]
        needs += [makers[id(wait)] for wait in awaited if makers.get(id(wait), op) is not op]
        waits = [other for other in needs if id(other) not in done]
        if id(op) in done or not waits:
            done[id(op)] = pending.pop()
        elif any(id(other) in begun or other is op for other in waits):
            raise InvalidArgumentError(
                f"{op.name}: a member of a collective group waits for another member."
            )
        else:
            begun.add(id(op))
            pending += waits
    return list(done.values())


def _users_before(operations: Sequence[Operation]) -> dict[int, list[Operation]]:
    """Return for each operation with resources the previous one that used the same resources."""
    last: dict[int, Operation] = {}
    before: dict[int, list[Operation]] = {}
    for op in operations:
        for tensor in op._inputs:
            if tensor.dtype is dtypes.resource:
                if tensor._id in last:
                    before.setdefault(id(op), []).append(last[tensor._id])
                last[tensor._id] = op
    return before
