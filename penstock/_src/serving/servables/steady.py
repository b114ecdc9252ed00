"""Functions whose time depends on the shapes of their inputs alone: what they took once tells how long they will take."""

from __future__ import annotations

from penstock._src.core import dtypes
from penstock._src.graph.control import bodies_of
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation

# Control flow that runs each operation once at most.
_AT_MOST_ONCE = ("", "call", "if", "case")


def is_steady(graph: FuncGraph) -> bool:
    """True if a graph has no loops, strings, effects, user functions, waits or datasets, and no results whose rows depend on data.

    Sizes that are numbers among the inputs are not seen here: `batching/pace.py` notices a time that is not as before.
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
