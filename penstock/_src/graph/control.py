"""Automatic control dependencies: side effects in a function run, and run in program order.

Operations on one resource are chained: a write after every earlier use of it, a read after the last write.
Stateful operations that name no resource (printing, assertions, Python calls) are chained among themselves.
A call, condition or loop uses resources as its functions do.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.util.dataclass import dataclass

# Control flow that runs each operation once at most.
_AT_MOST_ONCE = ("", "call", "if", "case")


def has_effect(op: Operation) -> bool:
    """True if `op` must run even if nothing reads its outputs."""
    raw = op.raw_op
    if not raw.stateful or raw.effects.reads_only or raw.effects.effect_free:
        return False
    bodies = bodies_of(op)
    return (
        raw.effects.has_own_effect
        or not bodies
        or any(_may_have_effect(body.graph) for body in bodies)
    )


def _may_have_effect(graph: Any) -> bool:
    """True if any operation of a graph has an effect. The answer is cached until operations are added."""
    count, answer = graph.effect_found
    if count != len(graph._operations):
        answer = any(map(has_effect, graph._operations))
        graph.effect_found = len(graph._operations), answer
    return answer


def only_reads(op: Operation) -> bool:
    """True if an operation, with the functions that it calls, reads variables and has neither effects nor randomness."""
    raw = op.raw_op
    if raw.effects.reads_only:
        return True
    if raw.flow.control != "call" or has_effect(op):
        return False
    stateful = [o for body in bodies_of(op) for o in body.graph._operations if o.raw_op.stateful]
    return bool(stateful) and all(map(only_reads, stateful))


def bodies_of(op: Operation) -> list:
    """Returns the graph functions that an operation holds."""
    bodies = []
    for value in op.raw_op.attrs.values():
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "graph") and hasattr(item, "inputs") and hasattr(item, "outputs"):
                bodies.append(item)
    return bodies


def add_control_dependencies(graph: FuncGraph, start: int = 0) -> None:
    """Chains the stateful operations of `graph` and sets its `control_outputs`."""
    known = set(graph.control_outputs)
    graph.control_outputs += [op for op in chained(graph._operations[start:]) if op not in known]


def chained(operations: Sequence[Operation]) -> list[Operation]:
    """Chains the stateful ones of operations in program order; returns those that must run."""
    last_write: dict[int, Operation] = {}
    reads: dict[int, list[Operation]] = {}
    last_other: Operation | None = None
    must_run = []
    for op in operations:
        if not op.raw_op.stateful:
            continue
        written = _written(op)
        resources = _resources(op)
        for key in resources:
            if key in last_write:
                op._add_control_input(last_write[key])
            if key not in written:
                reads.setdefault(key, []).append(op)
            else:
                op._add_control_inputs(reads.pop(key, ()))
                last_write[key] = op
        if has_effect(op):
            if not resources or _has_unnamed_effect(op):
                if last_other is not None:
                    op._add_control_input(last_other)
                last_other = op
            must_run.append(op)
    return must_run


# For ops that run functions: the number of inputs before those passed to the functions.
_LEADING = {"call": 0, "while": 0, "if": 1, "case": 1}


def _resources(op: Operation) -> list[int]:
    """Return the ids of the resources that an operation uses, itself or in functions of datasets that it reads."""
    ids = [t._id for t in op._inputs if t.dtype is dtypes.resource]
    reads = op.raw_op.flow.iteration == "elements" or op.raw_op.flow.control
    return ids + _used_by_datasets(op) if reads else ids


def _used_by_datasets(op: Operation) -> list[int]:
    """Return the ids of the resources used by functions of datasets that an operation may read."""
    queue = []
    reads = op.raw_op.flow.iteration == "elements"  # other variants may be lists of tensors
    for t in op._inputs:
        if reads and t.dtype is dtypes.variant:
            queue.append(t.op)
        elif t.dtype is dtypes.resource and t.op.raw_op.flow.iteration == "iterator":
            queue += [
                other._inputs[0].op
                for other in op.graph._operations
                if other.raw_op.flow.iteration == "begin" and other._inputs[1] is t
            ]
    ids: list[int] = []
    seen = set()
    while queue:
        source = queue.pop()
        if source not in seen:
            seen.add(source)
            ids += [t._id for t in source._inputs if t.dtype is dtypes.resource]
            queue += [t.op for t in source._inputs if t.dtype is dtypes.variant]
    return ids


def _written(op: Operation) -> set[int]:
    """The ids of the resources that an operation may write, or hand on to one that does."""
    raw = op.raw_op
    resources = set(_resources(op))
    if raw.effects.reads_only or not resources:
        return set()
    bodies = bodies_of(op) if raw.flow.control in _LEADING else []
    if not bodies or raw.flow.control == "while" and _exchanges_resources(raw.attrs["body"]):
        return resources
    inputs = op._inputs[_LEADING[raw.flow.control] :]
    ids = set(_used_by_datasets(op))
    for body in bodies:
        written = _effects(body.graph).written
        pairs = zip(inputs, body.inputs, strict=False)
        ids.update(t._id for t, inner in pairs if inner._id in written)
    return ids


def changes_state(graph: Any) -> bool:
    """True if an operation of a graph may write to a resource, such as a variable."""
    return bool(resources_written(graph))


def resources_written(graph: Any) -> frozenset[int]:
    """The ids of the tensors of a graph that are resources to which an operation of it may write."""
    return _effects(graph).written


def read_only_resources(op: Operation) -> list[int]:
    """The positions of the inputs of an operation that are resources which it does not write."""
    written = _written(op)
    return [
        i for i, t in enumerate(op._inputs) if t.dtype is dtypes.resource and t._id not in written
    ]


def is_in_xla_context(graph: Any) -> bool:
    """True if a graph, or one around it, is being built in a context that XLA compiles."""
    while graph is not None:
        if graph.is_for_xla:
            return True
        context = graph._control_flow_context
        while context is not None:
            if context.IsXLAContext():
                return True
            context = context.outer_context
        graph = getattr(graph, "enclosing", None)
    return False


def _exchanges_resources(body: Any) -> bool:
    """True if a loop variable is not the same resource in all iterations."""
    unchanged = body.unchanged
    return any(
        t.dtype is dtypes.resource and i not in unchanged for i, t in enumerate(body.outputs)
    )


def _has_unnamed_effect(op: Operation) -> bool:
    """True if an operation affects state that none of its inputs names."""
    raw = op.raw_op
    bodies = bodies_of(op) if raw.flow.control in _LEADING else []
    if bodies:
        return any(_effects(body.graph).unnamed for body in bodies)
    return has_effect(op) and not any(t.dtype is dtypes.resource for t in op._inputs)


@dataclass(frozen=True)
class Effects:
    """Effects of the `count` operations of a graph: the ids of written resources, and True if there are other effects."""

    count: int
    written: frozenset[int]
    unnamed: bool


def _effects(graph: Any) -> Effects:
    """Return the effects of a graph's operations. They are cached until operations are added."""
    effects = graph.effects
    operations = graph._operations
    if effects is None or effects.count != len(operations):
        stateful = [op for op in operations if op.raw_op.stateful]
        written = frozenset().union(*map(_written, operations))
        effects = Effects(len(operations), written, any(map(_has_unnamed_effect, stateful)))
        graph.effects = effects
    return effects


def is_steady(graph: FuncGraph) -> bool:
    """True if the time of a graph depends on the shapes of its inputs alone, so that what a run took says how long others will take.

    It has no loops, strings, effects, user functions, waits or datasets, and no results whose rows depend on data. Sizes that are numbers among the
    inputs are not seen here: a server notices a time that is not as before (`serving/batching/pace.py`).
    """
    return all(_is_steady(op) for op in graph._operations)


def _is_steady(op: Operation) -> bool:
    raw = op.raw_op
    flow, effects = raw.flow, raw.effects
    if flow.control not in _AT_MOST_ONCE or flow.redirects or flow.iteration:
        return False
    bodies = bodies_of(op)
    if bodies and not flow.control:
        return False
    if raw.stateful and not bodies and not effects.reads_only:
        return False
    if effects.may_wait or raw.elements.has_dynamic_rows:
        return False
    tensors = (*op._inputs, *op.outputs)
    if any(tensor.dtype in (dtypes.string, dtypes.variant) for tensor in tensors):
        return False
    return all(is_steady(body.graph) for body in bodies)
