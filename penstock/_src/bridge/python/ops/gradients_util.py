"""Gradients of graphs with TensorFlow's private options: `tensorflow.python.ops.gradients_util`."""

from __future__ import annotations

from typing import Any

from penstock._src.api.gradients import UnconnectedGradients
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util import nest
from penstock._src.v1.functions.gradients import gradients


def _reached(ys: Any) -> set[int]:
    """The numbers of the tensors that some depend on, where IdentityN passes each of its inputs on alone."""
    ids: set[int] = set()
    pending = [y for y in nest.flatten(ys) if isinstance(y, SymbolicTensor)]
    while pending:
        tensor = pending.pop()
        if tensor._id in ids:
            continue
        ids.add(tensor._id)
        inputs = list(tensor.op.inputs)
        if tensor.op.type == "IdentityN":
            inputs = [inputs[tensor.value_index]]
        pending += inputs
    return ids


def _GradientsHelper(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
    src_graph: Any = None,
    optimize_identity_n: bool = False,
) -> list[Any]:
    """Returns what `tf.gradients` does; with `optimize_identity_n`, None for what only another input of an IdentityN reaches."""
    del src_graph  # the graph of the tensors
    results = gradients(
        ys,
        xs,
        grad_ys,
        name,
        colocate_gradients_with_ops,
        gate_gradients,
        aggregation_method,
        stop_gradients,
        unconnected_gradients,
    )
    if not optimize_identity_n:
        return results
    reached = _reached(ys)
    sources = list(xs) if isinstance(xs, list | tuple) else [xs]
    return [g if x._id in reached else None for x, g in zip(sources, results, strict=True)]
