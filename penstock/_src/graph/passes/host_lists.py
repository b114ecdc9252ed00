"""Lists that the host holds: those of loops over what only it can hold, such as the rows of a ragged tensor, and those that a graph is given.

Such a loop runs on the host, and so do all of its lists. In a compiled program, the lists would be specialized for each
length, as a compiled loop requires. A list that a graph is given, such as the body of a loop on the host, is changed there, too: a program
would copy all of its elements to add one.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes.own_sizes import before, is_light, may_lower

REASON = "a loop over what the host holds takes or gives the list"
GIVEN = "the host holds the list"


def for_host(ops: Sequence[Operation]) -> dict[str, str]:
    """The names of these operations in a graph, each with the reason."""
    return {**_of_loops(ops), **_of_given(ops)}


def read_by_host(ops: Sequence[Operation], inputs: Sequence[Any]) -> frozenset[int]:
    """The ids of the lists among a graph's inputs that only the host reads."""
    host = for_host(ops)
    read = {t._id for op in ops if op.name not in host for t in op._inputs}
    return frozenset([t._id for t in inputs if t.dtype == dtypes.variant and t._id not in read])


def _of_given(ops: Sequence[Operation]) -> dict[str, str]:
    """The operations on lists that are inputs of the graph, if no program reads these lists or waits for operations that compute values for them."""
    computed = {t._id for op in ops if op.type != "Const" for t in op._outputs}
    readers: dict[int, list[Operation]] = {}
    lists = {}
    for op in ops:
        for tensor in op._inputs:
            readers.setdefault(tensor._id, []).append(op)
            if tensor.dtype == dtypes.variant and tensor._id not in computed:
                lists[tensor._id] = tensor
    reasons: dict[str, str] = {}
    for source in lists.values():
        changes = _changes(source, readers, computed)
        reasons.update((op.name, GIVEN) for op in changes or ())
    return reasons


def _changes(
    source: Any, readers: dict[int, list[Operation]], computed: set[int]
) -> list[Operation] | None:
    """The operations that read or change a list and what becomes of it; None if other operations do, or a program would wait for one."""
    changes = []
    pending = [(source, True)]  # a list, and True if it is known before anything is computed
    while pending:
        tensor, is_ready = pending.pop()
        for op in readers.get(tensor._id, ()):
            ready = is_ready and all(t is tensor or t._id not in computed for t in op._inputs)
            if op.type == "Identity":
                changes.append(op)
                pending.append((op._outputs[0], is_ready))
                continue
            use = op.raw_op.host_kernel.use_of_list
            if not use or not (ready or use == "changes"):
                return None
            changes.append(op)
            pending += [(t, ready) for t in _lists_of(op)]
    return changes


def _lists_of(op: Operation) -> list[Any]:
    """The lists that an operation on a list returns; an element may be a variant too, such as a row of a ragged tensor."""
    declared = zip(op.raw_op.outputs, op._outputs, strict=True)
    return [t for argument, t in declared if argument.name == "output_handle"]


def _of_loops(ops: Sequence[Operation]) -> dict[str, str]:
    """The loops over what only the host can hold, with their lists."""
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
    # Including the arithmetic of their lengths, which is not worth a program alone.
    for op in lists:
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
