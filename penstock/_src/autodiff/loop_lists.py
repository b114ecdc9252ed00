"""Lists that a loop's iterations change, and whose gradient reads only lengths and item shapes."""

from collections.abc import Sequence

from penstock._src.autodiff.control_flow import branches_of, replace_tensor
from penstock._src.autodiff.graph_gradients import Backward
from penstock._src.autodiff.nodes import position_of, remove
from penstock._src.core import dtypes
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor, source_of

_MEASURES = ("TensorListElementShape", "TensorListLength")
_CONDITIONALS = ("if", "case")


def keeps_length(body: GraphFunction, at: int) -> bool:
    """True if a loop variable is a tensor list whose length the body does not change: it only sets items within the list."""
    variable = body.inputs[at]
    return variable.dtype is dtypes.variant and _origin(body.outputs[at]) is variable


def _origin(version: SymbolicTensor) -> SymbolicTensor:
    """The tensor list that a list was made from without a change of its length: the first of the chain of updates."""
    while (before := _before(version)) is not None:
        version = before
    return version


def _before(version: SymbolicTensor) -> SymbolicTensor | None:
    """The list of the same length that an operation took; None for other operations."""
    op = version.op
    if op.type == "TensorListSetItem":
        return None if op.raw_op.resize_if_index_out_of_bounds else op._inputs[0]
    if op.type == "Identity":
        return op._inputs[0]
    if op.raw_op.flow.control in _CONDITIONALS:
        results = [(b, _origin(b.outputs[version.value_index])) for b in branches_of(op)]
        positions = {position_of(branch, origin) for branch, origin in results}
        at = positions.pop()
        return None if positions or at is None else op._inputs[1 + at]
    if op.raw_op.flow.control == "while" and keeps_length(
        op.raw_op.attrs["body"], version.value_index
    ):
        return op._inputs[version.value_index]
    return None


def is_only_measured(backward: Backward, captured: SymbolicTensor) -> bool:
    """True if the gradient of an iteration reads only the length and item shape of a list."""
    graph = backward.graph
    return _measured_in(graph, backward.gradients, _inside(graph, captured))


def _measured_in(
    graph: FuncGraph, outputs: Sequence[SymbolicTensor], tensor: SymbolicTensor
) -> bool:
    """True if a graph reads only the length and item shape of a list, and so do the branches and loops that it is given to."""
    if any(t is tensor for t in outputs):
        return False
    readers = (op for op in graph._operations if any(t is tensor for t in op._inputs))
    return all(
        op.type in _MEASURES or _measures_inside(graph, outputs, op, tensor) for op in readers
    )


def _measures_inside(
    graph: FuncGraph, outputs: Sequence[SymbolicTensor], op: Operation, tensor: SymbolicTensor
) -> bool:
    if op.type == "Identity":
        return _measured_in(graph, outputs, op.outputs[0])
    positions = [at for at, t in enumerate(op._inputs) if t is tensor]
    if op.raw_op.flow.control in _CONDITIONALS:
        return all(
            _measured_in(branch.graph, branch.outputs, branch.inputs[at - 1])
            for branch in branches_of(op)
            for at in positions
        )
    if op.raw_op.flow.control == "while":
        return all(_measures_invariant(graph, op, at) for at in positions)
    return False


def _measures_invariant(graph: FuncGraph, loop: Operation, at: int) -> bool:
    """True if a loop does not change a variable, and the loop and the readers of its result only measure the list."""
    body, cond = loop.raw_op.attrs["body"], loop.raw_op.attrs["cond"]
    if at not in body.unchanged:
        return False
    others = [*body.outputs[:at], *body.outputs[at + 1 :]]
    return (
        _measured_in(body.graph, others, body.inputs[at])
        and _measured_in(cond.graph, cond.outputs, cond.inputs[at])
        and _measured_in(graph, graph.outputs, loop.outputs[at])
    )


def measure_lists(body: GraphFunction, backward: Backward) -> None:
    """Lets the forward iteration measure lists if its gradient reads only their lengths and item shapes.

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
    """Keeps the gradients of lists that a loop lengthens at the length of the final lists; returns the indices of these loop variables.

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
    captured = [t for t in versions if t._id in graph._captured]
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
    """The versions of a list if an iteration only writes and reads items of them; () if anything else reads one."""
    versions = [source_of(body.outputs[at])]
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
    """The inputs of an operation, without a list that it only reads an item of or measures."""
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
    inside = _inside(graph, captured)
    return [op for op in graph._operations if any(t is inside for t in op._inputs)]


def _inside(graph: FuncGraph, captured: SymbolicTensor) -> SymbolicTensor:
    """The placeholder of a captured tensor."""
    pairs = zip(graph.external_captures, graph.internal_captures, strict=True)
    return next(placeholder for outside, placeholder in pairs if outside is captured)
