"""`tensorflow.python.ops.control_flow_util_v2`: questions about functions, branches and loop bodies."""

from __future__ import annotations

from typing import Any

from penstock._src.core.dispatch import STATE


def in_defun() -> bool:
    """Whether a function is being traced, at whatever depth of its branches and loops."""
    graph: Any = STATE.graph
    while getattr(graph, "is_control_flow_graph", False):
        graph = graph.enclosing
    return graph is not None and graph.building_function
