"""Arrays that become variables: `tensorflow.python.distribute.numpy_dataset`."""

from __future__ import annotations

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.v1.graphs.default_graph import placeholder
from penstock._src.v1.variables.collections import assign


def init_var_from_numpy(input_var: Any, numpy_input: Any, session: Any) -> None:
    """Sets a variable to an array, in a session if a graph is built; the array does not become a part of the graph.

    Args:
      input_var: the variable.
      numpy_input: the array.
      session: of the graph; not used eagerly.
    """
    if STATE.graph is None:
        input_var.assign(numpy_input)
        return
    value = placeholder(input_var.dtype, input_var.shape)
    session.run(input_var.initializer)
    session.run(assign(input_var, value), {value: numpy_input})
