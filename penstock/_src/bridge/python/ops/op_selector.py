"""`tensorflow.python.ops.op_selector`: which operations of a graph come before or after others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.core.tensor import Tensor
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.v1.saving.wrapped import UnliftableError


def is_differentiable(op: Operation) -> bool:
    """True if gradients pass through an operation."""
    return op.raw_op.differentiable


def is_iterable(obj: Any) -> bool:
    """True if one can iterate over an object."""
    try:
        iter(obj)
    except TypeError:
        return False
    return True


def concatenate_unique(la: list[Any], lb: Iterable[Any]) -> list[Any]:
    """Adds the elements of the second list that the first lacks; returns the first."""
    la += [item for item in dict.fromkeys(lb) if item not in set(la)]
    return la


def get_unique_graph(
    tops: Any, check_types: Any = None, none_if_empty: bool = False
) -> Graph | None:
    """Returns the one graph of some operations and tensors.

    Args:
      tops: a graph, operation or tensor, or a list of such.
      check_types: what they may be; by default operations and tensors.
      none_if_empty: whether an empty list has the graph None.

    Raises:
      TypeError: one is of another type.
      ValueError: they are of several graphs, or there are none.
    """
    if isinstance(tops, Graph):
        return tops
    if not is_iterable(tops):
        raise TypeError(f"{type(tops)} is not iterable")
    kinds: Any = (Operation, Tensor) if check_types is None else check_types
    common: Any = None
    top: Any
    for top in tops:
        if not isinstance(top, kinds):
            raise TypeError(f"Expected a type in ({kinds}), got: {type(top)}")
        if common is None:
            common = top.graph
        elif common._graph_key != top.graph._graph_key:
            raise ValueError(f"Operation {top} does not belong to given graph")
    if common is None and not none_if_empty:
        raise ValueError("Can't find the unique graph of an empty list")
    return common


def check_graphs(*args: Any) -> None:
    """Checks that operations and tensors belong to one graph.

    Raises:
      ValueError: they are of several.
    """
    common = None
    for i, each in enumerate(args):
        graph = get_unique_graph(each if is_iterable(each) else [each], none_if_empty=True)
        if graph is None:
            continue
        if common is not None and graph is not common:
            raise ValueError(f"args[{i}] does not belong to the same graph as the others.")
        common = graph


def make_list_of_t(
    ts: Any, check_graph: bool = True, allow_graph: bool = True, ignore_ops: bool = False
) -> list[Any]:
    """Returns tensors as a list; a graph stands for all its tensors.

    Args:
      ts: a tensor, a list of tensors, or a graph.
      check_graph: whether they have to be of one graph.
      allow_graph: whether a graph may be given.
      ignore_ops: whether operations in the list are left out rather than refused.

    Raises:
      TypeError: something else is given.
    """
    if isinstance(ts, Graph):
        if not allow_graph:
            raise TypeError("allow_graph is False: cannot convert a tf.Graph.")
        return [t for op in ts.get_operations() for t in op.outputs]
    items = list(ts) if isinstance(ts, (list, tuple, set, frozenset)) else [ts]
    if check_graph and items:
        get_unique_graph(items, check_types=None if ignore_ops else Tensor)
    return [item for item in items if isinstance(item, Tensor)]


def make_list_of_op(
    tops: Any, check_graph: bool = True, allow_graph: bool = True, ignore_ts: bool = False
) -> list[Operation]:
    """Returns operations as a list; a graph stands for all its operations.

    Args:
      tops: an operation, a list of operations, or a graph.
      check_graph: whether they have to be of one graph.
      allow_graph: whether a graph may be given.
      ignore_ts: whether tensors in the list are left out rather than refused.

    Raises:
      TypeError: something else is given.
    """
    if isinstance(tops, Graph):
        if not allow_graph:
            raise TypeError("allow_graph is False: cannot convert a tf.Graph.")
        return tops.get_operations()
    items = list(tops) if is_iterable(tops) else [tops]
    if check_graph and items:
        get_unique_graph(items, check_types=None if ignore_ts else Operation)
    return [item for item in items if isinstance(item, Operation)]


def get_generating_ops(ts: Any) -> list[Operation]:
    """Returns the operations that compute tensors."""
    return [t.op for t in make_list_of_t(ts, allow_graph=False)]


def get_consuming_ops(ts: Any) -> list[Operation]:
    """Returns the operations that take tensors, each once."""
    tensors = make_list_of_t(ts, allow_graph=False)
    return list(dict.fromkeys(op for t in tensors for op in t.consumers()))


def get_backward_walk_ops(
    seed_ops: Any,
    inclusive: bool = True,
    within_ops: Any = None,
    within_ops_fn: Callable[[Operation], bool] | None = None,
    stop_at_ts: Any = (),
    control_inputs: bool = False,
    only_differentiable: bool = False,
) -> list[Operation]:
    """Returns the operations that others depend on, nearest first.

    Args:
      seed_ops: where the walk begins: operations, or tensors, whose operations are meant.
      inclusive: whether these are among the results.
      within_ops: the operations that may be walked over; by default all.
      within_ops_fn: whether an operation may be walked over.
      stop_at_ts: tensors that are not walked past.
      control_inputs: whether control inputs are followed.
      only_differentiable: whether only operations that gradients pass through are walked over.
    """
    items: list[Any] = list(seed_ops) if is_iterable(seed_ops) else [seed_ops]
    seeds = [item.op if isinstance(item, SymbolicTensor) else item for item in items]
    stops = {id(t) for t in make_list_of_t(stop_at_ts)}
    allowed = None if within_ops is None else set(make_list_of_op(within_ops))

    def may_enter(op: Operation) -> bool:
        if allowed is not None and op not in allowed:
            return False
        if only_differentiable and not is_differentiable(op):
            return False
        return within_ops_fn is None or within_ops_fn(op)

    reached = dict.fromkeys(seed for seed in seeds if may_enter(seed))
    pending = list(reached)
    while pending:
        before = []
        for op in pending:
            before += [t.op for t in op.inputs if id(t) not in stops]
            if control_inputs:
                before += op.control_inputs
        pending = [op for op in dict.fromkeys(before) if op not in reached and may_enter(op)]
        reached.update(dict.fromkeys(pending))
    return [op for op in reached if inclusive or op not in seeds]
