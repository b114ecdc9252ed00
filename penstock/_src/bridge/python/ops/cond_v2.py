"""`tensorflow.python.ops.cond_v2`: conditions whose branches are functions, as all of Penstock's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.conditionals import functional_cond
from penstock._src.api.control.conditionals import indexed_case as indexed_case
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation


def cond_v2(
    pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str = "cond"
) -> Any:
    """Returns the result of `tf.cond` in a graph, without converting the functions by AutoGraph."""
    return functional_cond(pred, true_fn, false_fn, name)


def fast_cond_v2(
    pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None
) -> Any:
    """Returns the result of `cond_v2`, and marks it in the graph to be run as a function by TensorFlow."""
    return functional_cond(pred, true_fn, false_fn, name, may_be_lowered=False)


def get_func_graphs(op: Operation) -> tuple[FuncGraph, ...]:
    """Returns the graphs of the branches of an If or Case; of an If, that of the true branch first."""
    attrs = op.raw_op.attrs
    branches = attrs.get("branches") or (attrs["then_branch"], attrs["else_branch"])
    return tuple(branch.graph for branch in branches)
