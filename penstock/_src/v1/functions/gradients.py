"""TensorFlow 1's `tf.gradients`."""

import contextlib
from typing import Any

from penstock._src.api import gradients as gradients_v2
from penstock._src.autodiff.backprop import UnconnectedGradients
from penstock._src.core.dispatch import STATE
from penstock._src.util.export import export


@export(v1=["gradients"])
def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """Returns d sum(ys) / dx for each x, as tensors of the graph that is being built.

    Args:
      ys: a tensor or a list of them.
      xs: a tensor or variable, or a list of them.
      grad_ys: a weight for each y; ones by default.
      name: a scope for the operations.
      colocate_gradients_with_ops: whether an operation's gradient is made to run beside it.
      gate_gradients, aggregation_method: accepted for compatibility; no effect.
      stop_gradients: tensors to treat as constants.
      unconnected_gradients: "none" (None) or "zero" for an x that no y depends on.

    Raises:
      RuntimeError: called in eager execution.

    >>> with tf.Graph().as_default():
    ...     x = tf.constant(2.)
    ...     (dx,) = tf.compat.v1.gradients(x * x, x, colocate_gradients_with_ops=True)
    ...     float(tf.compat.v1.Session().run(dx))
    4.0
    """
    graph: Any = STATE.graph
    is_colocated = colocate_gradients_with_ops and graph is not None
    with graph.colocated_gradients() if is_colocated else contextlib.nullcontext():
        return gradients_v2.gradients(
            ys,
            xs,
            grad_ys,
            name,
            gate_gradients,
            aggregation_method,
            stop_gradients,
            unconnected_gradients,
        )
