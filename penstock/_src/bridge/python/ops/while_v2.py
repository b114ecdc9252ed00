"""`tensorflow.python.ops.while_v2`: loops whose condition and body are functions, as all of Penstock's are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.while_loops import while_loop as loop
from penstock._src.core.registry import raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    maximum_iterations: Any = None,
    name: str | None = None,
    return_same_structure: bool = True,
    back_prop: bool = True,
) -> Any:
    """Returns `tf.while_loop` of these arguments; without `return_same_structure`, a single variable by itself."""
    results = loop(
        cond,
        body,
        loop_vars,
        shape_invariants,
        parallel_iterations,
        back_prop,
        maximum_iterations=maximum_iterations,
        name=name,
    )
    is_single = (
        not return_same_structure and isinstance(results, list | tuple) and len(results) == 1
    )
    return results[0] if is_single else results


def async_noop(name: str | None = None) -> Any:
    """Returns an operation that does nothing; TensorFlow runs later operations in other threads."""
    return raw.NoOp(name=name)


def _get_graph(while_op: Operation, func_attr_name: str, attr_graph_name: str) -> FuncGraph:
    """Returns the graph of the condition or the body of a loop.

    Gradients add variables to a loop: `inputs` and `outputs` of the graph include those.
    """
    del attr_graph_name
    function = while_op.raw_op.attrs[func_attr_name]
    graph = copy.copy(function.graph)
    graph.inputs, graph.outputs = list(function.inputs), list(function.outputs)
    return graph
