"""Resources that an operation locks until another one has consumed what it gave, as mutexes are."""

from collections.abc import Collection, Sequence
from typing import Any

from penstock._src.graph.operation import Operation


def locked_resources(pending: Sequence[Operation], uncomputed: Collection[int]) -> set[Any]:
    """The resources locked by operations whose outputs a pending operation has yet to consume.

    Args:
      pending: the operations that have not run.
      uncomputed: the ids of their outputs.
    """
    makers = [t.op for op in pending for t in op._inputs if t._id not in uncomputed]
    return {resource_of(op) for op in makers if op.raw_op.effects.holds_until_consumed}


def resource_of(op: Operation) -> Any:
    """The identity of the resource that an operation locks: resources with one shared name are the same."""
    tensor = op._inputs[0]
    return tensor.op.raw_op.attrs.get("shared_name") or tensor._id
