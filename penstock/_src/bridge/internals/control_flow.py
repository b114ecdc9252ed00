"""Loops, cases and the queries about control flow that other packages make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.control.conditionals import case, indexed_case
from penstock._src.api.vectorized.functions import pfor as pfor
from penstock._src.bridge.internals.control_flow_contexts import XLAControlFlowContext
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.control import is_in_xla_context
from penstock._src.util.export import export

# In graphs, conditions and loops are always functions.
ENABLE_CONTROL_FLOW_V2 = True


def EnableControlFlowV2(graph: Any) -> bool:
    """True: conditions and loops of graphs are functions."""
    del graph
    return True


GraphOrParentsInXlaContext = InXlaContext = is_in_xla_context


def IsInXLAContext(op: Any) -> bool:
    """False: XLA compiles no operation here."""
    del op
    return False


def GetContainingXLAContext(ctxt: Any) -> Any:
    """Returns the innermost XLA context that a context is or lies in, or None."""
    while ctxt is not None and not ctxt.IsXLAContext():
        ctxt = ctxt.outer_context
    return ctxt


@export("__internal__.get_enclosing_xla_context", v1=[])
def get_enclosing_xla_context() -> Any:
    """Returns the innermost XLA context in which the current graph is being built, or None.

    Returns:
      An XLAControlFlowContext, or None.
    """
    graph: Any = STATE.graph
    while graph is not None:
        context = GetContainingXLAContext(graph._get_control_flow_context())
        if context is not None or graph.is_for_xla:
            return context or XLAControlFlowContext()
        graph = getattr(graph, "enclosing", None)
    return None


@export("__internal__.execute_fn_for_device", v1=[])
def execute_fn_for_device(
    device_branch_fns: dict[str, Callable[[], Any]],
    default_fn: Callable[[], Any],
    name: str = "execute_fn",
) -> Any:
    """Returns the result of the function for this machine's device, which is that of "CPU" or the default.

    Args:
      device_branch_fns: functions without arguments by the types of devices, such as "CPU".
      default_fn: for all other types.
      name: of the operations.

    Returns:
      What the function returns.
    """
    table = {device.upper(): function for device, function in device_branch_fns.items()}
    if STATE.graph is None:
        return table.get("CPU", default_fn)()
    index = raw.DeviceIndex(device_names=list(table))
    with STATE.graph.name_scope(name):
        functions = [*table.values(), default_fn]
        return indexed_case(index, functions, lower_using_switch_merge=False)


def case_helper(
    cond_fn: Callable[..., Any],
    pred_fn_pairs: Sequence[Any],
    default: Callable[[], Any] | None,
    exclusive: bool,
    name: str,
    allow_python_preds: bool = False,
    **cond_kwargs: Any,
) -> Any:
    """Implements `tf.case` with another `cond`.

    Args:
      cond_fn: called as `cond_fn(predicate, true_fn, false_fn)`.
      pred_fn_pairs: (predicate, function) pairs.
      default: the function if no predicate holds.
      exclusive: accepted; the first that holds is taken.
      name: of the result.
      allow_python_preds: whether predicates may be Python booleans.
      **cond_kwargs: for `cond_fn`.
    """
    del exclusive
    if isinstance(pred_fn_pairs, dict):
        pairs = list(pred_fn_pairs.items())
    elif isinstance(pred_fn_pairs, list | tuple):
        pairs = list(pred_fn_pairs)
    else:
        raise TypeError(
            f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pred_fn_pairs)}"
        )
    for pred, _ in pairs:
        is_condition = isinstance(pred, Tensor) or (allow_python_preds and isinstance(pred, bool))
        if not is_condition:
            raise TypeError(f"pred must be a Tensor or bool, got: {pred}")
    if default is None and len(pairs) == 1:
        return case(pairs, name=name)
    chosen = pairs.pop()[1] if default is None else default
    for pred, function in reversed(pairs):
        chosen = _choice(cond_fn, pred, function, chosen, cond_kwargs)
    return chosen()


def _choice(cond: Any, pred: Any, yes: Any, no: Any, kwargs: dict[str, Any]) -> Callable[[], Any]:
    return lambda: cond(pred, yes, no, **kwargs)
