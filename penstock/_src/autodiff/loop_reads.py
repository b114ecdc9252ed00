"""Reads of outer tensors in a loop that are needed only once: sharded weights.

A loop would gather such a weight in each of its iterations, and its gradient would keep a copy for each.

Before: body(x, w, part): y = MatMul(x, _ReadWhole(w, ReadVariableOp(part)))
After:  whole = _ReadWhole(w, ReadVariableOp(part)),  body(x, whole): y = MatMul(x, whole)
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.control_flow import replace_tensor
from penstock._src.autodiff.nodes import remove
from penstock._src.core.dispatch import STATE, record
from penstock._src.graph.control import resources_written
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation


def move_reads_out(graphs: Sequence[FuncGraph]) -> None:
    """Moves reads that leave loops (`Effects.leaves_loops`) from a loop's condition and body to the current graph.

    A read stays in the loop if the loop may change the resource.

    Args:
      graphs: of the condition and the body, as they were traced.
    """
    if not any(op.raw_op.effects.leaves_loops for graph in graphs for op in graph._operations):
        return
    written = {
        outside._id
        for graph in graphs
        for outside, inside in graph.captures
        if inside._id in resources_written(graph)
    }
    moved: dict[tuple[Any, ...], Any] = {}
    for graph in graphs:
        outside = {inside._id: outer for outer, inside in graph.captures}
        gone = []
        for read in [op for op in graph._operations if op.raw_op.effects.leaves_loops]:
            sources = _sources(read, outside, written)
            if sources is None:
                continue
            key = (read.raw_op, *[t._id for row in sources for t in row])
            if key not in moved:
                moved[key] = _read_outside(read, sources)
            replace_tensor(graph, read.outputs[0], graph.capture(moved[key]))
            gone.append(read)
        if gone:
            remove(gone, graph)


def _sources(read: Operation, outside: dict[int, Any], written: set[int]) -> list[list[Any]] | None:
    """Return for each input of a read the outer tensors that it is computed from; None if the loop creates or changes one."""
    sources = []
    for tensor in read._inputs:
        made_of = [tensor] if tensor._id in outside else tensor.op._inputs
        if tensor._id not in outside and not tensor.op.raw_op.effects.reads_only:
            return None
        if not all(t._id in outside and outside[t._id]._id not in written for t in made_of):
            return None
        sources.append([outside[t._id] for t in made_of])
    return sources


def _read_outside(read: Operation, sources: Sequence[Sequence[Any]]) -> Any:
    """Return the value read, in the current graph."""
    inputs = []
    for tensor, made_of in zip(read._inputs, sources, strict=True):
        local = [STATE.graph.local(t) for t in made_of]
        is_given = tensor.op.type == "Placeholder"
        inputs.append(local[0] if is_given else _added(tensor.op, local))
    return _added(read, inputs)


def _added(op: Operation, inputs: list[Any]) -> Any:
    operation = STATE.graph.add(op.raw_op, inputs, op.name)
    record(operation.raw_op, operation._inputs, operation.outputs)
    return operation.outputs[0]
