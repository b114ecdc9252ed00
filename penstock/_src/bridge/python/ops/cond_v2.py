"""`tensorflow.python.ops.cond_v2`: conditions whose branches are functions, as all of Penstock's are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.control.control_flow import cond, switch_case
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation


def cond_v2(
    pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str = "cond"
) -> Any:
    """Returns `tf.cond` of the same arguments."""
    return cond(pred, true_fn, false_fn, name)


def indexed_case(
    branch_index: Any,
    branch_fns: Sequence[Callable[[], Any]],
    name: str = "indexed_case",
    lower_using_switch_merge: bool | None = None,
) -> Any:
    """Returns `tf.switch_case` of a list of functions."""
    del lower_using_switch_merge
    return switch_case(branch_index, list(branch_fns), name=name)


# Both run a branch as it is: there is no other form that a condition could be lowered to.
fast_cond_v2 = cond_v2


def get_func_graphs(op: Operation) -> tuple[FuncGraph, ...]:
    """Returns the graphs of the branches of an If or Case: of an If first those of what happens if it holds."""
    attrs = op.raw_op.attrs
    branches = attrs.get("branches") or (attrs["then_branch"], attrs["else_branch"])
    return tuple(branch.graph for branch in branches)
