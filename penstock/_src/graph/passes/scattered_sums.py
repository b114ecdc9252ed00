"""Shards sums over processes where each process reads only its own shard.

Before: a1, b1 = _ClusterReduce(a, b),  part = _OwnPart(a1, scatters)
After:  b1 = _ClusterReduce(b),  part = _SumOfParts(a)
"""

import copy
from collections import Counter
from collections.abc import Sequence
from typing import Any

from penstock._src.core.calls.binding import complete
from penstock._src.core.op import Op
from penstock._src.graph.operation import Operation
from penstock._src.ops.collective.cluster import _ClusterReduce
from penstock._src.ops.collective.parts import _OwnPart, _SumOfParts


def scattered(operations: list[Operation], outputs: Sequence[Any]) -> list[Operation]:
    """Return the operations with sharded sums. New operations are in no graph.

    Args:
      operations: in the order in which they run.
      outputs: the tensors that are read.
    """
    parts = {
        op._inputs[0]._id: op
        for op in operations
        if isinstance(op.raw_op, _OwnPart) and op.raw_op.scatters
    }
    if not parts:
        return operations
    reads = Counter(t._id for op in operations for t in op._inputs)
    reads.update(t._id for t in outputs)
    result: list[Operation] = []
    replaced: set[int] = set()
    for op in operations:
        if isinstance(op.raw_op, _ClusterReduce) and op.raw_op.merge_op == "Add":
            own = [i for i, t in enumerate(op._outputs) if t._id in parts and reads[t._id] == 1]
            replaced.update(id(parts[op._outputs[i]._id]) for i in own)
            result += _divided(op, own, [parts[op._outputs[i]._id] for i in own])
        elif id(op) not in replaced:
            result.append(op)
    return result


def with_inputs(op: Operation, inputs: Sequence[Any]) -> Operation:
    """A copy of an operation that takes other tensors and is in no graph."""
    copied = copy.copy(op)
    copied._inputs = list(inputs)
    return copied


def _divided(op: Operation, own: Sequence[int], parts: Sequence[Operation]) -> list[Operation]:
    """Split a sum into one of whole tensors and one of tensors that are read in shards."""
    if not own:
        return [op]
    old: Any = op.raw_op
    operations = []
    whole = [i for i in range(len(op._outputs)) if i not in own]
    if whole:
        attrs = {
            name: getattr(old, name) for name in ("merge_op", "final_op", "pack_bytes", "wire")
        }
        operations.append(
            _copied(op, _ClusterReduce, attrs, whole, [op._outputs[i] for i in whole])
        )
    size = parts[0].raw_op.attrs["size"]
    attrs = {name: getattr(old, name) for name in ("final_op", "pack_bytes", "wire")}
    results = [part._outputs[0] for part in parts]
    operations.append(_copied(op, _SumOfParts, attrs | {"size": size}, own, results))
    return operations


def _copied(
    op: Operation,
    kind: type[Op],
    attrs: dict[str, Any],
    places: Sequence[int],
    outputs: Sequence[Any],
) -> Operation:
    copied = with_inputs(op, [op._inputs[i] for i in places])
    copied._outputs = list(outputs)
    types = tuple(t.dtype for t in copied._inputs)
    copied.raw_op = complete(kind, {**attrs, "T": types}, True)
    return copied
