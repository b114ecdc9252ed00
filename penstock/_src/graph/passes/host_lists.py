"""Loops over values that only the host holds, such as the rows of a ragged tensor, and the lists that they read and write.

Such a loop runs on the host, and so do all of its lists. In a compiled program, the lists would be specialized for each
length, as a compiled loop requires.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes.own_sizes import before, is_light, may_lower

REASON = "a loop over what the host holds takes or gives the list"


def for_host(ops: Sequence[Operation]) -> dict[str, str]:
    """The names of these operations in a graph, each with the reason."""
    loops = [
        op for op in ops if op.raw_op.flow.control == "while" and any(map(_is_of_host, op._inputs))
    ]
    if not loops:
        return {}
    loop_outputs = {t._id for op in loops for t in op._outputs}
    lists = [t.op for op in loops for t in op._inputs if _element_type(t.op) is not None]
    takers = [
        op
        for op in ops
        if _element_type(op) is not None and any(t._id in loop_outputs for t in op._inputs)
    ]
    operations = [*loops, *lists, *takers]
    for (
        op
    ) in lists:  # including the arithmetic of their lengths, which is not worth a program alone
        earlier = list(before(op))
        if all(map(is_light, earlier)):
            operations += filter(may_lower, earlier)
    operations += [t.op for op in operations for t in op._inputs if t.op.type == "Const"]
    return {op.name: REASON for op in operations}


def _element_type(op: Operation) -> Any:
    """The type of the elements of the list that an operation makes or takes, if it does."""
    return op.raw_op.attrs.get("element_dtype")


def _is_of_host(tensor: Any) -> bool:
    """True if a tensor is a list of elements that are not arrays of numbers."""
    return _element_type(tensor.op) in (dtypes.variant, dtypes.string)
