"""Automatic control dependencies: side effects in a function run, and run in program order.

Operations on one resource are chained: a write after every earlier use of it, a read after the last write.
Stateful operations that name no resource (printing, assertions, Python calls) are chained among themselves.
"""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation


def has_effect(op: Operation) -> bool:
    """Whether `op` must run although nobody reads its outputs."""
    raw = op.raw_op
    if not raw.stateful or raw.reads_only or raw.effect_free:
        return False
    bodies = bodies_of(op)
    return raw.has_own_effect or not bodies or any(_may_have_effect(body.graph) for body in bodies)


def _may_have_effect(graph: Any) -> bool:
    """Whether any operation of a graph has an effect; cached until operations are added."""
    count, found = graph.effect_found
    if count != len(graph._operations):
        found = any(map(has_effect, graph._operations))
        graph.effect_found = len(graph._operations), found
    return found


def bodies_of(op: Operation) -> list:
    """Returns the graph functions that an operation holds."""
    found = []
    for value in op.raw_op.attrs.values():
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "graph") and hasattr(item, "inputs") and hasattr(item, "outputs"):
                found.append(item)
    return found


def add_control_dependencies(graph: FuncGraph, start: int = 0) -> None:
    """Chains the stateful operations of `graph` and sets its `control_outputs`."""
    last_write: dict[int, Operation] = {}
    reads: dict[int, list[Operation]] = {}
    last_other: Operation | None = None
    for op in graph._operations[start:]:
        if not op.raw_op.stateful:
            continue
        resources = [t._id for t in op._inputs if t.dtype is dtypes.resource]
        for key in resources:
            if key in last_write:
                op._add_control_input(last_write[key])
            if op.raw_op.reads_only:
                reads.setdefault(key, []).append(op)
            else:
                op._add_control_inputs(reads.pop(key, ()))
                last_write[key] = op
        if has_effect(op):
            if not resources or bodies_of(op):
                if last_other is not None:
                    op._add_control_input(last_other)
                last_other = op
            if op not in graph.control_outputs:
                graph.control_outputs.append(op)
