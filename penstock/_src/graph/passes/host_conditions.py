"""Finds the conditions of loops that the host tests as fast as a program would: some comparisons of single integers.

A loop that runs on the host tests its condition before each step. Such a test needs no program, so none is compiled for it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation

REASON = "it compares some numbers"
MOST_OPERATIONS = 4  # of the most that a condition may have


def why(needed: Callable[[], Sequence[Operation]], outputs: Sequence[Any]) -> str:
    """The reason why the operations of a graph run on the host, if they are such a condition; else "".

    Args:
      needed: returns the operations.
      outputs: the tensors that the graph computes.
    """
    if len(outputs) != 1 or outputs[0].dtype != dtypes.bool_ or outputs[0].shape.rank != 0:
        return ""
    computing = [op for op in needed() if op.type not in ("Const", "Identity")]
    is_light = len(computing) <= MOST_OPERATIONS and all(map(_compares, computing))
    return REASON if is_light else ""


def _compares(op: Operation) -> bool:
    """True if an operation computes a number or truth of single integers and truths."""
    raw = op.raw_op
    if raw.stateful or op._control_inputs or not raw.elements.is_elementwise:
        return False
    tensors = (*op._inputs, *op._outputs)
    return all((t.dtype.is_integer or t.dtype.is_bool) and t.shape.rank == 0 for t in tensors)
