"""Lists that the iterations of a loop change, of which its gradient reads no more than lengths and item shapes."""

from collections.abc import Sequence

from penstock._src.autodiff.control_flow import replace_tensor
from penstock._src.autodiff.graph_gradients import Backward
from penstock._src.autodiff.nodes import position_of, remove
from penstock._src.core import dtypes
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor

_MEASURES = ("TensorListElementShape", "TensorListLength")


def keeps_length(body: GraphFunction, at: int) -> bool:
    """True if a loop variable is a tensor list whose length the body does not change: it only sets items within the list."""
    result = body.outputs[at]
    # Follow the chain of updates back to the variable.
    while result.op.type == "TensorListSetItem" and result is not body.inputs[at]:
        if result.op.raw_op.resize_if_index_out_of_bounds:
            return False
        result = result.op._inputs[0]
    return result is body.inputs[at] and result.dtype is dtypes.variant


def is_only_measured(backward: Backward, captured: SymbolicTensor) -> bool:
    """True if the gradient of an iteration reads only the length and item shape of a list."""
    return all(op.type in _MEASURES for op in _readers(backward, captured))


def measure_lists(body: GraphFunction, backward: Backward) -> None:
    """Lets the forward iteration measure the lists of which its gradient reads only lengths and item shapes.

    Numbers are accumulated for the gradient then, not all versions of the lists:

    Before: body(list): list2 = SetItem(list, i, x)                       gradient: Resize(dlist, Length(list))
    After:  body(list): list2 = SetItem(list, i, x), n = Length(list)     gradient: Resize(dlist, n)

    Lists whose length stays are left alone: the gradient measures the final one.
    """
    graph = backward.graph
    for captured in graph.external_captures:
        if not isinstance(captured, SymbolicTensor) or captured.graph is not body.graph:
            continue
        at = position_of(body, captured)
        if captured.dtype is not dtypes.variant or at is not None and keeps_length(body, at):
            continue
        readers = _readers(backward, captured)
        if not all(op.type in _MEASURES for op in readers):
            continue
        for read in readers:
            with building_unrecorded(body.graph):
                measured = body.graph.add(read.raw_op, [captured], read.name).outputs[0]
            replace_tensor(graph, read.outputs[0], graph.capture(measured))
        _drop(graph, readers, [captured])


def keep_gradients_long(
    body: GraphFunction, backward: Backward, active: Sequence[int]
) -> list[int]:
    """Leaves the gradients of lists that a loop lengthens as long as the final lists; returns the positions of these loop variables.

    A write that lengthens a list has a gradient that cuts the list's gradient to the length before. An earlier iteration
    reads no item beyond that length, so that one cut after the backward loop does the same.

    Before: body(list): list2 = SetItem(list, i, x)    gradient: Resize(SetItem(dlist2, i, 0), Length(list))
    After:                                             gradient: SetItem(dlist2, i, 0), and Resize after the loop

    Gradients of items that the body reads are lists of the same length.
    """
    return [
        at
        for position, at in enumerate(active)
        if _keep_long(backward, backward.graph.inputs[position], _versions(body, at))
    ]


def _keep_long(
    backward: Backward, gradient: SymbolicTensor, versions: Sequence[SymbolicTensor]
) -> bool:
    """Measures the gradient of a list instead of the list's versions, and leaves out cuts; False if there are none to leave out."""
    graph = backward.graph
    captured = [t for t in versions if t._id in graph._captures]
    measures = [op for t in captured for op in _readers(backward, t)]
    lengths = [op.outputs[0] for op in measures if op.type == "TensorListLength"]
    users = [op for op in graph._operations if any(t is n for t in op._inputs for n in lengths)]
    cuts = [op for op in users if op.type == "TensorListResize"]
    if not cuts or not all(op.type in _MEASURES for op in measures):
        return False
    if not all(op.type in ("TensorListReserve", "TensorListResize") for op in users):
        return False
    for measure in measures:
        measure._update_input(0, gradient)
    for cut in cuts:
        replace_tensor(graph, cut.outputs[0], cut._inputs[0])
    _drop(graph, cuts, captured)
    return True


def _versions(body: GraphFunction, at: int) -> Sequence[SymbolicTensor]:
    """The versions of a list of which an iteration does no more than write and read items; () if anything else reads one of them."""
    versions = [body.outputs[at]]
    if versions[0].dtype is not dtypes.variant:
        return ()
    while versions[-1].op.type == "TensorListSetItem":
        versions.append(versions[-1].op._inputs[0])
    if versions[-1] is not body.inputs[at]:
        return ()
    reads = [t for op in body.graph._operations for t in _passed_on(op)] + list(body.outputs)
    # Each version is passed on once: to the next write, the last one as the result.
    once = all(sum(t is version for t in reads) == 1 for version in versions)
    return versions if once else ()


def _passed_on(op: Operation) -> Sequence[SymbolicTensor]:
    """The inputs of an operation, but a list of which it reads an item or measures."""
    reads_item = op.type == "TensorListGetItem" or op.type in _MEASURES
    return op._inputs[1:] if reads_item else op._inputs


def _drop(
    graph: FuncGraph, operations: Sequence[Operation], captured: Sequence[SymbolicTensor]
) -> None:
    """Removes operations from a graph, and captures that nothing reads any more."""
    placeholders = [graph.drop_capture(t).op for t in captured]
    remove([*operations, *placeholders], graph)


def _readers(backward: Backward, captured: SymbolicTensor) -> list[Operation]:
    """The operations of a backward graph that read a captured tensor."""
    graph = backward.graph
    pairs = zip(graph.external_captures, graph.internal_captures, strict=True)
    inside = next(placeholder for outside, placeholder in pairs if outside is captured)
    return [op for op in graph._operations if any(t is inside for t in op._inputs)]
